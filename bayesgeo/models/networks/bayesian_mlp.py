"""Bayesian neural networks: a posterior over a linear model with a multilayer perceptron added to it."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import xarray as xr
from scipy import special
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from bayesgeo._check import invalid, one_of, positive, seed_number
from bayesgeo.diagnostics.belonging import fingerprint
from bayesgeo.inference.base import Inference, Problem, Start, Variant
from bayesgeo.models.architecture import Network
from bayesgeo.models.base import Classifier, Estimator, Regressor
from bayesgeo.models.bayesian import Bayesian, feature_names
from bayesgeo.models.networks.function_curves import function_curves
from bayesgeo.models.networks.graph import (
    NOISE,
    RELEVANCE,
    linear_coordinates,
    network_graph,
    noise_sd,
    unit_values,
)
from bayesgeo.models.networks.noise import noise_floor
from bayesgeo.models.networks.prior_draws import equal_chains, one_chain, prior_draws, with_draws
from bayesgeo.models.networks.statement import statement
from bayesgeo.models.networks.warm_start import start_from
from bayesgeo.models.preparation import standardisation, validation_rows
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.specification import Specification

# Parts of the rows held out during the warm-up; of groups more, because they decide on the power of the likelihood.
HELD_ROWS, HELD_GROUPS = 0.15, 0.3
FUNCTION_ROWS = 100  # held-out rows on which chains are compared
RELEVANCES = ("learned", "equal")
FIRST_OUTPUT = 0.1  # size of the network's last weights where chains start: near the linear model
# Of the likelihood, where rows have groups: the largest within a standard error of the best on held-out groups.
POWERS = {"classes": (1.0, 0.3, 0.1), "values": (1.0, 0.3)}


class BayesianMLP(Bayesian):
    """Base of the two Bayesian networks.

    The function is a linear one and a network added to it, so that data which need no more than a line get one.
    Weights are not identifiable: units can be swapped, signs flipped. Reports, comparisons and
    diagnostics therefore use the function that the weights define, on rows held out during the warm-up.

    Attributes
    ----------
    posterior_ : xarray.DataTree
        ``posterior`` holds ``weight_k (input, output)`` and ``bias_k (output)`` of each layer and ``linear (feature,
        output)``, all for standardised features, and ``relevance (feature)``; ``functions`` their predictions for the
        held-out rows: ``expected (chain, draw, point[, label])`` and ``log_density (chain, draw, point)``;
        ``function_curves`` the expected outcome along single inputs, see
        :func:`bayesgeo.models.networks.function_curves.function_curves`.
    holdout_rows_ : numpy.ndarray
        The held-out rows.
    """

    def __init__(
        self,
        hidden: tuple[int, ...] = (16, 16),
        *,
        activation: str = "silu",
        prior_scale: float | tuple[float, ...] | None = None,
        relevance: str | None = None,
        tempered: bool = True,
        start: Estimator | None = None,
        inference: Inference | None = None,
        random_state: Any = None,
    ):
        self.hidden = hidden
        self.activation = activation
        self.prior_scale = prior_scale
        self.relevance = relevance
        self.tempered = tempered
        self.start = start
        self.inference = inference
        self.random_state = random_state

    @property
    def network_(self) -> Network:
        """The architecture of the fitted model.

        A noise that differs by row is a second output; of two classes there is one, the log odds of the second.
        """
        return Network(self.n_features_in_, self.hidden, self._n_outputs(), self.activation, linear=True)

    def _n_outputs(self) -> int:
        labels = len(getattr(self, "classes_", ()))
        return labels if labels > 2 else 1 + (getattr(self, "noise", "") == "heteroscedastic")

    def torch_network(self, chain: int = 0, draw: int = 0) -> Any:
        """Return one draw of the posterior as a PyTorch module; it maps standardised features to outputs."""
        posterior = self.posterior_["posterior"].to_dataset().isel(chain=chain, draw=draw)
        return self.network_.to_torch({name: posterior[name].values for name in self.network_.shapes})

    def prior(self, draws: int = 100, *, seed: int = 0) -> Self:
        """Return the fitted model with independent draws of its prior in place of those of its posterior.

        Its predictions are those of the prior: scales, classes and noise floor are of the rows that it learnt from,
        relevances are drawn, or all one, in as many draws as the chains kept.

        Parameters
        ----------
        draws : int
            How many, in one chain.
        seed : int
            Seed of the draws.

        Examples
        --------
        >>> from bayesgeo.inference.laplace import Laplace
        >>> X = np.linspace(-1, 1, 40)[:, None]
        >>> model = BayesianMLPRegressor((2,), inference=Laplace(draws=20), random_state=0).fit(X, X[:, 0])
        >>> before = model.prior(50).predict_draws(X)
        >>> dict(before.sizes), bool((before.std("draw") > model.predict_draws(X).std(("chain", "draw"))).all())
        ({'chain': 1, 'draw': 50, 'obs': 40}, True)
        """
        check_is_fitted(self)
        positive("draws", draws, integer=True)
        rng = np.random.default_rng(seed_number("seed", seed))
        noise, posterior = getattr(self, "noise", "classes"), self.posterior_["posterior"].to_dataset()
        equal = np.resize(equal_chains(posterior), draws)
        floor = getattr(self, "noise_floor_", 0.0)
        drawn = prior_draws(self.network_, self._scales(), noise, floor, equal=equal, rng=rng)
        labelled = one_chain(drawn, self._dims(noise)).assign_coords(feature=feature_names(self))
        return with_draws(self, self._on_original_scale(labelled))

    def functions(self, X: Any, y: Any) -> xr.Dataset:
        """Return what the drawn networks predict for rows ``X (obs, feature)`` with targets ``y (obs,)``.

        Returns
        -------
        xarray.Dataset
            ``expected (chain, draw, point[, label])`` and ``log_density (chain, draw, point)``. Rows of a class
            absent from training are left out. Its attribute ``fingerprint`` ties them to the draws of the weights.
        """
        return self._tied(self._functions(self._rows(X), np.asarray(y)))

    def _tied(self, functions: xr.Dataset) -> xr.Dataset:
        return functions.assign_attrs(fingerprint=fingerprint(functions, self.posterior_["posterior"].to_dataset()))

    @abstractmethod
    def _functions(self, rows: Rows, y: np.ndarray) -> xr.Dataset: ...

    def _learn(self, rows: TrainingRows) -> None:
        part = HELD_GROUPS if self._alike(rows) else HELD_ROWS
        stratify = isinstance(self, Classifier)
        self.holdout_rows_ = validation_rows(rows.y, rows.group, self.seed_, stratify=stratify, part=part)
        super()._learn(rows)
        shown = rows.part(self.holdout_rows_[:FUNCTION_ROWS])
        self.posterior_["functions"] = xr.DataTree(self._tied(self._functions(shown, self._target_of(shown))))
        curves = function_curves(self, rows)
        if curves is not None:
            self.posterior_["function_curves"] = xr.DataTree(curves)

    def _target_of(self, rows: TrainingRows) -> np.ndarray:
        """Return the target as the caller gave it: names of classes, or values."""
        return self.classes_[rows.y] if isinstance(self, Classifier) else rows.y

    def _state(self, rows: TrainingRows, y: np.ndarray, noise: str, constants: dict[str, Any]) -> Problem:
        if self.relevance is not None:
            one_of("relevance", self.relevance, RELEVANCES)
        network, scales = self.network_, self._scales()
        learned, labels = self.relevance != "equal", len(getattr(self, "classes_", ()))
        X = self._scaled(rows.X)
        coordinates = linear_coordinates(X, y, labels)
        constants = coordinates | {name: np.asarray(value) for name, value in constants.items()}
        return Problem(
            build=partial(network_graph, network, scales, noise, n_labels=labels, relevances=learned),
            data={"X": X, "y": y} | constants,
            constants=tuple(constants),
            dims=self._dims(noise),
            coords={"feature": feature_names(self)},
            start=self._chain_start(rows, partial(unit_values, coordinates=coordinates), noise),
            held_out=self.holdout_rows_,
            head=(f"unit_weight_{network.layers - 1}", "z"),
            variants=self._variants(rows),
        )

    def _variants(self, rows: TrainingRows) -> tuple[Variant, ...]:
        """Return what the held-out rows choose among: relevances learned or not, and powers of the likelihood."""
        classes = hasattr(self, "classes_")
        fixed: tuple[tuple[str, ...], ...] = ((),)
        if not classes and self.relevance is None:
            # Learned relevances lose an input that matters only once all others are understood.
            fixed = ((), (RELEVANCE,))
        powers = POWERS["classes" if classes else "values"] if self._alike(rows) else (1.0,)
        return tuple(Variant(names, power) for power in powers for names in fixed)

    def _alike(self, rows: TrainingRows) -> bool:
        """Return whether rows of a group may be alike, and count as fewer."""
        return self.tempered and rows.group is not None and 1 < len(np.unique(rows.group)) < len(rows)

    def _scales(self) -> tuple[float, ...]:
        layers = len(self.hidden) + 1
        if self.prior_scale is None:
            first, middle, last = self._usual_scales
            return (first, *[middle] * (layers - 2), last) if layers > 1 else (last,)
        given = self.prior_scale if isinstance(self.prior_scale, tuple | list) else (self.prior_scale,) * layers
        if len(given) != layers:
            problem = f"It has {len(given)} values for {layers} layers."
            raise invalid("prior_scale", self.prior_scale, problem, "Give one number, or one for each layer.")
        return tuple(float(positive("prior_scale", scale)) for scale in given)

    def _dims(self, noise: str) -> dict[str, tuple[str, ...]]:
        ends = ["feature", *(f"unit_{k}" for k in range(len(self.hidden))), "output"]
        dims: dict[str, tuple[str, ...]] = {}
        for k in range(len(self.hidden) + 1):
            dims |= {f"weight_{k}": (ends[k], ends[k + 1]), f"bias_{k}": (ends[k + 1],)}
        dims["linear"] = ("feature", "output")
        if self.relevance != "equal":
            dims["relevance"] = ("feature",)
        return dims | dict.fromkeys(NOISE.get(noise, ()), ())

    def _chain_start(self, rows: TrainingRows, unit: Callable[..., dict[str, np.ndarray]], noise: str) -> Start:
        """Return the initial point of each chain; fit ``start`` to the rows unless it is fitted."""
        network, scales = self.network_, self._scales()
        ones = {} if self.relevance == "equal" else {RELEVANCE: np.ones(network.features)}
        given = None
        if self.start is not None:
            given = start_from(_fitted(self.start, rows, self._target_of(rows)), self)

        def values(rng: np.random.Generator, chain: int) -> dict[str, np.ndarray]:
            if given is not None:
                p, others = given(rng, chain)
                return unit(p, network, scales, noise) | ones | others
            p, last = network.start(rng), f"weight_{network.layers - 1}"
            at = unit(p | {last: FIRST_OUTPUT * p[last]}, network, scales, noise)
            # The linear part starts at its own mode.
            return at | ones | {"z": np.zeros_like(at["z"])}

        return Start(values, trained=given is not None)

    def _outputs(self, rows: Rows) -> np.ndarray:
        """Return the outputs of each drawn network, ``(chain, draw, obs, output)``."""
        posterior = self.posterior_["posterior"].to_dataset()
        p = {name: posterior[name].values for name in self.network_.shapes}
        return self.network_.forward(self._scaled(rows.X).astype(p["linear"].dtype), p, np)

    def specification(self, labels: Sequence[str] = ()) -> Specification:
        """State the formula, priors and names; see :meth:`Estimator.specification`."""
        return statement(self, self._scales(), self._relevance_prior() if self.relevance != "equal" else "")

    def _relevance_prior(self) -> str:
        return "Normal(0, 1)"

    def _numbers_per_row(self) -> int:
        sizes = self.posterior_["posterior"].sizes
        return sizes["chain"] * sizes["draw"] * max(self.network_.sizes)


class BayesianMLPClassifier(BayesianMLP, Classifier):
    r"""Bayesian multilayer perceptron for classes.

    On standardised features :math:`P(y_i = k) \propto \exp f_k(x_i)` with
    :math:`f(x) = \alpha + B x + g(a \circ x)`: a linear part, and a network :math:`g` whose weights are
    :math:`N(0, s_l^2 / n_l)` in layer :math:`l` of :math:`n_l` inputs. Hidden biases, :math:`B` and the relevances
    :math:`a_j` of the inputs are :math:`N(0, 1)`, :math:`\alpha` is :math:`N(0, 10^2)`. Of two classes :math:`f` is
    the log odds of the second.

    Where rows have groups, rows of a group may be more alike than the model knows. The likelihood is then raised to a
    power of 1, .3 or .1: the largest whose score of the groups held out while the chains warm up is within a standard
    error of the best.

    Parameters
    ----------
    hidden : tuple of int
        Width of each hidden layer.
    activation : str
        One of ``identity, sigmoid, tanh, relu, leaky_relu, softplus, silu, gelu``; smooth ones sample better.
    prior_scale : float or tuple of float, optional
        The scale :math:`s_l` of all layers or of each; None is 2 for the first, 4 for the last and 1 between for
        classes, and 3, 4 and 4 for values.
    relevance : {"learned", "equal"}, optional
        Whether the relevances are learned or all one; None learns them for classes, and for values leaves the choice to
        the held-out rows.
    tempered : bool
        Whether the likelihood may be raised to a power below one, where there are groups.
    start : estimator, optional
        A deterministic network or ensemble that initialises the chains, fitted here unless it is; None starts each near
        the linear model.
    inference : Inference, optional
        How the posterior is computed; None is :class:`MCLMC`, above 50,000 rows :class:`ADVI`. Only MCLMC chooses a
        power and relevances: others have a power of 1 and learn relevances.
    random_state : int, RandomState or None
        Seed of the starts, the held-out rows and the draws.

    Examples
    --------
    >>> BayesianMLPClassifier(hidden=(8,), activation="tanh").hidden
    (8,)
    """

    name = "bayesian_mlp"
    _usual_scales: ClassVar = (2.0, 1.0, 4.0)

    def _problem(self, rows: TrainingRows) -> Problem:
        return self._state(rows, rows.y.astype(np.int64), "classes", {})

    def _outputs(self, rows: Rows) -> np.ndarray:
        outputs = super()._outputs(rows)
        return outputs if outputs.shape[-1] > 1 else np.concatenate([np.zeros_like(outputs), outputs], axis=-1)

    def _expected(self, rows: Rows) -> np.ndarray:
        return special.softmax(self._outputs(rows), axis=-1)

    def _functions(self, rows: Rows, y: np.ndarray) -> xr.Dataset:
        known = np.isin(y, self.classes_)
        codes = np.searchsorted(self.classes_, y[known])
        log_p = special.log_softmax(self._outputs(rows.part(known)), axis=-1)
        log_density = np.take_along_axis(log_p, codes[None, None, :, None], axis=-1)[..., 0]
        return _shown(np.exp(log_p), log_density)


class BayesianMLPRegressor(BayesianMLP, Regressor):
    r"""Bayesian multilayer perceptron for values; parameters as :class:`BayesianMLPClassifier`, and ``noise``.

    On standardised features and target, with :math:`f` a linear part and a network as there:

    - ``"heteroscedastic"``: :math:`y_i \sim N(f(x_i), \sigma(x_i)^2)`, the noise a second output :math:`h` of the
      network, :math:`\sigma = \log(1 + e^{h}) + r`, whose last weights have scale 1;
    - ``"constant"``: :math:`y_i \sim N(f(x_i), \sigma^2)`, :math:`\sigma - r \sim N^+(0, 1)`;
    - ``"student-t"``: :math:`y_i \sim t_\nu(f(x_i), \sigma^2)`, :math:`\nu \sim \mathrm{Gamma}(2, 0.1)`.

    The floor :math:`r` of the noise is that of the target's resolution; see
    :func:`bayesgeo.models.networks.noise.noise_floor`.

    Attributes
    ----------
    noise_floor_ : float
        :math:`r`, in units of the standardised target.

    Examples
    --------
    >>> BayesianMLPRegressor(noise="constant").noise
    'constant'
    """

    name = "bayesian_mlp"
    _usual_scales: ClassVar = (3.0, 4.0, 4.0)

    def __init__(
        self,
        hidden: tuple[int, ...] = (16, 16),
        *,
        activation: str = "tanh",
        noise: str = "heteroscedastic",
        prior_scale: float | tuple[float, ...] | None = None,
        relevance: str | None = None,
        tempered: bool = True,
        start: Estimator | None = None,
        inference: Inference | None = None,
        random_state: Any = None,
    ):
        super().__init__(
            hidden,
            activation=activation,
            prior_scale=prior_scale,
            relevance=relevance,
            tempered=tempered,
            start=start,
            inference=inference,
            random_state=random_state,
        )
        self.noise = noise

    def _problem(self, rows: TrainingRows) -> Problem:
        y = rows.y
        one_of("noise", self.noise, ("heteroscedastic", "constant", "student-t"))
        self.target_center_, self.target_scale_ = (float(value) for value in standardisation(y))
        self.noise_floor_ = noise_floor(y, self.target_scale_)
        scaled = (y - self.target_center_) / self.target_scale_
        return self._state(rows, scaled, self.noise, {"floor": self.noise_floor_})

    def _relevance_prior(self) -> str:
        return "Normal(0, 1), or all 1, as held-out rows choose" if self.relevance is None else "Normal(0, 1)"

    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        if "sigma" not in posterior:
            return posterior
        return posterior.assign(noise_sd=posterior["sigma"] * self.target_scale_)

    def _predictive(self, rows: Rows) -> dict[str, np.ndarray]:
        outputs, posterior = self._outputs(rows), self.posterior_["posterior"].to_dataset()
        by_row = self.noise == "heteroscedastic"
        sigma = noise_sd(outputs[..., 1], self.noise_floor_, np) if by_row else posterior["sigma"].values
        nu = {"nu": posterior["nu"].values} if self.noise == "student-t" else {}
        # Draws may be in single precision, which is too coarse for a target far from zero.
        expected = self.target_center_ + outputs[..., 0].astype(np.float64) * self.target_scale_
        return {"expected": expected, "sigma": sigma * self.target_scale_} | nu

    def _functions(self, rows: Rows, y: np.ndarray) -> xr.Dataset:
        predictive = self._label_predictive(self._predictive(rows), rows)
        return _shown(predictive["expected"].values, self.log_density(predictive, y).values)


def _fitted(start: Any, rows: TrainingRows, target: np.ndarray) -> Any:
    """Fit ``start`` to the training rows of the model, unless it is fitted."""
    if getattr(start, "kind", None) != "deterministic" or hasattr(start, "weights_"):
        return start
    return clone(start).fit(rows.X, target, rows.groups)


def _shown(expected: np.ndarray, log_density: np.ndarray) -> xr.Dataset:
    dims = ("chain", "draw", "point", "label")
    return xr.Dataset({"expected": (dims[: expected.ndim], expected), "log_density": (dims[:3], log_density)})


__all__ = ["BayesianMLPClassifier", "BayesianMLPRegressor"]
