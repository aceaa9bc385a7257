"""Deep ensembles: perceptrons trained from independent seeds, each a draw of the prediction."""

from typing import Any, ClassVar

import numpy as np
import xarray as xr
from sklearn.utils import check_random_state

from bayesgeo._check import invalid, positive
from bayesgeo.models.networks.base import Parts, TorchNetwork
from bayesgeo.models.networks.classes import TorchClassifier
from bayesgeo.models.networks.mlp import MLP, MLPClassifier, MLPRegressor
from bayesgeo.models.networks.values import TorchRegressor


class DeepEnsemble(TorchNetwork):
    """Base of the two deep ensembles (Lakshminarayanan, Pritzel & Blundell 2017, NeurIPS 30).

    Each member has its own starting weights, batches and validation rows; all are trained at once. Members are draws,
    so their disagreement is the epistemic uncertainty. Each keeps the weights of its own best epoch; training ends
    for all when three quarters have stopped, because the last ones would cost nearly as much as all at once.

    Attributes
    ----------
    weights_ : dict of numpy.ndarray
        ``weight_k (chain, draw, input, output)`` and ``bias_k (chain, draw, output)``: one chain, a draw a member.
    curve_ : xarray.Dataset
        As of one perceptron, with the dimension ``draw``; missing after a member has stopped.
    """

    member: ClassVar[type[MLP]]

    def __init__(self, estimator: Any = None, *, members: int = 8, random_state: Any = None):
        self.estimator = estimator
        self.members = members
        self.random_state = random_state

    def _plan(self) -> Any:
        return self.member() if self.estimator is None else self.estimator

    def _check(self) -> None:
        super()._check()
        positive("members", self.members, integer=True)
        plan = self._plan()
        if not isinstance(plan, self.member):
            problem = f"It must be an {self.member.__name__}."
            raise invalid("estimator", type(plan).__name__, problem, f"Give estimator={self.member.__name__}().")
        if plan.draws is not None:
            raise invalid("draws", plan.draws, "The members are the draws.", "Leave it None.")
        plan._check()

    def _member_seeds(self) -> list[int]:
        """Return the seeds of perceptrons whose ``random_state`` is drawn from this one's seed."""
        states = np.random.SeedSequence(self.seed_).generate_state(self.members)
        return [int(check_random_state(int(state)).randint(2**31 - 1)) for state in states]

    def _keep(self, weights: dict[str, np.ndarray], curve: xr.Dataset, parts: Parts) -> None:
        self.weights_ = {name: values[None] for name, values in weights.items()}
        self.curve_ = curve.rename(member="draw")

    def _networks(self) -> int:
        return self.members


class DeepEnsembleClassifier(DeepEnsemble, TorchClassifier):
    """Deep ensemble for classes; its probability is the mean of its members'.

    Parameters
    ----------
    estimator : MLPClassifier, optional
        Architecture and recipe of each member; None is :class:`MLPClassifier` with its defaults.
    members : int
        Number of perceptrons.
    random_state : int, RandomState or None
        Seed from which the members' seeds are drawn.

    Examples
    --------
    >>> DeepEnsembleClassifier(MLPClassifier((16,)), members=4).members
    4
    """

    name = "ensemble"
    member = MLPClassifier


class DeepEnsembleRegressor(DeepEnsemble, TorchRegressor):
    """Deep ensemble for values; parameters as :class:`DeepEnsembleClassifier`.

    Each member has its own noise, of the kind that ``estimator`` states, by default a standard deviation that differs
    by row: the prediction is a mixture of as many Gaussians.

    Examples
    --------
    >>> DeepEnsembleRegressor(MLPRegressor((16,)), members=4).estimator.hidden
    (16,)
    """

    name = "ensemble"
    member = MLPRegressor


__all__ = ["DeepEnsembleClassifier", "DeepEnsembleRegressor"]
