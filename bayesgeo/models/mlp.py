"""A multilayer perceptron, trained once by PyTorch: the deterministic network."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

from bayesgeo._check import invalid, one_of, positive
from bayesgeo._progress import announce
from bayesgeo.models.base import Classifier, Estimator, Regressor, one_draw_noise
from bayesgeo.models.network import Network
from bayesgeo.models.preparation import standardisation, validation_rows

PATIENCE = 25  # epochs without a better validation loss


class MLP(Estimator):
    """Base of the two perceptrons.

    Trained on standardised rows with AdamW (Loshchilov & Hutter 2019) in minibatches; a part of the rows
    (whole groups, when groups are given) is set aside, and the weights of the epoch with the least loss there
    are kept.

    Attributes
    ----------
    weights_ : dict of numpy.ndarray
        ``weight_k (input, output)`` and ``bias_k (output)`` of each layer.
    curve_ : xarray.Dataset
        ``training`` and ``validation`` loss by ``epoch``.
    """

    kind = "deterministic"

    def __init__(
        self,
        hidden: tuple[int, ...] = (32, 32),
        *,
        activation: str = "silu",
        weight_decay: float = 0.01,
        max_epochs: int = 500,
        device: str = "auto",
        random_state: Any = None,
    ):
        self.hidden = hidden
        self.activation = activation
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.device = device
        self.random_state = random_state

    @property
    def network_(self) -> Network:
        """The architecture of the fitted model."""
        outputs = max(len(getattr(self, "classes_", ())), 1)
        return Network(self.n_features_in_, self.hidden, outputs, self.activation)

    def _check(self) -> None:
        one_of("device", self.device, ["auto", "cpu", "cuda", "mps"])
        positive("max_epochs", self.max_epochs, integer=True)
        if not np.isfinite(self.weight_decay) or self.weight_decay < 0:
            raise invalid("weight_decay", self.weight_decay, "It must be zero or a finite number above.")

    def _train(self, X: np.ndarray, target: np.ndarray, groups: Any) -> None:
        self.center_, self.scale_ = standardisation(X)
        self.validation_rows_ = validation_rows(target, groups, self.seed_, stratify=target.dtype.kind == "i")
        rows = np.setdiff1d(np.arange(len(X)), self.validation_rows_)
        # Too few rows to set some aside: train and stop on the same ones.
        rows = rows if len(rows) else self.validation_rows_
        scaled = (X - self.center_) / self.scale_
        self.weights_, self.curve_ = _fit_network(self, (scaled, target), (rows, self.validation_rows_))

    def _outputs(self, X: np.ndarray) -> np.ndarray:
        return self.network_.forward((X - self.center_) / self.scale_, self.weights_, np)


class MLPClassifier(MLP, Classifier):
    """Multilayer perceptron for classes, by cross-entropy.

    Parameters
    ----------
    hidden : tuple of int
        Width of each hidden layer.
    activation : str
        One of ``identity, sigmoid, tanh, relu, leaky_relu, softplus, silu, gelu``.
    weight_decay : float
        Decoupled L2 penalty of AdamW.
    max_epochs : int
        Passes over the rows, at most.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to train; ``"auto"`` takes a GPU when there is one.
    random_state : int, RandomState or None
        Seed of the starting weights, batches and validation rows.

    Examples
    --------
    >>> MLPClassifier(hidden=(8,), activation="tanh").hidden
    (8,)
    """

    name = "mlp"

    def _learn(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        self._check()
        self._train(X, y.astype(np.int64), groups)

    def _expected(self, X: np.ndarray) -> np.ndarray:
        return special.softmax(self._outputs(X), axis=-1)[None, None]


class MLPRegressor(MLP, Regressor):
    """Multilayer perceptron for values, by mean squared error; parameters as :class:`MLPClassifier`.

    Its noise is Gaussian, as wide as the error on the validation rows.

    Examples
    --------
    >>> MLPRegressor(weight_decay=0.1).weight_decay
    0.1
    """

    name = "mlp"

    def _learn(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        self._check()
        self.target_center_, self.target_scale_ = (float(value) for value in standardisation(y))
        self._train(X, (y - self.target_center_) / self.target_scale_, groups)
        error = (y - self._expected(X)[0, 0])[self.validation_rows_]
        self.sigma_ = float(max(np.sqrt(np.mean(error**2)), np.finfo(float).tiny))

    @property
    def noise_(self) -> xr.Dataset:
        """The noise ``sigma (chain, draw)`` in the unit of ``y``."""
        return one_draw_noise(self.sigma_)

    def _expected(self, X: np.ndarray) -> np.ndarray:
        return (self.target_center_ + self._outputs(X)[:, 0] * self.target_scale_)[None, None]


def _fit_network(model: MLP, data: Any, rows: Any) -> tuple[dict[str, np.ndarray], xr.Dataset]:
    import torch

    with _single_torch_thread(torch):
        device = _device(torch, model.device)
        with torch.random.fork_rng():
            torch.manual_seed(model.seed_)
            module = model.network_.to_torch().to(device)
        loss = torch.nn.functional.cross_entropy if data[1].dtype.kind == "i" else _squared_error
        tensors = [_tensors(torch, data, part, device) for part in rows]
        curve = _descend(torch, module, loss, tensors, model)
        # On the processor first: not every accelerator has double precision.
        return model.network_.from_torch(module.cpu().double()), curve


def _descend(torch: Any, module: Any, loss: Any, tensors: Any, model: MLP) -> xr.Dataset:
    (X, y), (X_val, y_val) = tensors
    optimiser = torch.optim.AdamW(module.parameters(), lr=3e-3, weight_decay=model.weight_decay)
    generator = torch.Generator().manual_seed(model.seed_)
    batch = int(np.clip(len(X) // 20, 16, 512))
    best, best_state, curve = np.inf, None, []
    for epoch in range(model.max_epochs):
        total = 0.0
        for part in torch.randperm(len(X), generator=generator).to(X.device).split(batch):
            optimiser.zero_grad()
            value = loss(module(X[part]), y[part])
            value.backward()
            optimiser.step()
            total += value.item() * len(part)
        with torch.no_grad():
            curve.append((total / len(X), loss(module(X_val), y_val).item()))
        if curve[-1][1] < best - 1e-5:
            best, best_epoch = curve[-1][1], epoch
            best_state = {name: value.clone() for name, value in module.state_dict().items()}
        announce("training", epoch=epoch + 1, total=model.max_epochs)
        if epoch - best_epoch >= PATIENCE:
            break
    module.load_state_dict(best_state)
    history = np.array(curve).T
    curve_ = xr.Dataset({"training": ("epoch", history[0]), "validation": ("epoch", history[1])})
    return curve_.assign_attrs(best_epoch=best_epoch, stopped_early=int(len(curve) < model.max_epochs))


def _tensors(torch: Any, data: Any, rows: np.ndarray, device: str) -> tuple[Any, Any]:
    X, target = data[0][rows], data[1][rows]
    kind = torch.int64 if target.dtype.kind == "i" else torch.float32
    return (
        torch.as_tensor(X, dtype=torch.float32, device=device),
        torch.as_tensor(target, dtype=kind, device=device),
    )


def _squared_error(output: Any, target: Any) -> Any:
    return ((output[:, 0] - target) ** 2).mean()


def _device(torch: Any, wanted: str) -> str:
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if available[name])
    if not available[wanted]:
        raise invalid("device", wanted, "This machine has none.", 'Use device="auto" or "cpu".')
    return wanted


@contextmanager
def _single_torch_thread(torch: Any) -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


__all__ = ["MLPClassifier", "MLPRegressor"]
