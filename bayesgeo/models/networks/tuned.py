"""A perceptron whose width, depth and weight decay are chosen by cross-validation inside the training rows."""

from abc import abstractmethod
from collections.abc import Sequence
from itertools import product
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from sklearn.base import clone

from bayesgeo._check import invalid, positive
from bayesgeo.models.base import Classifier, Estimator, Regressor
from bayesgeo.models.networks.ensemble import DeepEnsemble, DeepEnsembleClassifier, DeepEnsembleRegressor
from bayesgeo.models.networks.mlp import MLP, MLPClassifier, MLPRegressor
from bayesgeo.models.networks.noise import LIKELIHOOD
from bayesgeo.models.preparation import held_out_folds
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.specification import Specification
from bayesgeo.models.training.recipe import Recipe


class TunedMLP(Estimator):
    """Base of the two perceptrons that choose their architecture.

    Every combination of a width, a depth and a weight decay is fitted on the same folds (whole groups, when groups
    are given) of the training rows; the one with the least mean held-out loss is fitted again on all of them. The
    networks of a candidate's folds are trained at once and share one standardisation.

    Attributes
    ----------
    estimator_ : MLPClassifier or MLPRegressor
        The chosen perceptron, fitted on all rows.
    results_ : xarray.Dataset
        The candidates: ``width``, ``depth``, ``weight_decay`` and ``mean_loss`` by ``candidate``, and ``loss
        (candidate, fold)``: log loss, or mean squared error in the squared unit of ``y``. Missing where there are
        fewer than two rows a fold; then the first candidate is taken.
    """

    kind = "deterministic"
    single: ClassVar[type[MLP]]
    several: ClassVar[type[DeepEnsemble]]
    estimator_: Any

    def __init__(
        self,
        widths: tuple[int, ...] = (16, 64),
        *,
        depths: tuple[int, ...] = (1, 2),
        weight_decays: tuple[float, ...] = (0.01, 1.0),
        folds: int = 3,
        max_epochs: int = 500,
        random_state: Any = None,
    ):
        self.widths = widths
        self.depths = depths
        self.weight_decays = weight_decays
        self.folds = folds
        self.max_epochs = max_epochs
        self.random_state = random_state

    def _learn(self, rows: TrainingRows) -> None:
        candidates = self._candidates()
        target = rows.y if isinstance(self, Regressor) else self.classes_[rows.y]
        folds = held_out_folds(rows.y, rows.group, self.folds, self.seed_, stratify=isinstance(self, Classifier))
        losses = np.full((len(candidates), self.folds), np.nan)
        for k, network in enumerate(candidates if folds else []):
            networks = self.several(network, members=self.folds, random_state=self.seed_)
            found = self._losses(networks._fit(rows.X, target, rows.groups, folds=folds), rows)
            losses[k] = [loss[held].mean() for loss, (_, held) in zip(found, folds, strict=True)]
        self.results_ = self._table(losses)
        chosen = candidates[int(losses.mean(axis=1).argmin())]
        self.estimator_ = clone(chosen).fit(rows.X, target, rows.groups)

    def _candidates(self) -> list[MLP]:
        positive("folds", self.folds, integer=True)
        if self.folds < 2:
            raise invalid("folds", self.folds, "At least two folds are needed.", "Give folds=3.")
        grid = self._grid()
        if not grid:
            raise invalid("widths", self.widths, "It must have at least one value.", "Give a width, a depth, a decay.")
        for width, depth, _ in grid:
            positive("widths", width, integer=True)
            positive("depths", depth, integer=True)
        recipes = [Recipe(max_epochs=self.max_epochs, weight_decay=decay) for _, _, decay in grid]
        return [
            self.single((width,) * depth, recipe=recipe, random_state=self.seed_, **self._settings())
            for (width, depth, _), recipe in zip(grid, recipes, strict=True)
        ]

    def _grid(self) -> list[tuple[int, int, float]]:
        return list(product(self.widths, self.depths, self.weight_decays))

    def _table(self, losses: np.ndarray) -> xr.Dataset:
        width, depth, decay = np.array(self._grid()).T
        columns = {"width": width.astype(int), "depth": depth.astype(int), "weight_decay": decay}
        table = {name: ("candidate", values) for name, values in columns.items()}
        return xr.Dataset(
            table | {"loss": (("candidate", "fold"), losses), "mean_loss": ("candidate", losses.mean(axis=1))}
        )

    def _settings(self) -> dict[str, Any]:
        """Return what all candidates share."""
        return {}

    @abstractmethod
    def _losses(self, networks: Any, rows: TrainingRows) -> np.ndarray:
        """Return the loss of each fold's network for each row, ``(fold, obs)``."""

    def _numbers_per_row(self) -> int:
        return self.estimator_._numbers_per_row()


class TunedMLPClassifier(TunedMLP, Classifier):
    """Multilayer perceptron for classes, its architecture chosen by cross-validated log loss.

    Parameters
    ----------
    widths, depths : tuple of int
        Units of each hidden layer, and how many such layers.
    weight_decays : tuple of float
        Decoupled L2 penalties of AdamW.
    folds : int
        Number of cross-validation folds.
    max_epochs : int
        Maximum number of epochs.
    random_state : int, RandomState or None
        Seed of the folds and of every network.

    Examples
    --------
    >>> TunedMLPClassifier(widths=(8, 16)).widths
    (8, 16)
    """

    name = "tuned_mlp"
    single = MLPClassifier
    several = DeepEnsembleClassifier

    def _losses(self, networks: Any, rows: TrainingRows) -> np.ndarray:
        seen = networks.predict_draws(rows.X).values[0, :, np.arange(len(rows)), rows.y].T
        return -np.log(np.maximum(seen, np.finfo(float).tiny))

    def _expected(self, rows: Rows) -> np.ndarray:
        return self.estimator_._expected(rows)


class TunedMLPRegressor(TunedMLP, Regressor):
    """Multilayer perceptron for values, its architecture chosen by cross-validated squared error.

    Parameters are those of :class:`TunedMLPClassifier`, and ``noise`` as of :class:`MLPRegressor`.

    Examples
    --------
    >>> TunedMLPRegressor(depths=(1,)).depths
    (1,)
    """

    name = "tuned_mlp"
    single = MLPRegressor
    several = DeepEnsembleRegressor

    def __init__(
        self,
        widths: tuple[int, ...] = (16, 64),
        *,
        noise: str = "heteroscedastic",
        depths: tuple[int, ...] = (1, 2),
        weight_decays: tuple[float, ...] = (0.01, 1.0),
        folds: int = 3,
        max_epochs: int = 500,
        random_state: Any = None,
    ):
        super().__init__(
            widths,
            depths=depths,
            weight_decays=weight_decays,
            folds=folds,
            max_epochs=max_epochs,
            random_state=random_state,
        )
        self.noise = noise

    @property
    def noise_(self) -> xr.Dataset:
        """The noise of the chosen perceptron, in the unit of ``y``; absent where it differs by row."""
        return self.estimator_.noise_

    def _settings(self) -> dict[str, Any]:
        return {"noise": self.noise}

    def _losses(self, networks: Any, rows: TrainingRows) -> np.ndarray:
        # By densities, one row far out decides: what they choose has far larger errors, and mostly lower densities.
        return (rows.y - networks.predict_draws(rows.X).values[0]) ** 2

    def _predictive(self, rows: Rows) -> dict[str, np.ndarray]:
        return self.estimator_._predictive(rows)

    def specification(self, labels: Sequence[str] = ()) -> Specification:
        """State the formula; see :meth:`Estimator.specification`."""
        width, depth = ", ".join(map(str, self.widths)), ", ".join(map(str, self.depths))
        network = f"f a network of {depth} layers of {width} units, as cross-validation chooses"
        return Specification(f"{LIKELIHOOD[self.noise]}; {network}", scale="features and target standardised")


__all__ = ["TunedMLPClassifier", "TunedMLPRegressor"]
