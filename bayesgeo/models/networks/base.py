"""What all networks that PyTorch trains share: rows, scales, training, pruning and outputs."""

from abc import abstractmethod
from typing import Any, Self

import numpy as np
import xarray as xr

from bayesgeo._check import invalid, one_of, positive
from bayesgeo.models.architecture import Network
from bayesgeo.models.base import Classifier, Estimator
from bayesgeo.models.networks.warm_start import start_from
from bayesgeo.models.preparation import standardisation, validation_rows
from bayesgeo.models.training.loop import train
from bayesgeo.models.training.members import Loss
from bayesgeo.models.training.pruning import magnitude_masks, pruning_shares
from bayesgeo.models.training.recipe import Recipe

NORMS = ("layer", "batch")
Rows = list[tuple[np.ndarray, np.ndarray]]


class MLP(Estimator):
    """Base of the perceptrons, and of what trains several at once.

    Trained on standardised rows in minibatches; a part of the rows (whole groups, when groups are given) is set aside,
    and the weights of the epoch with the least loss there are kept.

    Attributes
    ----------
    weights_ : dict of numpy.ndarray
        ``weight_k (input, output)`` and ``bias_k (output)`` of each layer; with ``draws``, ``(chain, draw)`` first.
    curve_ : xarray.Dataset
        ``training``, ``validation`` and, where :meth:`fit` was given test rows, ``test`` loss by ``epoch``;
        ``best_epoch``, and the ``constant`` loss of a prediction that ignores the features. Of the last round, where
        weights are pruned. See :func:`bayesgeo.models.training.curves.fitting`.
    """

    kind = "deterministic"
    loss: Loss

    def __init__(
        self,
        hidden: tuple[int, ...] = (32, 32),
        *,
        activation: str = "silu",
        norm: str | None = None,
        dropout: float = 0.0,
        draws: int | None = None,
        optimiser: str = "adamw",
        learning_rate: float = 3e-3,
        schedule: str = "constant",
        weight_decay: float = 0.01,
        l1: float = 0.0,
        batch_size: int | None = None,
        max_epochs: int = 500,
        patience: int = 25,
        class_weight: str | dict[Any, float] | None = None,
        start: Any = None,
        frozen: int = 0,
        sparsity: float = 0.0,
        device: str = "auto",
        random_state: Any = None,
    ):
        self.hidden = hidden
        self.activation = activation
        self.norm = norm
        self.dropout = dropout
        self.draws = draws
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.l1 = l1
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.class_weight = class_weight
        self.start = start
        self.frozen = frozen
        self.sparsity = sparsity
        self.device = device
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None, *, test: tuple[Any, Any] | None = None) -> Self:
        """Learn from ``X (obs, feature)`` and ``y (obs,)``.

        Parameters
        ----------
        X, y, groups
            As in :meth:`bayesgeo.models.base.Estimator.fit`.
        test : (X, y), optional
            Rows whose loss ``curve_`` records and nothing else uses.

        Returns
        -------
        self
        """
        self._test = test
        try:
            return super().fit(X, y, groups)
        finally:
            del self._test

    @property
    def network_(self) -> Network:
        """The architecture of the fitted model; batch normalisation is folded into its weights."""
        outputs = max(len(getattr(self, "classes_", ())), 1)
        norm = None if self.norm == "batch" else self.norm
        return Network(self.n_features_in_, self.hidden, outputs, self.activation, norm)

    @property
    def recipe_(self) -> Recipe:
        """How the model is trained."""
        names = ("optimiser", "learning_rate", "schedule", "weight_decay", "l1", "dropout")
        settings = {name: getattr(self, name) for name in (*names, "batch_size", "max_epochs", "patience")}
        return Recipe(**settings, batch_normalisation=self.norm == "batch")

    def _check(self) -> None:
        one_of("device", self.device, ["auto", "cpu", "cuda", "mps"])
        if self.norm is not None:
            one_of("norm", self.norm, NORMS)
        if self.draws is not None:
            positive("draws", self.draws, integer=True)
            if not self.dropout:
                raise invalid("draws", self.draws, "Without dropout all draws are the same.", "Give dropout=0.1.")
        if not 0 <= self.sparsity < 1:
            raise invalid("sparsity", self.sparsity, "It is no share of the weights.", "Give 0 or more, below 1.")
        if self.frozen:
            self._check_frozen()

    def _check_frozen(self) -> None:
        positive("frozen", self.frozen, integer=True)
        if self.start is None:
            raise invalid("frozen", self.frozen, "There is nothing to be left as it was.", "Give a start too.")
        if self.frozen > len(self.hidden):
            raise invalid(
                "frozen", self.frozen, "No layer would be left to train.", f"Give {len(self.hidden)} at most."
            )

    def _learn(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        self._check()
        recipe, network, seeds = self.recipe_, self.network_, self._member_seeds()
        parts = self._parts(y, groups, seeds)
        self._standardise(X, y)
        how: dict[str, Any] = {"start": self._start_weights(), "frozen": self._frozen_names(network)}
        data = self._data(X, y)
        how |= {"watched": self._watched(), "device": self.device}
        trained = train(network, data, parts, self.loss, recipe, seeds, **how)
        for share in pruning_shares(self.sparsity):
            masks = magnitude_masks(trained.weights, share, how["frozen"])
            how |= {"start": trained.weights, "keep": masks}
            trained = train(network, data, parts, self.loss, recipe, seeds, **how)
        constant = [self._constant_loss(data, *part) for part in parts]
        self._keep(trained.weights, trained.curve.assign(constant=("member", constant)), parts)
        self._judge(X, y, parts)

    def _member_seeds(self) -> list[int]:
        return [self.seed_]

    def _keep(self, weights: dict[str, np.ndarray], curve: xr.Dataset, parts: Rows) -> None:
        """Keep what was trained as fitted attributes."""
        self.weights_ = {name: values[0] for name, values in weights.items()}
        self.curve_ = curve.isel(member=0)
        self.validation_rows_ = parts[0][1]
        if self.draws is not None:
            self.weights_ = _thinned(self.weights_, self.dropout, self.draws, self.seed_)

    def _parts(self, y: np.ndarray, groups: Any, seeds: list[int]) -> Rows:
        """Return the training and the validation rows of each network."""
        return [self._parted(y, groups, seed) for seed in seeds]

    def _parted(self, y: np.ndarray, groups: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
        aside = validation_rows(y, groups, seed, stratify=isinstance(self, Classifier))
        rows = np.setdiff1d(np.arange(len(y)), aside)
        # Too few rows to set some aside: train and stop on the same ones.
        return (rows if len(rows) else aside), aside

    def _standardise(self, X: np.ndarray, y: np.ndarray) -> None:
        """Learn the scales; those of a start stay, since its weights mean nothing on others."""
        if self.start is None:
            self.center_, self.scale_ = standardisation(X)
        elif hasattr(self.start, "weights_"):
            self.center_, self.scale_ = self.start.center_, self.start.scale_

    def _start_weights(self) -> dict[str, np.ndarray] | None:
        if self.start is None:
            return None
        weights = start_from(self.start, self)(np.random.default_rng(), 0)
        n_members = len(self._member_seeds())
        return {name: np.stack([weights[name]] * n_members) for name in self.network_.shapes}

    def _frozen_names(self, network: Network) -> list[str]:
        return [name for name in network.shapes if int(name.split("_")[1]) < self.frozen]

    def _watched(self) -> dict[str, np.ndarray] | None:
        if self._test is None:
            return None
        X, y = self._test
        return self._data(np.concatenate([values for values, _ in self._chunks(X)]), self._test_target(np.asarray(y)))

    def _data(self, X: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        return {"X": (X - self.center_) / self.scale_} | self._scaled_target(y)

    @abstractmethod
    def _scaled_target(self, y: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the loss reads of the target."""

    @abstractmethod
    def _test_target(self, y: np.ndarray) -> np.ndarray:
        """Return test values as those to learn from are held."""

    @abstractmethod
    def _constant_loss(self, data: dict[str, np.ndarray], rows: np.ndarray, aside: np.ndarray) -> float:
        """Return the loss, on the validation rows, of the best prediction that ignores the features."""

    def _judge(self, X: np.ndarray, y: np.ndarray, parts: Rows) -> None:
        """Learn from the validation rows what training does not tell."""

    def _outputs(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs of each network, ``(chain, draw, obs, output)``."""
        outputs = self.network_.forward((X - self.center_) / self.scale_, self.weights_, np)
        return outputs if outputs.ndim == 4 else outputs[None, None]

    def _networks(self) -> int:
        return self.draws or 1

    def _numbers_per_row(self) -> int:
        return max(super()._numbers_per_row(), self._networks() * max(self.network_.sizes))


def _thinned(weights: dict[str, np.ndarray], dropout: float, draws: int, seed: int) -> dict[str, np.ndarray]:
    """Return networks ``(chain, draw)`` that each lack other hidden units, the rest raised to make up for them."""
    rng = np.random.default_rng([seed, draws])
    thinned = {name: np.repeat(values[None, None], draws, axis=1) for name, values in weights.items()}
    for k in range(1, sum(name.startswith("weight") for name in weights)):
        units = weights[f"weight_{k}"].shape[0]
        kept = rng.random((1, draws, units)) >= dropout
        thinned[f"weight_{k}"] *= kept[..., None] / (1 - dropout)
    return thinned
