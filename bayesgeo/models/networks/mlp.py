"""Multilayer perceptrons, trained once by PyTorch: the deterministic networks."""

from typing import Any, Self

import numpy as np
import xarray as xr

from bayesgeo._check import invalid, one_of, positive
from bayesgeo.models.networks.base import Parts, TorchNetwork
from bayesgeo.models.networks.tasks import TorchClassifier, TorchRegressor
from bayesgeo.models.rows import TrainingRows
from bayesgeo.models.training.recipe import Recipe

NORMS = ("layer", "batch")


class MLP(TorchNetwork):
    """Base of the two perceptrons.

    Attributes
    ----------
    holdout_rows_ : numpy.ndarray
        The validation rows.
    """

    def __init__(
        self,
        hidden: tuple[int, ...] = (32, 32),
        *,
        activation: str = "silu",
        norm: str | None = None,
        draws: int | None = None,
        recipe: Recipe | None = None,
        class_weight: str | dict[Any, float] | None = None,
        start: Any = None,
        frozen: int = 0,
        sparsity: float = 0.0,
        random_state: Any = None,
    ):
        self.hidden = hidden
        self.activation = activation
        self.norm = norm
        self.draws = draws
        self.recipe = recipe
        self.class_weight = class_weight
        self.start = start
        self.frozen = frozen
        self.sparsity = sparsity
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        groups: Any = None,
        *,
        coordinates: Any = None,
        weights: Any = None,
        test: tuple[Any, Any] | None = None,
    ) -> Self:
        """Fit the network to training rows.

        Parameters
        ----------
        X, y, groups, coordinates, weights
            As in :meth:`bayesgeo.models.base.Estimator.fit`.
        test : (X, y), optional
            Test rows: ``curve_`` records their loss, and nothing else uses them.

        Returns
        -------
        self
        """
        return self._fit(X, y, groups, coordinates, weights, test=test)

    def _plan(self) -> Any:
        return self

    def _check(self) -> None:
        super()._check()
        dropout = 0.0 if self.recipe is None else self.recipe.dropout
        if self.norm is not None:
            one_of("norm", self.norm, NORMS)
        if self.draws is not None:
            positive("draws", self.draws, integer=True)
            if not dropout:
                remedy = "Give recipe=Recipe(dropout=0.1)."
                raise invalid("draws", self.draws, "Without dropout all draws are the same.", remedy)
        if not 0 <= self.sparsity < 1:
            raise invalid("sparsity", self.sparsity, "It must be in [0, 1).", "Give sparsity=0.5.")
        if self.frozen:
            self._check_frozen()

    def _check_frozen(self) -> None:
        positive("frozen", self.frozen, integer=True)
        if self.start is None:
            raise invalid("frozen", self.frozen, "Without a start there are no layers to freeze.", "Give a start too.")
        if self.frozen > len(self.hidden):
            problem = "No layer would be left to train."
            raise invalid("frozen", self.frozen, problem, f"Give {len(self.hidden)} at most.")

    def _member_seeds(self) -> list[int]:
        return [self.seed_]

    def _keep(self, weights: dict[str, np.ndarray], curve: xr.Dataset, parts: Parts) -> None:
        self.weights_ = {name: values[0] for name, values in weights.items()}
        self.curve_ = curve.isel(member=0)
        self.holdout_rows_ = parts[0][1]
        if self.draws is not None and self.recipe is not None:
            self.weights_ = _thinned(self.weights_, self.recipe.dropout, self.draws, self.seed_)

    def _networks(self) -> int:
        return self.draws or 1


class MLPClassifier(MLP, TorchClassifier):
    """Multilayer perceptron for classes, by cross-entropy.

    Parameters
    ----------
    hidden : tuple of int
        Width of each hidden layer.
    activation : str
        One of ``identity, sigmoid, tanh, relu, leaky_relu, softplus, silu, gelu``.
    norm : {None, "batch", "layer"}
        Whether the input of each activation is normalised over the batch (folded into the weights after training) or
        over the layer's units.
    draws : int, optional
        Number of networks with dropped units that predict, as draws (Gal & Ghahramani 2016, ICML); None predicts with
        all units. Needs a recipe with dropout.
    recipe : Recipe, optional
        How the network is trained: optimiser, penalties, epochs, device; None is
        :class:`bayesgeo.models.training.recipe.Recipe` with its defaults.
    class_weight : {None, "balanced"} or dict
        Weight of each class in the loss: the same, inverse to its frequency, or as given.
    start : estimator, optional
        A fitted network of this architecture to continue training; its standardisation is kept. ``clone`` drops the
        fit; pass ``sklearn.frozen.FrozenEstimator(network)`` in cross-validation.
    frozen : int
        Number of first layers that keep the weights of the start.
    sparsity : float
        Share of the weights that end as zero: the smallest, in rounds with training between (Zhu & Gupta 2017,
        arXiv 1710.01878).
    random_state : int, RandomState or None
        Seed of the starting weights, batches, dropout and validation rows.

    Examples
    --------
    >>> MLPClassifier(hidden=(8,), recipe=Recipe(max_epochs=50)).recipe.max_epochs
    50
    """

    name = "mlp"


class MLPRegressor(MLP, TorchRegressor):
    """Multilayer perceptron for values, by mean squared error; parameters as :class:`MLPClassifier`.

    Its noise is Gaussian, as wide as the error on the validation rows; with ``draws``, as wide as the error of their
    mean less their own spread.

    Examples
    --------
    >>> MLPRegressor(recipe=Recipe(weight_decay=0.1)).recipe.weight_decay
    0.1
    """

    name = "mlp"

    def _estimate_noise(self, rows: TrainingRows, parts: Parts) -> None:
        aside = rows.part(parts[0][1])
        expected = self._expected(aside)
        error = np.mean((aside.y - expected.mean(axis=(0, 1))) ** 2)
        # Where draws spread more than the error, no noise is left: a tenth of the error keeps densities bounded.
        spread = np.mean(expected.var(axis=(0, 1)))
        self.sigma_ = float(max(np.sqrt(max(error - spread, 0.01 * error)), np.finfo(float).tiny))

    @property
    def noise_(self) -> xr.Dataset:
        """The noise ``sigma (chain, draw)`` in the unit of ``y``."""
        sigma = np.full((1, self._networks()), self.sigma_)
        return xr.Dataset({"sigma": (("chain", "draw"), sigma)}, {"chain": [0], "draw": np.arange(sigma.size)})


def _thinned(weights: dict[str, np.ndarray], dropout: float, draws: int, seed: int) -> dict[str, np.ndarray]:
    """Return networks ``(chain, draw)``, each with other hidden units dropped and the rest scaled up to compensate."""
    rng = np.random.default_rng([seed, draws])
    thinned = {name: np.repeat(values[None, None], draws, axis=1) for name, values in weights.items()}
    for k in range(1, sum(name.startswith("weight") for name in weights)):
        units = weights[f"weight_{k}"].shape[0]
        kept = rng.random((1, draws, units)) >= dropout
        thinned[f"weight_{k}"] *= kept[..., None] / (1 - dropout)
    return thinned


__all__ = ["MLPClassifier", "MLPRegressor"]
