"""Multilayer perceptrons, trained once by PyTorch: the deterministic networks."""

from typing import Any, Self

import numpy as np
import xarray as xr

from bayesgeo._check import invalid, one_of, positive
from bayesgeo.models.networks.base import Parts, TorchNetwork
from bayesgeo.models.networks.classes import TorchClassifier
from bayesgeo.models.networks.values import TorchRegressor
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
        super().__init__(
            hidden,
            activation=activation,
            norm=norm,
            draws=draws,
            recipe=recipe,
            start=start,
            frozen=frozen,
            sparsity=sparsity,
            random_state=random_state,
        )
        self.class_weight = class_weight


class MLPRegressor(MLP, TorchRegressor):
    r"""Multilayer perceptron for values and their noise; parameters as :class:`MLPClassifier`, and ``noise``.

    On standardised features and target, with :math:`f` the network:

    - ``"heteroscedastic"``: :math:`y_i \sim N(f_1(x_i), \sigma(x_i)^2)`, the noise a second output,
      :math:`\sigma = \log(1 + e^{f_2})` and a floor, by maximum likelihood;
    - ``"constant"``: by mean squared error; :math:`\sigma` is the error on the validation rows, with ``draws`` that of
      their mean less their own spread;
    - ``"student-t"``: :math:`y_i \sim t_\nu(f(x_i), \sigma^2)`, by maximum likelihood, :math:`2 < \nu < 100`.

    Examples
    --------
    >>> MLPRegressor(noise="constant", recipe=Recipe(weight_decay=0.1)).noise
    'constant'
    """

    name = "mlp"

    def __init__(
        self,
        hidden: tuple[int, ...] = (32, 32),
        *,
        noise: str = "heteroscedastic",
        activation: str = "silu",
        norm: str | None = None,
        draws: int | None = None,
        recipe: Recipe | None = None,
        start: Any = None,
        frozen: int = 0,
        sparsity: float = 0.0,
        random_state: Any = None,
    ):
        super().__init__(
            hidden,
            activation=activation,
            norm=norm,
            draws=draws,
            recipe=recipe,
            start=start,
            frozen=frozen,
            sparsity=sparsity,
            random_state=random_state,
        )
        self.noise = noise


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
