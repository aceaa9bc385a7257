"""Many networks of one architecture as one batched network, and the batches of each of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from bayesgeo import _arrays
from bayesgeo.models.architecture import NORM_EPSILON, Network
from bayesgeo.models.training.recipe import OPTIMISERS, SCHEDULES, Recipe

Weights = dict[str, np.ndarray]
Loss = Callable[[Any, dict[str, Any]], Any]

MOMENTUM = 0.1  # share of the newest batch in the running moments of batch normalisation
UNROLLED = 32  # numbers that a processor takes in one turn of an unrolled loop, at most
CONSTANTS = "constants"  # name of the outputs, after those of the network, that are the same for every row


class Members:
    """The members' weights, one row of numbers a member, and their optimiser."""

    def __init__(
        self,
        torch: Any,
        network: Network,
        recipe: Recipe,
        seeds: Sequence[int],
        *,
        start: Weights | None,
        frozen: Sequence[str],
        keep: Weights | None,
        batch_normalisation: bool,
        device: str,
    ):
        self.torch, self.network, self.recipe = torch, network, recipe
        self.normalised = batch_normalisation and start is None
        self.shapes = _trained_shapes(network, self.normalised, start)
        begun = start or _stacked([_start(network, self.shapes, _stream(seed, 0)) for seed in seeds])
        masks = {name: np.broadcast_to(float(name not in frozen), values.shape) for name, values in begun.items()}
        if keep is not None:
            begun = {name: values * keep.get(name, 1.0) for name, values in begun.items()}
            masks = {name: values * keep.get(name, 1.0) for name, values in masks.items()}
        self.flat = self._flatten(begun, device).requires_grad_()
        self.free = self._flatten(masks, device) > 0
        self.pinned = self.flat.detach().clone() if frozen or keep is not None else None
        self.sloped = self._flatten({name: _is_weight(name) + 0 * values for name, values in begun.items()}, device)
        self.generators = [torch.Generator(device).manual_seed(_number(seed, 2)) for seed in seeds]
        self.moments: dict[int, Any] = {}
        self.steps = 0
        self.optimiser = self._optimiser()

    def _flatten(self, weights: Weights, device: str) -> Any:
        flat = np.concatenate([weights[name].reshape(len(weights[name]), -1) for name in self.shapes], axis=1)
        # Whole turns: what is left over at the end of an array may be rounded otherwise.
        padded = np.pad(flat, ((0, 0), (0, -flat.shape[1] % UNROLLED)))
        return self.torch.as_tensor(padded, dtype=self.torch.float32, device=device)

    def _optimiser(self) -> Any:
        kind, settings = OPTIMISERS[self.recipe.optimiser]
        how = {"lr": self.recipe.learning_rate, "weight_decay": self.recipe.weight_decay}
        return getattr(self.torch.optim, kind)([self.flat], **how, **settings)

    def weights(self) -> dict[str, Any]:
        """Return the weights by name, ``(member, ...)``, as views."""
        sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        parts = self.flat.split([*sizes, self.flat.shape[1] - sum(sizes)], dim=1)
        return {
            name: part.view(-1, *shape) for (name, shape), part in zip(self.shapes.items(), parts[:-1], strict=True)
        }

    def step(self, X: Any, part: dict[str, Any], loss: Loss) -> Any:
        """Take one step; return the mean loss of each member before it."""
        self.steps += 1
        value = loss(self._thinned_forward(X, self.weights()), part).mean(1)
        self.flat.grad = None
        value.sum().backward()
        if self.recipe.l1:
            self.flat.grad += self.recipe.l1 * self.sloped * self.flat.detach().sign()
        self.optimiser.step()
        if self.pinned is not None:
            self.flat.data = self.torch.where(self.free, self.flat.data, self.pinned)
        return value.detach()

    def _thinned_forward(self, X: Any, p: dict[str, Any]) -> Any:
        between = self._normalise if self.normalised else None
        thin = self._thin if self.recipe.dropout else None
        return forward(self.torch, self.network, X, p, between=between, thin=thin)

    def _thin(self, h: Any) -> Any:
        kept = 1.0 - self.recipe.dropout
        chance = self.torch.empty_like(h)
        for member, generator in zip(chance, self.generators, strict=True):
            member.uniform_(generator=generator)
        return h * (chance < kept) / kept

    def _normalise(self, z: Any, k: int, p: dict[str, Any]) -> Any:
        var, mean = self.torch.var_mean(z, dim=-1, keepdim=True, correction=0)
        new = self.torch.stack([mean, var]).detach()
        share = max(MOMENTUM, 1.0 / self.steps)
        self.moments[k] = new if share == 1.0 else self.moments[k].lerp(new, share)
        return p[f"gain_{k}"][..., None] * (z - mean) * (var + NORM_EPSILON).rsqrt() + p[f"bias_{k}"][..., None]

    def folded(self) -> dict[str, Any]:
        """Return the weights of an equal network without batch normalisation, by its running moments."""
        p = {name: values.detach() for name, values in self.weights().items()}
        if not self.normalised:
            return p
        for k, (mean, var) in self.moments.items():
            scale = p.pop(f"gain_{k}") * (var[..., 0] + NORM_EPSILON).rsqrt()
            p[f"weight_{k}"] = p[f"weight_{k}"] * scale[:, None]
            p[f"bias_{k}"] = p[f"bias_{k}"] - mean[..., 0] * scale
        return p

    def slow_down(self, epoch: int) -> None:
        """Set the learning rate of an epoch."""
        factor = SCHEDULES[self.recipe.schedule](epoch / self.recipe.max_epochs)
        self.optimiser.param_groups[0]["lr"] = self.recipe.learning_rate * factor

    def select(self, kept: np.ndarray) -> None:
        """Keep these members only."""
        state = self.optimiser.state[self.flat]
        self.flat = self.flat.detach()[kept].requires_grad_()
        self.free, self.sloped = self.free[kept], self.sloped[kept]
        self.pinned = None if self.pinned is None else self.pinned[kept]
        self.generators = [self.generators[k] for k in kept]
        self.moments = {k: values[:, kept] for k, values in self.moments.items()}
        self.optimiser = self._optimiser()
        self.optimiser.state[self.flat] = {
            name: value[kept] if getattr(value, "ndim", 0) == 2 else value for name, value in state.items()
        }


class Batches:
    """Each member's training rows in its own new order every epoch."""

    def __init__(
        self, torch: Any, tensors: dict[str, Any], rows: list[np.ndarray], seeds: Sequence[int], recipe: Recipe
    ):
        self.torch, self.tensors, self.rows = torch, tensors, rows
        self.streams = [_stream(seed, 1) for seed in seeds]
        self.n_rows = len(rows[0])
        # Parts of nearly one size: the moments of a few left-over rows would mislead batch normalisation.
        n_batches = -(-self.n_rows // recipe.rows_a_step(self.n_rows))
        self.edges = np.linspace(0, self.n_rows, n_batches + 1).round().astype(int)

    def __iter__(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        orders = [
            np.resize(stream.permutation(part), self.n_rows)
            for stream, part in zip(self.streams, self.rows, strict=True)
        ]
        order = self.torch.as_tensor(np.stack(orders), device=self.tensors["X"].device)
        numbers = self.edges[1] * len(self.rows) * sum(values[0].numel() for values in self.tensors.values())
        step = max(1, _arrays.BUDGET // int(numbers))
        for first in range(0, len(self.edges) - 1, step):
            edges = self.edges[first : first + step + 1]
            block = {name: take(values, order[:, edges[0] : edges[-1]]) for name, values in self.tensors.items()}
            for a, b in pairwise(edges - edges[0]):
                part = {name: values[:, a:b] for name, values in block.items()}
                yield part.pop("X"), part

    def select(self, kept: np.ndarray) -> None:
        """Keep these members only."""
        self.rows = [self.rows[k] for k in kept]
        self.streams = [self.streams[k] for k in kept]


def take(values: Any, rows: Any) -> Any:
    """Return ``values[rows]``; choosing along one dimension is faster than by a matrix."""
    return values.index_select(0, rows.reshape(-1)).unflatten(0, rows.shape)


def forward(torch: Any, network: Network, X: Any, p: dict[str, Any], *, between: Any = None, thin: Any = None) -> Any:
    """Compute ``network.forward(X, p, torch)`` by PyTorch's fused operations, with normalisation and dropout."""
    h = X.transpose(1, 2)
    for k in range(network.layers - 1):
        weight = p[f"weight_{k}"].transpose(1, 2)
        if between is not None:
            z = between(_affine(torch, weight, None, h), k, p)
        else:
            z = network.normalise(_affine(torch, weight, p[f"bias_{k}"], h), k, p, torch)
        z = _activate(torch, network.activation, z)
        h = z if thin is None else thin(z)
    k = network.layers - 1
    outputs = _affine(torch, p[f"weight_{k}"].transpose(1, 2), p[f"bias_{k}"], h).transpose(1, 2)
    if CONSTANTS not in p:
        return outputs
    return torch.cat([outputs, p[CONSTANTS][:, None].expand(-1, X.shape[1], -1)], dim=2)


def _affine(torch: Any, weight: Any, bias: Any, h: Any) -> Any:
    """Return ``weight @ h + bias`` of each member, to the last bit the same whatever other members there are."""
    outputs = weight.shape[1]
    if outputs == 1:  # one member alone would be multiplied by another routine, for vectors
        weight = weight.expand(-1, 2, -1)
    z = weight @ h if bias is None else torch.baddbmm(bias[..., None], weight, h)
    return z[:, :outputs]


def _activate(torch: Any, name: str, z: Any) -> Any:
    """Apply an activation, to the last bit the same for a member whatever other members there are."""
    if name == "identity":
        return z
    activate = getattr(torch.nn.functional, name)
    if len(z) == 1 or z[0].numel() % UNROLLED == 0:
        return activate(z)
    # What is left over at the end of an array is computed by another routine.
    return torch.stack([activate(member) for member in z])


def whole_turns(torch: Any, values: Any) -> Any:
    """Lengthen ``values (member, row)`` by zeros, so that a function of them is the same whatever other members are."""
    return torch.nn.functional.pad(values, (0, -values.shape[1] % UNROLLED))


def _trained_shapes(network: Network, normalised: bool, start: Weights | None) -> dict[str, tuple[int, ...]]:
    gains = {f"gain_{k}": (units,) for k, units in enumerate(network.hidden)} if normalised else {}
    constants = {CONSTANTS: start[CONSTANTS].shape[1:]} if start and CONSTANTS in start else {}
    return network.shapes | gains | constants


def _start(network: Network, shapes: Mapping[str, tuple[int, ...]], rng: np.random.Generator) -> Weights:
    """Draw PyTorch's own start: weights and biases uniform within one over the root of the inputs; gains one."""
    constants = {"gain": 1.0, "shift": 0.0}
    begun = {}
    for name, shape in shapes.items():
        kind, k = name.split("_")
        bound = network.sizes[int(k)] ** -0.5
        begun[name] = np.full(shape, constants[kind]) if kind in constants else rng.uniform(-bound, bound, shape)
    return begun


def _stacked(weights: list[Weights]) -> Weights:
    return {name: np.stack([p[name] for p in weights]) for name in weights[0]}


def _is_weight(name: str) -> float:
    return float(name.startswith("weight"))


def _stream(seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed, purpose])


def _number(seed: int, purpose: int) -> int:
    return int(_stream(seed, purpose).integers(2**62))
