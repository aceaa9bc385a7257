"""Bayesian linear regression."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import one_of
from bayesgeo.inference.base import Inference, Problem
from bayesgeo.models.base import Regressor
from bayesgeo.models.bayesian import Bayesian, feature_names, with_units
from bayesgeo.models.criticism import Parameters, PredictiveFunctions
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.regression.cluster import Slopes, cluster_robust
from bayesgeo.models.regression.conjugate import conjugate_prior
from bayesgeo.models.regression.graph import forward, regression_graph
from bayesgeo.models.regression.priors import PRIORS, RegressionPrior, refuse_undetermined, scale_of_prior
from bayesgeo.models.regression.statement import (
    FLAT_INTERCEPT,
    INTERCEPT_REASON,
    coefficient_prior,
    kind_of_prior,
    linear_graph,
)
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.specification import Prior, Specification

DEFAULT_SCALE = 10.0
COEFFICIENTS = "Broad in units of the noise: the rows set the size of an effect."
NOISE = "Worth one row that says: a tenth of the variance is noise."
TAILS = "Allows heavy tails and the normal limit (Juárez & Steel 2010)."
NAMES = {"nu": "degrees of freedom of the noise"}


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

    def _problem(self, rows: TrainingRows) -> Problem:
        X, y = self._scaled(rows.X), rows.y
        one_of("prior", self.prior, PRIORS)
        one_of("noise", self.noise, ("normal", "student-t"))
        refuse_undetermined(self.prior, X, spare=1)
        self.target_center_, self.target_scale_ = (float(value) for value in standardisation(y))
        scale = self.prior_scale_ = scale_of_prior(self.prior, self.prior_scale, default=DEFAULT_SCALE, n_rows=len(X))
        graph = partial(regression_graph, self.prior, scale, self.noise, X.shape[1])
        closed = self.noise == "normal" and self.prior in ("normal", "flat")
        return Problem(
            build=graph,
            data={"X": X, "y": (y - self.target_center_) / self.target_scale_},
            dims={"intercept": (), "weight": ("feature",), "sigma": ()}
            | ({"nu": ()} if self.noise == "student-t" else {}),
            coords={"feature": feature_names(self)},
            conjugate=conjugate_prior(self.prior, scale, X.shape[1]) if closed else None,
            target_accept=0.99 if self.prior == "horseshoe" else 0.8,
        )

    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        scale = xr.DataArray(self.scale_, dims="feature")
        center = xr.DataArray(self.center_, dims="feature")
        coefficient = posterior["weight"] * self.target_scale_ / scale
        constant = self.target_center_ + posterior["intercept"] * self.target_scale_
        return posterior.assign(
            coefficient=with_units(self, coefficient),
            constant=constant - (coefficient * center).sum("feature"),
            noise_sd=posterior["sigma"] * self.target_scale_,
        )

    def _cluster_robust(self, posterior: xr.Dataset, rows: TrainingRows) -> xr.Dataset | None:
        mean = posterior.mean(("chain", "draw"))
        residual = rows.y - mean["constant"].item() - rows.X @ mean["coefficient"].values
        # The mean of the variance: with it the curvature is that of the posterior covariance.
        variance = float((posterior["noise_sd"] ** 2).mean())
        slope, curvature = residual / variance, 1 / variance
        if "nu" in posterior:
            nu = mean["nu"].item()
            slope, curvature = (nu + 1) * residual / (nu * variance + residual**2), (nu + 1) / (nu + 3) / variance
        slopes = Slopes(slope[:, None], np.full((len(rows), 1, 1), curvature))
        return cluster_robust(posterior, rows.X, rows.groups, slopes, feature_names(self))

    def _expected(self, rows: Rows) -> np.ndarray:
        return self._mean(rows.X, self._parameters())

    def _mean(self, X: np.ndarray, p: Parameters) -> np.ndarray:
        return self.target_center_ + forward(self._scaled(X), p, np) * self.target_scale_

    def _predictive_functions(self, problem: Problem) -> PredictiveFunctions:
        prior = None
        if self.prior != "flat":
            heavy = self.noise == "student-t"
            prior = RegressionPrior(self.prior, self.prior_scale_, self.n_features_in_, heavy)
        # The scales of a horseshoe are not kept, and only given them are its coefficients normal.
        known = prior is not None and self.prior != "horseshoe"
        return PredictiveFunctions(
            predictive=self._predict_from,
            log_prior=prior.log_density if prior is not None and known else None,
            prior=prior.sample if prior is not None else None,
            shown=("weight", "intercept", "sigma") if known else (),
        )

    def _predict_from(self, rows: Rows, p: Parameters) -> dict[str, np.ndarray]:
        shape = {"nu": p["nu"]} if "nu" in p else {}
        return {"expected": self._mean(rows.X, p), "sigma": p["sigma"] * self.target_scale_} | shape

    def specification(self, labels: Sequence[str] = ()) -> Specification:
        """State the formula, priors and names; see :meth:`Estimator.specification`."""
        flat, heavy = self.prior == "flat", self.noise == "student-t"
        priors = [
            FLAT_INTERCEPT if flat else Prior("α", "Normal(0, (10σ)²)", INTERCEPT_REASON),
            coefficient_prior(self, DEFAULT_SCALE, "σ", COEFFICIENTS),
            Prior("σ", "p(σ) ∝ 1/σ", FLAT_INTERCEPT.why) if flat else Prior("σ²", "InverseGamma(1/2, 1/20)", NOISE),
        ]
        priors += [Prior("ν", "Gamma(2, 0.1)", TAILS)] if heavy else []
        return Specification(
            likelihood=f"yᵢ ~ {'Student-t(ν, ' if heavy else 'Normal('}α + xᵢᵀβ, σ²)",
            scale="features and target standardised",
            priors=tuple(priors),
            prior_kind=kind_of_prior(self),
            graph=linear_graph(("σ²", "ν") if heavy else ("σ²",)),
            quantities=("constant", "coefficient", "noise_sd", *(("nu",) if heavy else ())),
            effects="weight",
            names=NAMES,
        )


__all__ = ["BayesianLinearRegression"]
