"""Bayesian linear and logistic regression."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

from bayesgeo._check import invalid, one_of, positive
from bayesgeo.inference.base import Inference, Problem
from bayesgeo.inference.exact import NormalInverseGamma
from bayesgeo.models.base import Classifier, Regressor
from bayesgeo.models.bayesian import Bayesian
from bayesgeo.models.linear_graph import (
    INTERCEPT_SCALE,
    NOISE_RATE,
    NOISE_SHAPE,
    WHITENED,
    forward,
    logistic_graph,
    regression_graph,
    whitening,
)
from bayesgeo.models.linear_prior import ClassPrior, RegressionPrior
from bayesgeo.models.pointwise import Parameters, Says
from bayesgeo.models.preparation import standardisation

PRIORS = ("normal", "laplace", "horseshoe", "flat")


class BayesianLinearRegression(Bayesian, Regressor):
    r"""Linear regression with a prior on its coefficients.

    On standardised features and target,

    .. math:: y_i \sim N(\alpha + x_i^T \beta, \sigma^2) \text{ or } t_\nu(\alpha + x_i^T \beta, \sigma^2),

    with :math:`\alpha \sim N(0, (10\sigma)^2)`, :math:`\sigma^2 \sim IG(1/2, 1/20)`,
    :math:`\nu \sim \mathrm{Gamma}(2, 0.1)` (Juárez & Steel 2010) and, for each coefficient, in units of the
    noise:

    - ``"normal"`` (ridge): :math:`\beta_j \sim N(0, (s\sigma)^2)`;
    - ``"laplace"`` (lasso, Park & Casella 2008): density :math:`\propto \exp(-|\beta_j| / (s\sigma))`;
    - ``"horseshoe"``: :math:`\beta_j \sim N(0, (\lambda_j \tau \sigma)^2)`, half-Cauchy :math:`\lambda_j` and
      :math:`\tau \sim C^+(0, s)` (Carvalho et al. 2010);
    - ``"flat"``: constant, with :math:`p(\sigma) \propto 1/\sigma`.

    Normal noise with a normal or flat prior has a closed form, used by default.

    Parameters
    ----------
    prior : {"normal", "laplace", "horseshoe", "flat"}
        Prior of the coefficients.
    prior_scale : float, optional
        The scale :math:`s`; None is 10 (normal, laplace) or :math:`1/\sqrt{n}` (horseshoe).
    noise : {"normal", "student-t"}
        Distribution of the outcome around its mean.
    inference : Inference, optional
        How the posterior is computed; None is :class:`Exact` where it exists, else :class:`NUTS`.
    random_state : int, RandomState or None
        Seed of the draws.

    Attributes
    ----------
    posterior_ : xarray.DataTree
        ``posterior`` holds ``weight (feature)``, ``intercept`` and ``sigma`` on the standardised scale, and
        ``coefficient (feature)``, ``constant`` and ``noise_sd`` in the units of the table.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = BayesianLinearRegression(random_state=0).fit(X, [1.0, 3.1, 4.9, 7.0])
    >>> model.coef_.round(1)
    array([2.])
    """

    name = "bayesian_linear"

    def __init__(
        self,
        prior: str = "normal",
        *,
        prior_scale: float | None = None,
        noise: str = "normal",
        inference: Inference | None = None,
        random_state: Any = None,
    ):
        self.prior = prior
        self.prior_scale = prior_scale
        self.noise = noise
        self.inference = inference
        self.random_state = random_state

    @property
    def coef_(self) -> np.ndarray:
        """Posterior mean of the coefficients ``(feature,)``, in units of ``y`` per unit of each feature."""
        return self.posterior_["posterior"].to_dataset()["coefficient"].mean(("chain", "draw")).values

    @property
    def noise_(self) -> xr.Dataset:
        """Draws of the noise in the unit of ``y``: ``sigma``, and ``nu`` for Student-t noise."""
        posterior = self.posterior_["posterior"].to_dataset().rename(sigma="standard_sigma", noise_sd="sigma")
        return posterior[[name for name in ("sigma", "nu") if name in posterior]]

    def _problem(self, X: np.ndarray, y: np.ndarray) -> Problem:
        one_of("prior", self.prior, PRIORS)
        one_of("noise", self.noise, ("normal", "student-t"))
        _refuse_undetermined(self.prior, X, spare=1)
        self.target_center_, self.target_scale_ = (float(value) for value in standardisation(y))
        scale = _scale(self.prior, self.prior_scale, default=10.0, n_rows=len(X))
        graph = partial(regression_graph, self.prior, scale, self.noise, X.shape[1])
        closed = self.noise == "normal" and self.prior in ("normal", "flat")
        return Problem(
            build=graph,
            data={"X": X, "y": (y - self.target_center_) / self.target_scale_},
            dims={"intercept": (), "weight": ("feature",), "sigma": ()}
            | ({"nu": ()} if self.noise == "student-t" else {}),
            coords={"feature": _feature_names(self)},
            key=("linear", *graph.args),
            conjugate=_conjugate(self.prior, scale, X.shape[1]) if closed else None,
            target_accept=0.99 if self.prior == "horseshoe" else 0.8,
        )

    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        scale = xr.DataArray(self.scale_, dims="feature")
        center = xr.DataArray(self.center_, dims="feature")
        coefficient = posterior["weight"] * self.target_scale_ / scale
        constant = self.target_center_ + posterior["intercept"] * self.target_scale_
        return posterior.assign(
            coefficient=_with_units(self, coefficient),
            constant=constant - (coefficient * center).sum("feature"),
            noise_sd=posterior["sigma"] * self.target_scale_,
        )

    def _expected(self, X: np.ndarray) -> np.ndarray:
        return self._mean(X, self._parameters())

    def _mean(self, X: np.ndarray, p: Parameters) -> np.ndarray:
        return self.target_center_ + forward((X - self.center_) / self.scale_, p, np) * self.target_scale_

    def _says(self, problem: Problem) -> Says:
        prior = None
        if self.prior != "flat":
            scale = _scale(self.prior, self.prior_scale, default=10.0, n_rows=len(problem.data["y"]))
            prior = RegressionPrior(self.prior, scale, self.n_features_in_, self.noise == "student-t")
        # The scales that a horseshoe learns are not kept, and given them alone its coefficients are normal.
        known = prior is not None and self.prior != "horseshoe"
        return Says(
            predictive=self._at,
            log_prior=prior.log_density if prior is not None and known else None,
            prior=prior.sample if prior is not None else None,
            shown=("weight", "intercept", "sigma") if known else (),
        )

    def _at(self, X: np.ndarray, p: Parameters) -> dict[str, np.ndarray]:
        shape = {"nu": p["nu"]} if "nu" in p else {}
        return {"expected": self._mean(X, p), "sigma": p["sigma"] * self.target_scale_} | shape


class BayesianLogisticRegression(Bayesian, Classifier):
    r"""Logistic (two classes) or softmax (more) regression with a prior on its coefficients.

    On standardised features :math:`P(y_i = k) \propto \exp(\alpha_k + x_i^T \beta_k)`. With two classes the
    coefficients are of the log odds of the second. With more they are reported as deviations from the mean
    over classes, because only differences matter. Intercepts are :math:`N(0, 10^2)`; coefficients have
    the priors of :class:`BayesianLinearRegression` with noise 1.

    Parameters
    ----------
    prior : {"normal", "laplace", "horseshoe", "flat"}
        Prior of the coefficients. ``"flat"`` has no proper posterior when the classes are separable.
    prior_scale : float, optional
        Its scale; None is 2.5 (normal, laplace; Gelman et al. 2008) or :math:`1/\sqrt{n}` (horseshoe).
    inference : Inference, optional
        How the posterior is computed; None is :class:`NUTS`.
    random_state : int, RandomState or None
        Seed of the draws.

    Attributes
    ----------
    classes_ : numpy.ndarray
        Class labels, sorted.
    posterior_ : xarray.DataTree
        ``posterior`` holds ``weight (feature[, label])`` and ``intercept`` on the standardised scale, and
        ``coefficient`` and ``constant``: log odds per unit of each feature.

    Examples
    --------
    >>> BayesianLogisticRegression(prior="laplace").prior
    'laplace'
    """

    name = "bayesian_logistic"

    def __init__(
        self,
        prior: str = "normal",
        *,
        prior_scale: float | None = None,
        inference: Inference | None = None,
        random_state: Any = None,
    ):
        self.prior = prior
        self.prior_scale = prior_scale
        self.inference = inference
        self.random_state = random_state

    @property
    def coef_(self) -> np.ndarray:
        """Posterior mean of the coefficients as scikit-learn shapes them: ``(1 or label, feature)``."""
        coefficient = self.posterior_["posterior"]["coefficient"].mean(("chain", "draw"))
        return np.atleast_2d(coefficient.transpose(..., "feature").values)

    def _problem(self, X: np.ndarray, y: np.ndarray) -> Problem:
        one_of("prior", self.prior, PRIORS)
        _refuse_undetermined(self.prior, X, spare=0)
        scale = _scale(self.prior, self.prior_scale, default=2.5, n_rows=len(X))
        n_labels = len(self.classes_)
        graph = partial(logistic_graph, self.prior, scale, X.shape[1], n_labels)
        label = () if n_labels == 2 else ("label",)
        smooth = self.prior in WHITENED
        return Problem(
            build=graph,
            data={"X": X, "y": y.astype(np.int64)} | (whitening(X, y, self.prior, scale) if smooth else {}),
            dims={"intercept": label, "weight": ("feature", *label)},
            coords={"feature": _feature_names(self), "label": list(self.classes_)},
            key=("logistic", *graph.args),
            target_accept=0.99 if self.prior == "horseshoe" else 0.8,
        )

    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        if "label" in posterior.dims:
            posterior = posterior - posterior.mean("label")
        coefficient = posterior["weight"] / xr.DataArray(self.scale_, dims="feature")
        shift = (coefficient * xr.DataArray(self.center_, dims="feature")).sum("feature")
        coefficient = _with_units(self, coefficient)
        return posterior.assign(coefficient=coefficient, constant=posterior["intercept"] - shift)

    def _says(self, problem: Problem) -> Says:
        prior = None
        if self.prior != "flat":
            scale = _scale(self.prior, self.prior_scale, default=2.5, n_rows=len(problem.data["y"]))
            prior = ClassPrior(self.prior, scale, self.n_features_in_, len(self.classes_))
        known = prior is not None and self.prior != "horseshoe"
        return Says(
            predictive=self._at,
            log_prior=prior.log_density if prior is not None and known else None,
            prior=prior.sample if prior is not None else None,
            shown=("weight", "intercept") if known else (),
        )

    def _at(self, X: np.ndarray, p: Parameters) -> dict[str, np.ndarray]:
        predictor = forward((X - self.center_) / self.scale_, p, np)
        if len(self.classes_) == 2:
            predictor = np.stack([np.zeros_like(predictor), predictor], axis=-1)
        return {"log_probability": special.log_softmax(predictor, axis=-1)}

    def _expected(self, X: np.ndarray) -> np.ndarray:
        predictor = forward((X - self.center_) / self.scale_, self._parameters(), np)
        if len(self.classes_) > 2:
            return special.softmax(predictor, axis=-1)
        return np.stack([special.expit(-predictor), special.expit(predictor)], axis=-1)


def _scale(prior: str, scale: float | None, *, default: float, n_rows: int) -> float:
    if scale is not None:
        return float(positive("prior_scale", scale))
    # Rounded to a power of two, so that folds of nearly equal size share one compiled graph.
    return 2.0 ** -round(np.log2(n_rows) / 2) if prior == "horseshoe" else default


def _refuse_undetermined(prior: str, X: np.ndarray, *, spare: int) -> None:
    """Refuse a flat prior where the rows leave a coefficient free: the posterior would not be proper."""
    n_rows, wanted = len(X), X.shape[1] + 1
    if prior != "flat" or (n_rows >= wanted + spare and np.linalg.matrix_rank(np.c_[np.ones(n_rows), X]) == wanted):
        return
    problem = f"{n_rows} rows do not determine {wanted} coefficients: too few rows, or features that repeat each other."
    raise invalid("prior", prior, problem, 'Use prior="normal", or fewer features.')


def _conjugate(prior: str, scale: float, n_features: int) -> NormalInverseGamma:
    n_coefficients = n_features + 1
    flat = prior == "flat"
    precision = np.r_[INTERCEPT_SCALE**-2.0, np.full(n_features, scale**-2.0)]
    return NormalInverseGamma(
        location=np.zeros(n_coefficients),
        precision=np.diag(np.zeros(n_coefficients) if flat else precision),
        # p(sigma) proportional to 1/sigma is the limit of the inverse gamma with these parameters.
        shape=-n_coefficients / 2 if flat else NOISE_SHAPE,
        rate=0.0 if flat else NOISE_RATE,
        design=lambda X: np.c_[np.ones(len(X)), X],
        split=lambda theta, sigma: {"intercept": theta[..., 0], "weight": theta[..., 1:], "sigma": sigma},
    )


def _feature_names(estimator: Any) -> list[str]:
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{j}" for j in range(estimator.n_features_in_)] if names is None else list(names)


def _with_units(estimator: Any, coefficient: xr.DataArray) -> xr.DataArray:
    units = getattr(estimator, "units_", None)
    return coefficient if units is None else coefficient.assign_coords(unit=("feature", units))


__all__ = ["BayesianLinearRegression", "BayesianLogisticRegression"]
