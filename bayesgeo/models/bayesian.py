"""What the Bayesian models share: a problem to state, an inference to compute it, a posterior to keep."""

from abc import abstractmethod
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.inference.base import Inference, Problem
from bayesgeo.models.base import Estimator
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
        Groups ``posterior`` and ``sample_stats``; see :class:`bayesgeo.inference.base.Inference`.
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

    def _learn(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        self.center_, self.scale_ = standardisation(X)
        problem = self._problem((X - self.center_) / self.scale_, y)
        tree = self._inference(problem).run(problem, self.seed_)
        tree["posterior"] = xr.DataTree(self._on_original_scale(tree["posterior"].to_dataset()))
        self.posterior_ = tree

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
    from bayesgeo.inference.exact import Exact
    from bayesgeo.inference.mclmc import MCLMC
    from bayesgeo.inference.nuts import NUTS
    from bayesgeo.inference.vi import ADVI

    if problem.conjugate is not None:
        return Exact()
    if problem.start is None:
        return NUTS()
    return MCLMC() if len(problem.data["y"]) <= MINIBATCH_ROWS else ADVI()
