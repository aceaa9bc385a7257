"""A deep ensemble: perceptrons trained from independent seeds, each a draw of the prediction."""

from typing import Any

import numpy as np
import xarray as xr
from sklearn.utils import check_random_state

from bayesgeo._check import positive
from bayesgeo.models.networks.base import MLP, Rows
from bayesgeo.models.networks.tasks import NetworkClassifier, NetworkRegressor


class DeepEnsemble(MLP):
    """Base of the two deep ensembles (Lakshminarayanan, Pritzel & Blundell 2017, NeurIPS 30).

    Each member has its own starting weights, batches and validation rows; all are trained at once. Members are draws,
    so how much they disagree is the epistemic uncertainty. Each keeps the weights of its own best epoch; training ends
    for all when three quarters have stopped, because the last ones would cost nearly as much as all at once.

    Attributes
    ----------
    weights_ : dict of numpy.ndarray
        ``weight_k (chain, draw, input, output)`` and ``bias_k (chain, draw, output)``: one chain, a draw a member.
    curve_ : xarray.Dataset
        As of one perceptron, with the dimension ``draw``; missing after a member has stopped.
    """

    def __init__(
        self,
        hidden: tuple[int, ...] = (32, 32),
        *,
        members: int = 8,
        activation: str = "silu",
        norm: str | None = None,
        dropout: float = 0.0,
        optimiser: str = "adamw",
        learning_rate: float = 3e-3,
        schedule: str = "constant",
        weight_decay: float = 0.01,
        l1: float = 0.0,
        batch_size: int | None = None,
        max_epochs: int = 500,
        patience: int = 25,
        class_weight: str | dict[Any, float] | None = None,
        sparsity: float = 0.0,
        device: str = "auto",
        random_state: Any = None,
    ):
        super().__init__(
            hidden,
            activation=activation,
            norm=norm,
            dropout=dropout,
            optimiser=optimiser,
            learning_rate=learning_rate,
            schedule=schedule,
            weight_decay=weight_decay,
            l1=l1,
            batch_size=batch_size,
            max_epochs=max_epochs,
            patience=patience,
            class_weight=class_weight,
            sparsity=sparsity,
            device=device,
            random_state=random_state,
        )
        self.members = members

    def _check(self) -> None:
        super()._check()
        positive("members", self.members, integer=True)

    def _member_seeds(self) -> list[int]:
        """Return the seeds of perceptrons whose ``random_state`` is drawn from this one's seed."""
        states = np.random.SeedSequence(self.seed_).generate_state(self.members)
        return [int(check_random_state(int(state)).randint(2**31 - 1)) for state in states]

    def _keep(self, weights: dict[str, np.ndarray], curve: xr.Dataset, parts: Rows) -> None:
        self.weights_ = {name: values[None] for name, values in weights.items()}
        self.curve_ = curve.rename(member="draw")

    def _networks(self) -> int:
        return self.members


class DeepEnsembleClassifier(DeepEnsemble, NetworkClassifier):
    """Deep ensemble for classes; its probability is the mean of its members'.

    Parameters
    ----------
    hidden : tuple of int
        Width of each hidden layer of each member.
    members : int
        Number of perceptrons.
    activation, norm, dropout, optimiser, learning_rate, schedule, weight_decay, l1, batch_size, max_epochs, patience,\
    class_weight, sparsity, device
        As in :class:`bayesgeo.models.networks.mlp.MLPClassifier`.
    random_state : int, RandomState or None
        Seed from which the members' seeds are drawn.

    Examples
    --------
    >>> DeepEnsembleClassifier(members=4).members
    4
    """

    name = "ensemble"


class DeepEnsembleRegressor(DeepEnsemble, NetworkRegressor):
    """Deep ensemble for values; parameters as :class:`DeepEnsembleClassifier`.

    The noise of each member is Gaussian, as wide as the error on its own validation rows: the prediction is a
    mixture of as many Gaussians.

    Examples
    --------
    >>> DeepEnsembleRegressor((16,), members=4).hidden
    (16,)
    """

    name = "ensemble"

    @property
    def noise_(self) -> xr.Dataset:
        """The noise ``sigma (chain, draw)`` of each member in the unit of ``y``."""
        coords = {"chain": [0], "draw": np.arange(self.sigma_.size)}
        return xr.Dataset({"sigma": (("chain", "draw"), self.sigma_[None])}, coords)

    def _judge(self, X: np.ndarray, y: np.ndarray, parts: Rows) -> None:
        errors = y - self._expected(X)[0]
        squares = [np.mean(error[aside] ** 2) for error, (_, aside) in zip(errors, parts, strict=True)]
        self.sigma_ = np.maximum(np.sqrt(squares), np.finfo(float).tiny)


__all__ = ["DeepEnsembleClassifier", "DeepEnsembleRegressor"]
