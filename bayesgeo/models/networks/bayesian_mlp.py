"""Bayesian neural networks: a posterior over the weights of a multilayer perceptron."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from scipy import special
from sklearn.base import clone

from bayesgeo._check import invalid, one_of, positive
from bayesgeo.diagnostics.belonging import fingerprint
from bayesgeo.inference.base import Inference, Problem, Start
from bayesgeo.models.architecture import Network
from bayesgeo.models.base import Classifier, Estimator, Regressor
from bayesgeo.models.bayesian import Bayesian, feature_names
from bayesgeo.models.networks.graph import NOISE, PRIORS, network_graph, noise_sd
from bayesgeo.models.networks.warm_start import start_from
from bayesgeo.models.preparation import standardisation, validation_rows
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.specification import Graph, Prior, Specification

FUNCTION_ROWS = 100  # held-out rows on which chains are compared
LAYER_SCALE = "sₗ²"
WEIGHTS = "Unit scale for standardised inputs; a default, not taken from an expert."
LEARNED = "Lets the rows choose the scale of a layer within a factor of two or three."
SIGMA = "Wide against any offset of standardised data."
TAILS = "Allows heavy tails and the normal limit (Juárez & Steel 2010)."
LIKELIHOOD = {
    "classes": "P(yᵢ = k) ∝ exp fₖ(xᵢ)",
    "heteroscedastic": "yᵢ ~ Normal(f₁(xᵢ), σ(xᵢ)²), σ = log(1 + exp f₂) + 0.001",
    "constant": "yᵢ ~ Normal(f(xᵢ), σ²)",
    "student-t": "yᵢ ~ Student-t(ν, f(xᵢ), σ²)",
}


class BayesianMLP(Bayesian):
    """Base of the two Bayesian networks.

    Weights are not identifiable: units can be swapped, signs flipped. Reports, comparisons and
    diagnostics therefore use the function that the weights define, on rows held out during the warm-up.

    Attributes
    ----------
    posterior_ : xarray.DataTree
        ``posterior`` holds ``weight_k (input, output)`` and ``bias_k (output)`` of each layer for standardised
        features; ``functions`` their predictions for the held-out rows: ``expected (chain, draw, point[, label])``
        and ``log_density (chain, draw, point)``.
    holdout_rows_ : numpy.ndarray
        The held-out rows.
    """

    def __init__(
        self,
        hidden: tuple[int, ...] = (16, 16),
        *,
        activation: str = "tanh",
        prior: str = "normal",
        prior_scale: float | tuple[float, ...] = 1.0,
        start: Estimator | None = None,
        inference: Inference | None = None,
        random_state: Any = None,
    ):
        self.hidden = hidden
        self.activation = activation
        self.prior = prior
        self.prior_scale = prior_scale
        self.start = start
        self.inference = inference
        self.random_state = random_state

    @property
    def network_(self) -> Network:
        """The architecture of the fitted model; a noise that differs by row is a second output."""
        values = 1 + (getattr(self, "noise", "") == "heteroscedastic")
        return Network(self.n_features_in_, self.hidden, len(getattr(self, "classes_", ())) or values, self.activation)

    def torch_network(self, chain: int = 0, draw: int = 0) -> Any:
        """Return one draw of the posterior as a PyTorch module; it maps standardised features to outputs."""
        posterior = self.posterior_["posterior"].to_dataset().isel(chain=chain, draw=draw)
        return self.network_.to_torch({name: posterior[name].values for name in self.network_.shapes})

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
        self.holdout_rows_ = validation_rows(rows.y, rows.group, self.seed_, stratify=isinstance(self, Classifier))
        super()._learn(rows)
        shown = rows.part(self.holdout_rows_[:FUNCTION_ROWS])
        self.posterior_["functions"] = xr.DataTree(self._tied(self._functions(shown, self._target_of(shown))))

    def _target_of(self, rows: TrainingRows) -> np.ndarray:
        """Return the target as the caller gave it: names of classes, or values."""
        return self.classes_[rows.y] if isinstance(self, Classifier) else rows.y

    def _state(self, rows: TrainingRows, y: np.ndarray, *, noise: str) -> Problem:
        one_of("prior", self.prior, PRIORS)
        scales, network = self._scales(), self.network_
        return Problem(
            build=partial(network_graph, network, self.prior, scales, noise),
            data={"X": self._scaled(rows.X), "y": y},
            dims=self._dims(noise),
            coords={"feature": feature_names(self)},
            start=self._chain_start(rows),
            held_out=self.holdout_rows_,
            head=tuple(network.shapes)[-2:],
        )

    def _scales(self) -> tuple[float, ...]:
        layers = self.network_.layers
        given = self.prior_scale if isinstance(self.prior_scale, tuple | list) else (self.prior_scale,) * layers
        if len(given) != layers:
            problem = f"It has {len(given)} values for {layers} layers."
            raise invalid("prior_scale", self.prior_scale, problem, "Give one number, or one for each layer.")
        return tuple(float(positive("prior_scale", scale)) for scale in given)

    def _dims(self, noise: str) -> dict[str, tuple[str, ...]]:
        ends = ["feature", *(f"unit_{k}" for k in range(self.network_.layers - 1)), "output"]
        dims: dict[str, tuple[str, ...]] = {}
        for k in range(self.network_.layers):
            dims |= {f"weight_{k}": (ends[k], ends[k + 1]), f"bias_{k}": (ends[k + 1],)}
        if self.prior == "hierarchical":
            dims |= {f"scale_{k}": () for k in range(self.network_.layers)}
        return dims | dict.fromkeys(NOISE.get(noise, ()), ())

    def _chain_start(self, rows: TrainingRows) -> Start:
        """Return the initial point of each chain; fit ``start`` to the rows unless it is fitted."""
        if self.start is None:
            return Start(lambda rng, chain: self.network_.start(rng))
        return Start(start_from(_fitted(self.start, rows, self._target_of(rows)), self), trained=True)

    def _outputs(self, rows: Rows) -> np.ndarray:
        """Return the outputs of each drawn network, ``(chain, draw, obs, output)``."""
        posterior = self.posterior_["posterior"].to_dataset()
        p = {name: posterior[name].values for name in self.network_.shapes}
        return self.network_.forward(self._scaled(rows.X).astype(p["bias_0"].dtype), p, np)

    def specification(self, labels: Sequence[str] = ()) -> Specification:
        """State the formula, priors and names; see :meth:`Estimator.specification`."""
        noise, network = getattr(self, "noise", "classes"), Network(1, self.hidden, 1, self.activation)
        learned, layers = self.prior == "hierarchical", network.layers
        scales = [f"{scale:.4g}" for scale in ([*np.atleast_1d(self.prior_scale)])]
        given = ", ".join(scales)
        priors = [Prior("weights of layer l", f"Normal(0, sₗ²){'' if learned else f', s = {given}'}", WEIGHTS)]
        priors += [Prior("biases of layer l", f"Normal(0, s²), s = {given}", WEIGHTS)]
        priors += [Prior("sₗ²", f"InverseGamma(2, 2s²), s = {given}", LEARNED)] if learned else []
        priors += [Prior("σ", "HalfNormal(1)", SIGMA)] if noise in ("constant", "student-t") else []
        priors += [Prior("ν", "Gamma(2, 0.1)", TAILS)] if noise == "student-t" else []
        hidden = " × ".join(str(width) for width in self.hidden)
        scalars = [f"scale_{k}" for k in range(layers)] if learned else []
        return Specification(
            likelihood=f"{LIKELIHOOD[noise]}; f a network of {hidden} units ({self.activation})",
            scale="features standardised" if noise == "classes" else "features and target standardised",
            priors=tuple(priors),
            prior_kind="default" if self.prior_scale == 1.0 else "informed",
            graph=_graph(tuple(prior.parameter for prior in priors[2:]), learned=learned),
            quantities=(*_scalars(noise), *scalars),
            weights=tuple(network.shapes),
            names={name: f"prior sd of the weights, layer {k + 1}" for k, name in enumerate(scalars)}
            | {"nu": "degrees of freedom of the noise"},
        )

    def _numbers_per_row(self) -> int:
        sizes = self.posterior_["posterior"].sizes
        return sizes["chain"] * sizes["draw"] * max(self.network_.sizes)


class BayesianMLPClassifier(BayesianMLP, Classifier):
    r"""Bayesian multilayer perceptron for classes.

    On standardised features :math:`P(y_i = k) \propto \exp f_k(x_i)`, with :math:`f` a network whose weights and
    biases are :math:`N(0, s_l^2)` in layer :math:`l`.

    Parameters
    ----------
    hidden : tuple of int
        Width of each hidden layer.
    activation : str
        One of ``identity, sigmoid, tanh, relu, leaky_relu, softplus, silu, gelu``. Smooth ones sample better;
        ``tanh`` the quickest.
    prior : {"normal", "hierarchical"}
        Whether the scale of each layer's weights is given or learned, :math:`s_l^2 \sim IG(2, 2 s^2)`.
    prior_scale : float or tuple of float
        The scale :math:`s`, for all layers or one for each.
    start : estimator, optional
        A deterministic network or ensemble that initialises the chains, fitted here unless it is; None trains one for
        each chain.
    inference : Inference, optional
        How the posterior is computed; None is :class:`MCLMC`, above 50,000 rows :class:`ADVI`.
    random_state : int, RandomState or None
        Seed of the starts, the held-out rows and the draws.

    Examples
    --------
    >>> BayesianMLPClassifier(hidden=(8,), activation="tanh").hidden
    (8,)
    """

    name = "bayesian_mlp"

    def _problem(self, rows: TrainingRows) -> Problem:
        return self._state(rows, rows.y.astype(np.int64), noise="classes")

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

    On standardised features and target, with :math:`f` a network whose weights and biases are
    :math:`N(0, s_l^2)` in layer :math:`l`:

    - ``"heteroscedastic"``: :math:`y_i \sim N(f_1(x_i), \sigma(x_i)^2)`, the noise a second output,
      :math:`\sigma = \log(1 + e^{f_2}) + 10^{-3}`;
    - ``"constant"``: :math:`y_i \sim N(f(x_i), \sigma^2)`, :math:`\sigma \sim N^+(0, 1)`;
    - ``"student-t"``: :math:`y_i \sim t_\nu(f(x_i), \sigma^2)`, :math:`\nu \sim \mathrm{Gamma}(2, 0.1)`.

    Examples
    --------
    >>> BayesianMLPRegressor(noise="constant").noise
    'constant'
    """

    name = "bayesian_mlp"

    def __init__(
        self,
        hidden: tuple[int, ...] = (16, 16),
        *,
        activation: str = "tanh",
        noise: str = "heteroscedastic",
        prior: str = "normal",
        prior_scale: float | tuple[float, ...] = 1.0,
        start: Estimator | None = None,
        inference: Inference | None = None,
        random_state: Any = None,
    ):
        super().__init__(
            hidden,
            activation=activation,
            prior=prior,
            prior_scale=prior_scale,
            start=start,
            inference=inference,
            random_state=random_state,
        )
        self.noise = noise

    def _problem(self, rows: TrainingRows) -> Problem:
        y = rows.y
        one_of("noise", self.noise, ("heteroscedastic", "constant", "student-t"))
        self.target_center_, self.target_scale_ = (float(value) for value in standardisation(y))
        scaled = (y - self.target_center_) / self.target_scale_
        return self._state(rows, scaled, noise=self.noise)

    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        if "sigma" not in posterior:
            return posterior
        return posterior.assign(noise_sd=posterior["sigma"] * self.target_scale_)

    def _predictive(self, rows: Rows) -> dict[str, np.ndarray]:
        outputs, posterior = self._outputs(rows), self.posterior_["posterior"].to_dataset()
        by_row = self.noise == "heteroscedastic"
        sigma = noise_sd(outputs[..., 1], np) if by_row else posterior["sigma"].values
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


def _scalars(noise: str) -> tuple[str, ...]:
    """Return the noise parameters to report, in the units of the table."""
    return tuple("noise_sd" if name == "sigma" else name for name in NOISE[noise])


def _graph(scales: tuple[str, ...], *, learned: bool) -> Graph:
    """Return the graph of a network whose first scale is that of its weights, if it is learned."""
    parameters, predictor = ("weights", "biases"), "f(x)"
    above = tuple(name for name in scales if learned and name == LAYER_SCALE)
    edges = [(name, predictor) for name in (*parameters, "x")] + [(predictor, "y")]
    edges += [(name, "weights") for name in above]
    edges += [(name, "y") for name in scales if name != LAYER_SCALE]
    columns = (above, (*parameters, "x"), (predictor, *(name for name in scales if name not in above)), ("y",))
    return Graph(tuple(column for column in columns if column), tuple(edges))


def _shown(expected: np.ndarray, log_density: np.ndarray) -> xr.Dataset:
    dims = ("chain", "draw", "point", "label")
    return xr.Dataset({"expected": (dims[: expected.ndim], expected), "log_density": (dims[:3], log_density)})


__all__ = ["BayesianMLPClassifier", "BayesianMLPRegressor"]
