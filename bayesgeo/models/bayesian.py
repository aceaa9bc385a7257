"""Base class of the Bayesian models: state a problem, run an inference, keep the posterior."""

import json
from abc import abstractmethod
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.inference.base import Inference, Problem
from bayesgeo.models.base import Estimator
from bayesgeo.models.criticism import BY_ROW, PredictiveFunctions, criticism_groups, training_data_sha256
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.rows import TrainingRows

MINIBATCH_ROWS = 50_000  # rows above which a network's default inference uses minibatches


class Bayesian(Estimator):
    """Base of the Bayesian models: a subclass implements ``_problem``, its prediction and its specification.

    A subclass comes first among the bases: ``class Mine(Bayesian, Regressor)``.

    Attributes
    ----------
    posterior_ : xarray.DataTree
        Groups ``posterior`` and ``sample_stats``, see :class:`bayesgeo.inference.base.Inference`; those for checks of
        the model, see :mod:`bayesgeo.diagnostics.model_tables`; and, of a linear predictor fitted to rows with groups,
        ``cluster_robust``, see :func:`bayesgeo.models.regression.cluster.cluster_robust`. The root attributes hold
        ``data_sha256``, the hash of the training data, and ``criticism_groups``, a JSON list of the groups that the
        model added for checks.
    center_, scale_ : numpy.ndarray
        ``(feature,)`` mean and scale that standardise the features.
    """

    kind = "Bayesian"
    inference: Inference | None
    posterior_: xr.DataTree

    @abstractmethod
    def _problem(self, rows: TrainingRows) -> Problem:
        """State the posterior of rows in the units of the table; :meth:`_scaled` standardises their features."""

    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        """Add the quantities to report, in the units of the table."""
        return posterior

    def _predictive_functions(self, problem: Problem) -> PredictiveFunctions | None:
        """Return the model as functions of its parameters, for checks of the model; None leaves them out."""
        return None

    def _cluster_robust(self, posterior: xr.Dataset, rows: TrainingRows) -> xr.Dataset | None:
        """Return standard deviations of coefficients that hold where rows of a group are alike; None without such."""
        return None

    def _learn(self, rows: TrainingRows) -> None:
        self.center_, self.scale_ = standardisation(rows.X)
        problem = self._problem(rows)
        tree = self._inference(problem).run(problem, self.seed_)
        sampled = tree["posterior"].to_dataset()
        tree["posterior"] = xr.DataTree(self._on_original_scale(sampled))
        classes = getattr(self, "classes_", None)
        tree.attrs["data_sha256"] = training_data_sha256(rows.X, rows.y if classes is None else classes[rows.y])
        self.posterior_ = tree
        robust = None if rows.group is None else self._cluster_robust(tree["posterior"].to_dataset(), rows)
        if robust is not None:
            tree["cluster_robust"] = xr.DataTree(robust)
        functions = self._predictive_functions(problem)
        if functions is not None:
            labels = () if classes is None else tuple(map(str, classes))
            found = criticism_groups(functions, sampled, rows, labels, self.seed_)
            for name, group in found.items():
                of_rows = name in BY_ROW and functions.left_out is None
                tree[name] = xr.DataTree(_named_rows(group, rows.names) if of_rows else group)
                tree[name].attrs["data_sha256"] = tree.attrs["data_sha256"]
            tree.attrs["criticism_groups"] = json.dumps(list(found))

    def _scaled(self, X: np.ndarray) -> np.ndarray:
        """Return features ``(obs, feature)`` on the standardised scale."""
        return (X - self.center_) / self.scale_

    def _inference(self, problem: Problem) -> Inference:
        if self.inference is None:
            return default_inference(problem)
        if not isinstance(self.inference, Inference):
            raise invalid("inference", self.inference, "It has no run(problem, seed).", "Try inference=NUTS().")
        return self.inference

    def _parameters(self) -> dict[str, np.ndarray]:
        """Return the draws ``(chain, draw, ...)`` of each variable of the posterior."""
        return {str(name): draws.values for name, draws in self.posterior_["posterior"].data_vars.items()}

    def _numbers_per_row(self) -> int:
        sizes = self.posterior_["posterior"].sizes
        draws = sizes["chain"] * sizes["draw"] * max(len(getattr(self, "classes_", ())), 1)
        return max(draws, super()._numbers_per_row())


def _named_rows(group: xr.Dataset, names: np.ndarray) -> xr.Dataset:
    """Label rows by their names instead of their positions."""
    names = names if names.dtype.kind in "iuf" else names.astype(str)
    return group.assign_coords(obs=names[group["obs"].values])


def default_inference(problem: Problem) -> Inference:
    """Choose the exact posterior, wholly or given a few scales; else NUTS, and for networks MCLMC or ADVI."""
    from bayesgeo.inference.advi import ADVI
    from bayesgeo.inference.collapsed import Collapsed
    from bayesgeo.inference.exact import Exact
    from bayesgeo.inference.mclmc import MCLMC
    from bayesgeo.inference.nuts import NUTS

    if problem.conjugate is not None:
        return Exact()
    if problem.marginal is not None:
        return Collapsed()
    if problem.start is None:
        return NUTS()
    return MCLMC() if len(problem.data["y"]) <= MINIBATCH_ROWS else ADVI()


def feature_names(estimator: Any) -> list[str]:
    """Return the names of an estimator's training features, ``x0, x1, ...`` where they have none."""
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{j}" for j in range(estimator.n_features_in_)] if names is None else list(names)


def with_units(estimator: Any, coefficient: xr.DataArray) -> xr.DataArray:
    """Label coefficients with the units of their features, where these are known."""
    units = getattr(estimator, "units_", None)
    return coefficient if units is None else coefficient.assign_coords(unit=("feature", units))
