"""Bayesian logistic and softmax regression."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

from bayesgeo._check import one_of
from bayesgeo.inference.base import Inference, Problem
from bayesgeo.models.base import Classifier
from bayesgeo.models.bayesian import Bayesian, feature_names, with_units
from bayesgeo.models.criticism import Parameters, PredictiveFunctions
from bayesgeo.models.regression.cluster import Slopes, cluster_robust
from bayesgeo.models.regression.graph import WHITENED, forward, logistic_graph, whitening
from bayesgeo.models.regression.priors import PRIORS, ClassPrior, refuse_undetermined, scale_of_prior
from bayesgeo.models.regression.statement import (
    FLAT_INTERCEPT,
    INTERCEPT_REASON,
    coefficient_prior,
    kind_of_prior,
    linear_graph,
)
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.specification import Prior, Specification

DEFAULT_SCALE = 2.5
COEFFICIENTS = "Weak: rules out effects on the log odds that are hardly ever seen (Gelman et al. 2008)."


class BayesianLogisticRegression(Bayesian, Classifier):
    r"""Logistic (two classes) or softmax (more) regression with a prior on its coefficients.

    On standardised features :math:`P(y_i = k) \propto \exp(\alpha_k + x_i^T \beta_k)`. With two classes the
    coefficients are of the log odds of the second. With more they are reported as deviations from the mean
    over classes, because only differences matter. Intercepts are :math:`N(0, 10^2)`; coefficients have
    the priors of :class:`bayesgeo.models.regression.linear.BayesianLinearRegression` with noise 1.

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

    def _problem(self, rows: TrainingRows) -> Problem:
        X, y = self._scaled(rows.X), rows.y
        one_of("prior", self.prior, PRIORS)
        refuse_undetermined(self.prior, X, spare=0)
        scale = self.prior_scale_ = scale_of_prior(self.prior, self.prior_scale, default=DEFAULT_SCALE, n_rows=len(X))
        n_labels = len(self.classes_)
        graph = partial(logistic_graph, self.prior, scale, X.shape[1], n_labels)
        label = () if n_labels == 2 else ("label",)
        smooth = self.prior in WHITENED
        return Problem(
            build=graph,
            data={"X": X, "y": y.astype(np.int64)} | (whitening(X, y, self.prior, scale) if smooth else {}),
            constants=("center", "factor") if smooth else (),
            dims={"intercept": label, "weight": ("feature", *label)},
            coords={"feature": feature_names(self), "label": list(self.classes_)},
            target_accept=0.99 if self.prior == "horseshoe" else 0.8,
        )

    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        if "label" in posterior.dims:
            posterior = posterior - posterior.mean("label")
        coefficient = posterior["weight"] / xr.DataArray(self.scale_, dims="feature")
        shift = (coefficient * xr.DataArray(self.center_, dims="feature")).sum("feature")
        coefficient = with_units(self, coefficient)
        return posterior.assign(coefficient=coefficient, constant=posterior["intercept"] - shift)

    def _cluster_robust(self, posterior: xr.Dataset, rows: TrainingRows) -> xr.Dataset | None:
        mean = posterior.mean(("chain", "draw"))
        coefficient = mean["coefficient"].transpose("feature", ...).values
        predictor = (mean["constant"].values + rows.X @ coefficient).reshape(len(rows), -1)
        if predictor.shape[1] == 1:
            p = special.expit(predictor)
            slopes = Slopes(rows.y[:, None] - p, (p * (1 - p))[:, :, None])
        else:
            p, labels = special.softmax(predictor, axis=1), np.eye(predictor.shape[1])
            slopes = Slopes(labels[rows.y] - p, p[:, :, None] * (labels - p[:, None, :]))
        return cluster_robust(posterior, rows.X, rows.groups, slopes, feature_names(self))

    def _predictive_functions(self, problem: Problem) -> PredictiveFunctions:
        prior = None
        if self.prior != "flat":
            prior = ClassPrior(self.prior, self.prior_scale_, self.n_features_in_, len(self.classes_))
        known = prior is not None and self.prior != "horseshoe"
        return PredictiveFunctions(
            predictive=self._predict_from,
            log_prior=prior.log_density if prior is not None and known else None,
            prior=prior.sample if prior is not None else None,
            shown=("weight", "intercept") if known else (),
        )

    def _predict_from(self, rows: Rows, p: Parameters) -> dict[str, np.ndarray]:
        predictor = forward(self._scaled(rows.X), p, np)
        if len(self.classes_) == 2:
            predictor = np.stack([np.zeros_like(predictor), predictor], axis=-1)
        return {"log_probability": special.log_softmax(predictor, axis=-1)}

    def _expected(self, rows: Rows) -> np.ndarray:
        predictor = forward(self._scaled(rows.X), self._parameters(), np)
        if len(self.classes_) > 2:
            return special.softmax(predictor, axis=-1)
        return np.stack([special.expit(-predictor), special.expit(predictor)], axis=-1)

    def specification(self, labels: Sequence[str] = ()) -> Specification:
        """State the formula, priors and names; see :meth:`Estimator.specification`."""
        names = tuple(labels) or tuple(map(str, getattr(self, "classes_", ("0", "1"))))
        intercept = FLAT_INTERCEPT if self.prior == "flat" else Prior("α", "Normal(0, 10²)", INTERCEPT_REASON)
        binary, several = f"P(yᵢ = {names[-1]}) = 1 / (1 + exp(−α − xᵢᵀβ))", "P(yᵢ = k) ∝ exp(αₖ + xᵢᵀβₖ)"
        return Specification(
            likelihood=binary if len(names) == 2 else several,
            scale="features standardised",
            priors=(intercept, coefficient_prior(self, DEFAULT_SCALE, "", COEFFICIENTS)),
            prior_kind=kind_of_prior(self),
            graph=linear_graph(()),
            quantities=("constant", "coefficient"),
            effects="weight",
        )


__all__ = ["BayesianLogisticRegression"]
