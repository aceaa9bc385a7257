"""The training loop of all PyTorch networks: many members at once, as one batched network."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo import _arrays
from bayesgeo._check import invalid
from bayesgeo._progress import announce
from bayesgeo.models.architecture import Network
from bayesgeo.models.training.members import CONSTANTS, Batches, Loss, Members, Weights, forward, take
from bayesgeo.models.training.recipe import Recipe

LEAST_GAIN = 1e-5  # least improvement of the validation loss that counts
STRAGGLERS = 0.25  # share of the members: the last ones would each cost nearly as much as all at once


@dataclass(frozen=True, eq=False)
class Trained:
    """Trained weights and loss curves.

    Attributes
    ----------
    weights : dict of numpy.ndarray
        ``(member, ...)``, float64, by the names of ``Network.shapes`` and, where the start has them, ``constants``:
        those of each member's best epoch.
    curve : xarray.Dataset
        ``training``, ``validation`` and, where rows were watched, ``test`` loss ``(member, epoch)``, missing after a
        member has stopped; ``best_epoch (member)``, and ``stopped (member)``, 1 where patience ran out.
    """

    weights: Weights
    curve: xr.Dataset


def train(  # noqa: PLR0917 - what is learned, from which rows, how: none has a default
    network: Network,
    data: Mapping[str, np.ndarray],
    rows: Sequence[tuple[np.ndarray, np.ndarray]],
    loss: Loss,
    recipe: Recipe,
    seeds: Sequence[int],
    *,
    start: Weights | None = None,
    frozen: Sequence[str] = (),
    keep: Weights | None = None,
    watched: Mapping[str, np.ndarray] | None = None,
    batch_normalisation: bool = False,
) -> Trained:
    """Train members of one architecture at once; keep the weights of each one's best epoch on its validation rows.

    A member's starting weights, batches and dropout come from its seed alone; an epoch has as many rows as the first
    member trains on. A member is therefore the same whatever other members there are, except that training ends for all
    when no more than a quarter of them would go on.

    Parameters
    ----------
    network : Network
        The architecture.
    data : mapping of numpy.ndarray
        Arrays with rows first: ``"X" (obs, feature)`` and those that the loss uses.
    rows : sequence of pairs of numpy.ndarray
        Training and validation rows of each member.
    loss : callable
        ``loss(outputs, part)``, the loss of each row ``(member, row)``; ``outputs`` is ``(member, row, output)`` and
        ``part`` holds the tensors ``(member, row, ...)`` of ``data`` but ``"X"``.
    recipe : Recipe
        Optimiser, schedule, penalties, epochs and device.
    seeds : sequence of int
        One for each member.
    start : dict of numpy.ndarray, optional
        Weights ``(member, ...)`` to begin at; they have no batch normalisation, so that none is trained. Where
        ``constants (member, k)`` are among them, so many more outputs follow, trained and the same for every row.
    frozen : sequence of str
        Names of the weights left as they were.
    keep : dict of numpy.ndarray, optional
        By name, ``(member, ...)``: 0 where a weight is and stays zero, else 1.
    watched : mapping of numpy.ndarray, optional
        As ``data``: rows whose loss is recorded as ``test`` and never used.
    batch_normalisation : bool
        Whether units are normalised over each batch while training (Ioffe & Szegedy 2015); it is folded into the
        weights that are returned.

    Raises
    ------
    InvalidInput
        If the machine lacks the device of the recipe, or the loss of a member is never finite.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 40)[:, None]
    >>> rows = [(np.arange(0, 40, 2), np.arange(1, 40, 2))] * 2
    >>> data = {"X": x, "y": x[:, 0] ** 2}
    >>> trained = train(Network(1, (4,), 1), data, rows, squared_error, Recipe(max_epochs=5), seeds=[1, 2])
    >>> trained.weights["weight_0"].shape, dict(trained.curve.sizes)
    ((2, 1, 4), {'member': 2, 'epoch': 5})
    """
    import torch

    with single_torch_thread(torch):
        place = choose_device(torch, recipe.device)
        # After one large block is freed, glibc reuses the memory of each step: a fifth less time.
        torch.empty(_arrays.BUDGET)
        tensors = _tensors(torch, data, place)
        begin: dict[str, Any] = {"start": start, "frozen": frozen, "keep": keep}
        members = Members(torch, network, recipe, seeds, **begin, batch_normalisation=batch_normalisation, device=place)
        batches = Batches(torch, tensors, [part for part, _ in rows], seeds, recipe)
        monitored = [_padded(torch, tensors, [part for _, part in rows])]
        if watched is not None:
            n_watched = len(watched["X"])
            monitored.append(_padded(torch, _tensors(torch, watched, place), [np.arange(n_watched)] * len(rows)))
        return _descend(members, batches, monitored, loss)


class _Record:
    """The losses of every epoch, and the weights of each member's best one."""

    def __init__(self, members: Members, n_losses: int):
        n_members, names = len(members.flat), {*members.network.shapes, CONSTANTS}
        self.weights = {name: values.clone() for name, values in members.folded().items() if name in names}
        self.least, self.best_epoch = np.full(n_members, np.inf), np.zeros(n_members, int)
        self.history = np.full((n_losses, n_members, members.recipe.max_epochs), np.nan)
        self.alive = np.arange(n_members)
        self.patience = members.recipe.patience

    def note(self, epoch: int, losses: np.ndarray, weights: dict[str, Any]) -> None:
        """Keep the losses ``(kind, member)`` of the members still alive, and their weights where they are better."""
        self.history[:, self.alive, epoch] = losses
        better = np.flatnonzero(losses[1] < self.least[self.alive] - LEAST_GAIN)
        members = self.alive[better]
        self.least[members], self.best_epoch[members] = losses[1, better], epoch
        for name, values in self.weights.items():
            values[members] = weights[name][better]

    def trained(self, epochs: int) -> Trained:
        """Return the best weights, and the curves of so many epochs."""
        weights = {name: values.cpu().numpy().astype(np.float64) for name, values in self.weights.items()}
        names = ("training", "validation", "test")
        curve = {
            name: (("member", "epoch"), values[:, :epochs])
            for name, values in zip(names, self.history, strict=False)  # rows are not always watched
        }
        stopped = (np.isfinite(self.history[0]).sum(axis=1) - self.best_epoch > self.patience).astype(int)
        return Trained(
            weights, xr.Dataset(curve | {"best_epoch": ("member", self.best_epoch), "stopped": ("member", stopped)})
        )


def _descend(members: Members, batches: Batches, monitored: list[Any], loss: Loss) -> Trained:
    recipe, record = members.recipe, _Record(members, 1 + len(monitored))
    for epoch in range(recipe.max_epochs):
        members.slow_down(epoch)
        total = sum(members.step(X, part, loss) * X.shape[1] for X, part in batches)
        weights = members.folded()
        rows = [_mean_loss(members.torch, members.network, weights, part, loss) for part in monitored]
        losses = members.torch.stack([total / batches.n_rows, *rows]).cpu().numpy()
        record.note(epoch, losses, weights)
        announce("training", epoch=epoch + 1, total=recipe.max_epochs)
        going = np.flatnonzero(epoch - record.best_epoch[record.alive] < record.patience)
        if len(going) <= STRAGGLERS * len(record.best_epoch):
            break
        if len(going) < len(record.alive):
            record.alive = record.alive[going]
            members.select(going)
            batches.select(going)
            monitored = [_select(part, going) for part in monitored]
    if not np.isfinite(record.least).all():
        problem = "The loss is not finite after any epoch."
        raise invalid("learning_rate", recipe.learning_rate, problem, "Give a smaller one.")
    return record.trained(epoch + 1)


def _padded(torch: Any, tensors: dict[str, Any], rows: list[np.ndarray]) -> tuple[dict[str, Any], Any, Any]:
    """Return tensors, the rows of each member padded to one length, and their weights in its mean."""
    device, longest = tensors["X"].device, max(len(part) for part in rows)
    order = np.stack([np.pad(part, (0, longest - len(part))) for part in rows])
    share = np.stack([(np.arange(longest) < len(part)) / len(part) for part in rows])
    return (
        tensors,
        torch.as_tensor(order, device=device),
        torch.as_tensor(share, dtype=torch.float32, device=device),
    )


def _select(padded: Any, kept: np.ndarray) -> Any:
    tensors, order, share = padded
    return tensors, order[kept], share[kept]


def _mean_loss(torch: Any, network: Network, p: dict[str, Any], padded: Any, loss: Loss) -> Any:
    tensors, order, share = padded
    step = max(1, _arrays.BUDGET // (len(order) * max(network.sizes)))
    with torch.no_grad():
        total = torch.zeros(len(order), device=share.device)
        for rows, weights in zip(order.split(step, 1), share.split(step, 1), strict=True):
            part = {name: take(values, rows) for name, values in tensors.items()}
            value = loss(forward(torch, network, part.pop("X"), p), part) * weights
            # One by one: how the rows of a matrix are summed depends on how many there are.
            total += torch.stack([member.sum() for member in value])
    return total


def _tensors(torch: Any, data: Mapping[str, np.ndarray], device: str) -> dict[str, Any]:
    def tensor(values: np.ndarray) -> Any:
        kind = torch.float32 if values.dtype.kind == "f" else torch.int64
        return torch.as_tensor(values, dtype=kind, device=device)

    return {name: tensor(values) for name, values in data.items()}


def cross_entropy(outputs: Any, part: dict[str, Any]) -> Any:
    r"""Return :math:`-w_i \log p_{i y_i}`, softmax probabilities of two or more classes; of two it is the binary one.

    Parameters
    ----------
    outputs : torch.Tensor
        ``(member, row, label)``.
    part : dict of torch.Tensor
        Codes ``y (member, row)`` and, if classes weigh differently, ``weight (member, row)``.
    """
    import torch

    value = torch.nn.functional.cross_entropy(outputs.transpose(1, 2), part["y"], reduction="none")
    return value * part["weight"] if "weight" in part else value


def squared_error(outputs: Any, part: dict[str, Any]) -> Any:
    """Return the squared error of the one output to ``y (member, row)``."""
    return (outputs[..., 0] - part["y"]) ** 2


def choose_device(torch: Any, wanted: str) -> str:
    """Return the device to train on; ``"auto"`` takes a GPU when there is one.

    Raises
    ------
    InvalidInput
        If this machine has no such device.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if available[name])
    if not available[wanted]:
        raise invalid("device", wanted, "This machine has none.", 'Use device="auto" or "cpu".')
    return wanted


@contextmanager
def single_torch_thread(torch: Any) -> Iterator[None]:
    """Compute on one thread inside the block: the order of sums changes their rounding."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
