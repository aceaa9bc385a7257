"""What the Bayesian models share: a problem to state, an inference to compute it, a posterior to keep."""

import json
from abc import abstractmethod
from typing import Any, Self

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.inference.base import Inference, Problem
from bayesgeo.models.base import Estimator, row_labels
from bayesgeo.models.criticism import Rows, Says, groups_of, rows_sha256
from bayesgeo.models.preparation import standardisation

MINIBATCH_ROWS = 50_000  # rows above which a network's default inference sees minibatches


class Bayesian(Estimator):
    """Base of the Bayesian models: a subclass writes its Problem and its ``forward``.

    ``forward(X, p, xp)`` maps standardised features and parameters to the linear predictor or its like,
    broadcasting over leading ``(chain, draw)``; with ``xp = pytensor.tensor`` it builds the graph, with
    ``xp = numpy`` it predicts.

    Attributes
    ----------
    posterior_ : xarray.DataTree
        Groups ``posterior`` and ``sample_stats``, see :class:`bayesgeo.inference.base.Inference`, and those for checks
        of the model, see :mod:`bayesgeo.diagnostics.model_tables`. The root attributes say what the posterior is of,
        ``data_sha256``, and which groups the model left for its own checks, ``criticism_groups``.
    center_, scale_ : numpy.ndarray
        ``(feature,)`` what standardised the features.
    """

    kind = "Bayesian"
    inference: Inference | None
    posterior_: xr.DataTree

    @abstractmethod
    def _problem(self, X: np.ndarray, y: np.ndarray) -> Problem:
        """State the model of standardised rows."""

    @abstractmethod
    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        """Add the quantities that a reader wants, in the units of the table."""

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Learn from ``X (obs, feature)`` and ``y (obs,)``; see :meth:`Estimator.fit`."""
        super().fit(X, y, groups)
        names = row_labels(X)
        names = names if names.dtype.kind in "iuf" else names.astype(str)
        for group in ("log_likelihood", "cdf"):
            if group in self.posterior_.children:
                found = self.posterior_[group].to_dataset()
                self.posterior_[group] = xr.DataTree(found.assign_coords(obs=names[found["obs"].values]))
        return self

    def _learn(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        self.center_, self.scale_ = standardisation(X)
        problem = self._problem((X - self.center_) / self.scale_, y)
        tree = self._inference(problem).run(problem, self.seed_)
        sampled = tree["posterior"].to_dataset()
        tree["posterior"] = xr.DataTree(self._on_original_scale(sampled))
        classes = getattr(self, "classes_", None)
        tree.attrs["data_sha256"] = rows_sha256(X, y if classes is None else classes[y])
        self.posterior_ = tree
        says = self._says(problem)
        if says is not None:
            labels = () if classes is None else tuple(map(str, classes))
            found = groups_of(says, sampled, Rows(X, y, groups, labels), self.seed_)
            for name, group in found.items():
                tree[name] = xr.DataTree(group)
            tree.attrs["criticism_groups"] = json.dumps(list(found))

    def _says(self, problem: Problem) -> Says | None:
        """Return the model as functions of its parameters, for the checks; None leaves them out."""
        return None

    def _inference(self, problem: Problem) -> Inference:
        if self.inference is None:
            return default_inference(problem)
        if not isinstance(self.inference, Inference):
            raise invalid("inference", self.inference, "It has no run(problem, seed).", "Try inference=NUTS().")
        return self.inference

    def _parameters(self) -> dict[str, np.ndarray]:
        return {str(name): draws.values for name, draws in self.posterior_["posterior"].data_vars.items()}

    def _numbers_per_row(self) -> int:
        sizes = self.posterior_["posterior"].sizes
        draws = sizes["chain"] * sizes["draw"] * max(len(getattr(self, "classes_", ())), 1)
        return max(draws, super()._numbers_per_row())


def default_inference(problem: Problem) -> Inference:
    """Choose the exact posterior where there is one, NUTS elsewhere; for networks MCLMC, and ADVI for many rows."""
    from bayesgeo.inference.advi import ADVI
    from bayesgeo.inference.exact import Exact
    from bayesgeo.inference.mclmc import MCLMC
    from bayesgeo.inference.nuts import NUTS

    if problem.conjugate is not None:
        return Exact()
    if problem.start is None:
        return NUTS()
    return MCLMC() if len(problem.data["y"]) <= MINIBATCH_ROWS else ADVI()


def feature_names(estimator: Any) -> list[str]:
    """Return the names of the features that an estimator learned from, or others where they have none."""
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{j}" for j in range(estimator.n_features_in_)] if names is None else list(names)


def with_units(estimator: Any, coefficient: xr.DataArray) -> xr.DataArray:
    """Label coefficients with the units of their features, where these are known."""
    units = getattr(estimator, "units_", None)
    return coefficient if units is None else coefficient.assign_coords(unit=("feature", units))
