"""A deep ensemble: perceptrons trained from independent seeds, each a draw of the prediction."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from scipy import special

from bayesgeo._check import positive
from bayesgeo._progress import current, listening
from bayesgeo.models.base import Classifier, Regressor
from bayesgeo.models.mlp import MLP, MLPClassifier, MLPRegressor


class DeepEnsemble(MLP):
    """Base of the two deep ensembles (Lakshminarayanan, Pritzel & Blundell 2017, NeurIPS 30).

    Each member has its own starting weights, batches and validation rows. Members are draws, so how much they
    disagree is the epistemic uncertainty. The first members of a larger ensemble are the ensemble of that many from
    the same seed.

    Attributes
    ----------
    weights_ : dict of numpy.ndarray
        ``weight_k (chain, draw, input, output)`` and ``bias_k (chain, draw, output)``: one chain, a draw a member.
    curve_ : xarray.Dataset
        ``training`` and ``validation`` loss ``(draw, epoch)``, missing after a member has stopped.
    """

    member: ClassVar[type[MLP]]

    def __init__(
        self,
        hidden: tuple[int, ...] = (32, 32),
        *,
        members: int = 8,
        activation: str = "silu",
        weight_decay: float = 0.01,
        max_epochs: int = 500,
        device: str = "auto",
        random_state: Any = None,
    ):
        super().__init__(
            hidden,
            activation=activation,
            weight_decay=weight_decay,
            max_epochs=max_epochs,
            device=device,
            random_state=random_state,
        )
        self.members = members

    def _check(self) -> None:
        super()._check()
        positive("members", self.members, integer=True)

    def _learn(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        self._check()
        seeds = np.random.SeedSequence(self.seed_).generate_state(self.members)
        self._merge([self._train_member(number, int(seed), X, y, groups) for number, seed in enumerate(seeds, 1)])

    def _train_member(self, number: int, seed: int, X: np.ndarray, y: np.ndarray, groups: Any) -> Any:
        settings = {name: getattr(self, name) for name in self.member._get_param_names()}
        listener = current()
        with listening(lambda phase, numbers: listener(phase, numbers | {"member": number, "members": self.members})):
            return self.member(**settings | {"random_state": seed}).fit(X, y, groups)

    def _merge(self, trained: Sequence[Any]) -> None:
        self.center_, self.scale_ = trained[0].center_, trained[0].scale_
        names = trained[0].weights_
        self.weights_ = {name: np.stack([member.weights_[name] for member in trained])[None] for name in names}
        curves = [member.curve_.assign_coords(epoch=np.arange(member.curve_.sizes["epoch"])) for member in trained]
        self.curve_ = xr.concat(curves, "draw", join="outer", combine_attrs="drop")

    def _numbers_per_row(self) -> int:
        return max(super()._numbers_per_row(), self.members * max(self.network_.sizes))


class DeepEnsembleClassifier(DeepEnsemble, Classifier):
    """Deep ensemble for classes; its probability is the mean of its members'.

    Parameters
    ----------
    hidden : tuple of int
        Width of each hidden layer of each member.
    members : int
        Number of perceptrons.
    activation, weight_decay, max_epochs, device
        As in :class:`bayesgeo.models.mlp.MLPClassifier`.
    random_state : int, RandomState or None
        Seed from which the members' seeds are drawn.

    Examples
    --------
    >>> DeepEnsembleClassifier(members=4).members
    4
    """

    name = "ensemble"
    member = MLPClassifier

    def _expected(self, X: np.ndarray) -> np.ndarray:
        return special.softmax(self._outputs(X), axis=-1)


class DeepEnsembleRegressor(DeepEnsemble, Regressor):
    """Deep ensemble for values; parameters as :class:`DeepEnsembleClassifier`.

    The noise of each member is Gaussian, as wide as the error on its own validation rows: the prediction is a
    mixture of as many Gaussians.

    Examples
    --------
    >>> DeepEnsembleRegressor((16,), members=4).hidden
    (16,)
    """

    name = "ensemble"
    member = MLPRegressor

    @property
    def noise_(self) -> xr.Dataset:
        """The noise ``sigma (chain, draw)`` of each member in the unit of ``y``."""
        coords = {"chain": [0], "draw": np.arange(self.sigma_.size)}
        return xr.Dataset({"sigma": (("chain", "draw"), self.sigma_[None])}, coords)

    def _merge(self, trained: Sequence[Any]) -> None:
        super()._merge(trained)
        self.target_center_, self.target_scale_ = trained[0].target_center_, trained[0].target_scale_
        self.sigma_ = np.array([member.sigma_ for member in trained])

    def _expected(self, X: np.ndarray) -> np.ndarray:
        return self.target_center_ + self._outputs(X)[..., 0] * self.target_scale_


__all__ = ["DeepEnsembleClassifier", "DeepEnsembleRegressor"]
