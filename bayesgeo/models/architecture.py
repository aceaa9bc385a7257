"""The architecture of a fully connected network: one map for NumPy, PyTensor, JAX and PyTorch."""

import importlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Any

import numpy as np

from bayesgeo._check import invalid, one_of, positive

LEAK = 0.01
NORM_EPSILON = 1e-5  # added to the variance, as PyTorch's normalisations do
ERF_HOMES = {
    "numpy": "scipy.special",
    "jax.numpy": "jax.scipy.special",
    "pytensor.tensor": "pytensor.tensor",
    "torch": "torch.special",
}
# Modules whose defaults are the functions of ACTIVATIONS; softplus drops what is below 2e-9, above 20.
TORCH_NAMES = {
    "identity": "Identity",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "softplus": "Softplus",
    "silu": "SiLU",
    "gelu": "GELU",
}

TORCH_NORM = {"gain": "weight", "shift": "bias"}


def _silu(z: Any, xp: Any) -> Any:
    half = 0.5 * z
    return half + half * xp.tanh(half)


def _softplus(z: Any, xp: Any) -> Any:
    size = xp.abs(z)
    return 0.5 * (z + size) + xp.log1p(xp.exp(-size))


def _gelu(z: Any, xp: Any) -> Any:
    erf = importlib.import_module(ERF_HOMES[xp.__name__]).erf
    return 0.5 * z * (1.0 + erf(z * 2**-0.5))


# Only functions that all four libraries give the same name; exp never overflows.
ACTIVATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "identity": lambda z, xp: z,
    "sigmoid": lambda z, xp: 0.5 + 0.5 * xp.tanh(0.5 * z),
    "tanh": lambda z, xp: xp.tanh(z),
    "relu": lambda z, xp: z * (z > 0),
    "leaky_relu": lambda z, xp: xp.where(z > 0, z, LEAK * z),
    "softplus": _softplus,
    "silu": _silu,
    "gelu": _gelu,
}


@dataclass(frozen=True)
class Network:
    """A fully connected network: widths and activation, without weights.

    The weights are a mapping ``p`` from ``weight_k (input, output)`` and ``bias_k (output,)`` of each layer to
    arrays of whichever library computes.

    Parameters
    ----------
    features : int
        Width of the input.
    hidden : tuple of int
        Width of each hidden layer; empty for a linear map.
    outputs : int
        Width of the output, which has no activation.
    activation : str
        One of ``identity, sigmoid, tanh, relu, leaky_relu, softplus, silu, gelu``.
    norm : {None, "layer"}
        Whether the input of each activation is normalised over the layer's units (Ba, Kiros & Hinton 2016); then
        ``gain_k (output,)`` and ``shift_k (output,)`` of each hidden layer are weights too.
    linear : bool
        Whether a linear map of the input is added to the output; then ``linear (input, output)`` is a weight too.

    Raises
    ------
    InvalidInput
        If a width is not a positive integer, or the activation or the norm is unknown.

    Examples
    --------
    >>> network = Network(3, (4, 4), 2)
    >>> network.sizes, network.layers, network.parameters
    ((3, 4, 4, 2), 3, 46)
    """

    features: int
    hidden: tuple[int, ...]
    outputs: int
    activation: str = "silu"
    norm: str | None = None
    linear: bool = False

    def __post_init__(self) -> None:
        one_of("activation", self.activation, list(ACTIVATIONS))
        if self.norm is not None:
            one_of("norm", self.norm, ["layer"])
        if not isinstance(self.hidden, Iterable):
            raise invalid("hidden", self.hidden, "It must be a tuple of ints.", f"Give hidden=({self.hidden},).")
        # A list would make an unhashable value.
        object.__setattr__(self, "hidden", tuple(self.hidden))
        positive("features", self.features, integer=True)
        for width in self.hidden:
            positive("hidden", width, integer=True)
        positive("outputs", self.outputs, integer=True)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width of the input, of each hidden layer and of the output."""
        return (self.features, *self.hidden, self.outputs)

    @property
    def layers(self) -> int:
        """Number of layers that have weights."""
        return len(self.hidden) + 1

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each weight and bias by name.

        Examples
        --------
        >>> Network(3, (4,), 1).shapes
        {'weight_0': (3, 4), 'bias_0': (4,), 'weight_1': (4, 1), 'bias_1': (1,)}
        """
        shapes: dict[str, tuple[int, ...]] = {}
        for k, (inputs, outputs) in enumerate(pairwise(self.sizes)):
            shapes |= {f"weight_{k}": (inputs, outputs), f"bias_{k}": (outputs,)}
            if self.norm and k < len(self.hidden):
                shapes |= {f"gain_{k}": (outputs,), f"shift_{k}": (outputs,)}
        return shapes | ({"linear": (self.features, self.outputs)} if self.linear else {})

    @property
    def parameters(self) -> int:
        """Number of weights and biases, gains and shifts."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def forward(self, X: Any, p: Mapping[str, Any], xp: Any) -> Any:
        """Map features ``(obs, feature)`` to outputs ``(..., obs, output)``.

        Parameters
        ----------
        X : array
            ``(obs, feature)``.
        p : mapping
            The weights; dimensions before the last ones, such as ``(chain, draw)``, are kept.
        xp : module
            ``numpy``, ``pytensor.tensor``, ``jax.numpy`` or ``torch``; ``X`` and ``p`` hold its arrays.

        Examples
        --------
        >>> p = {"weight_0": np.eye(2), "bias_0": np.zeros(2), "weight_1": np.ones((2, 1)), "bias_1": np.ones(1)}
        >>> Network(2, (2,), 1, "relu").forward(np.array([[1.0, -3.0]]), p, np)
        array([[2.]])
        """
        activate = ACTIVATIONS[self.activation]
        # Rows last: the compiled elementwise loops run along many rows, not few units (twice as fast in XLA).
        h = xp.swapaxes(X, -1, -2)
        for k in range(self.layers):
            h = xp.swapaxes(p[f"weight_{k}"], -1, -2) @ h + p[f"bias_{k}"][..., None]
            if k < self.layers - 1:
                h = activate(self.normalise(h, k, p, xp), xp)
        if self.linear:
            h = h + xp.swapaxes(p["linear"], -1, -2) @ xp.swapaxes(X, -1, -2)
        return xp.swapaxes(h, -1, -2)

    def normalise(self, z: Any, k: int, p: Mapping[str, Any], xp: Any) -> Any:
        """Return the input of the activation of layer ``k``, from ``z (..., unit, obs)``."""
        if self.norm is None:
            return z
        z = z - xp.mean(z, axis=-2, keepdims=True)
        z = z / xp.sqrt(xp.mean(z * z, axis=-2, keepdims=True) + NORM_EPSILON)
        return p[f"gain_{k}"][..., None] * z + p[f"shift_{k}"][..., None]

    def start(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw weights to start from: variance ``1 / inputs`` (LeCun et al. 1998), gains one, all else zero.

        Examples
        --------
        >>> Network(3, (4,), 1).start(np.random.default_rng(0))["bias_0"]
        array([0., 0., 0., 0.])
        """
        return {
            name: rng.normal(0.0, shape[0] ** -0.5, shape)
            if name.startswith("weight")
            else np.full(shape, float(name.startswith("gain")))
            for name, shape in self.shapes.items()
        }

    def to_torch(self, p: Mapping[str, Any] | None = None) -> Any:
        """Build the PyTorch module, with weights ``p`` of one network or PyTorch's own random start.

        Returns
        -------
        torch.nn.Module
            Linear layers with the normalisation, if any, and the activation between them, of the dtype of ``p``: a
            ``Sequential``. With a linear map of the input, a module that adds its ``linear`` to its ``layers``.

        Raises
        ------
        InvalidInput
            If a weight is missing or has another shape.
        """
        import torch

        activation, layers = getattr(torch.nn, TORCH_NAMES[self.activation]), []
        # Weights that are replaced at once need neither memory nor random numbers.
        device = None if p is None else "meta"
        for inputs, outputs in pairwise(self.sizes):
            norm = [torch.nn.LayerNorm(outputs, NORM_EPSILON, device=device)] if self.norm else []
            layers += [torch.nn.Linear(inputs, outputs, device=device), *norm, activation()]
        module = torch.nn.Sequential(*layers[: -1 - bool(self.norm)])
        if self.linear:
            module = _nested(torch, module, torch.nn.Linear(self.features, self.outputs, bias=False, device=device))
        if p is not None:
            self._check_shapes(p)
            # Copied: training the module must leave these arrays alone.
            state = {self._torch_name(name): torch.from_numpy(_transposed(p[name])) for name in self.shapes}
            module.load_state_dict(state, assign=True)
        return module

    def from_torch(self, module: Any) -> dict[str, np.ndarray]:
        """Copy the weights of a PyTorch module, in float32 or float64 as they are there.

        Parameters
        ----------
        module : torch.nn.Sequential
            Of the layers that :meth:`to_torch` builds.

        Raises
        ------
        InvalidInput
            If the module has another architecture; the message names the first layer that differs.
        """
        import torch

        with torch.device("meta"):
            wanted = self.to_torch()
        if type(module).__name__ != type(wanted).__name__:
            problem = f"It must be a {type(wanted).__name__}."
            raise invalid("module", type(module).__name__, problem, "Build it with to_torch.")
        for k, (ours, theirs) in enumerate(zip_longest(_layers(wanted), _layers(module))):
            if _settings(ours) != _settings(theirs):
                problem = f"This network has {ours or 'nothing'} there."
                raise invalid(f"layer {k}", str(theirs or "nothing"), problem, "Give a module of its architecture.")
        state = module.state_dict()
        return {name: _to_numpy(state[self._torch_name(name)]) for name in self.shapes}

    def _torch_name(self, name: str) -> str:
        if name == "linear":
            return "linear.weight"
        kind, k = name.split("_")
        place = int(k) * (3 if self.norm else 2)
        layers = "layers." if self.linear else ""
        return f"{layers}{place + 1}.{TORCH_NORM[kind]}" if kind in TORCH_NORM else f"{layers}{place}.{kind}"

    def _check_shapes(self, p: Mapping[str, Any]) -> None:
        for name, shape in self.shapes.items():
            found = np.shape(p[name]) if name in p else "missing"
            if found != shape:
                raise invalid(name, found, f"Its shape must be {shape}.", "Give the weights of one such network.")


def _nested(torch: Any, layers: Any, linear: Any) -> Any:
    class Nested(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers, self.linear = layers, linear

        def forward(self, X: Any) -> Any:
            return self.layers(X) + self.linear(X)

    return Nested()


def _layers(module: Any) -> list[Any]:
    parts = list(module.children())
    return [*parts[0], parts[1]] if type(module).__name__ == "Nested" else parts


def _settings(layer: Any) -> Any:
    """Return the settings of a layer that change its output, beside its weights."""
    if layer is None:
        return None
    # In-place computation gives the same numbers; training mode does not change these layers.
    public = {name: value for name, value in vars(layer).items() if name[0] != "_"}
    kept = {name: value for name, value in public.items() if name not in ("training", "inplace")}
    return type(layer), kept, getattr(layer, "bias", None) is None


def _to_numpy(tensor: Any) -> np.ndarray:
    # NumPy has no bfloat16; float32 holds every narrower number exactly.
    kept = tensor if tensor.element_size() == 8 else tensor.float()
    return _transposed(kept.cpu())


def _transposed(values: Any) -> np.ndarray:
    return np.array(np.asarray(values).T, order="C")
