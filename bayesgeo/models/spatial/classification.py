"""Logistic and softmax regression with a Gaussian process over places."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from scipy import special, stats

from bayesgeo._check import invalid, positive
from bayesgeo.inference.base import Inference, Problem
from bayesgeo.models.base import Classifier
from bayesgeo.models.bayesian import Bayesian, feature_names, with_units
from bayesgeo.models.criticism import Parameters, PredictiveFunctions
from bayesgeo.models.regression.graph import contrasts, forward
from bayesgeo.models.regression.logistic import COEFFICIENTS, DEFAULT_SCALE
from bayesgeo.models.regression.priors import ClassPrior
from bayesgeo.models.regression.statement import INTERCEPT_REASON
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.spatial.basis import LONGER, SHORTER, Basis, basis_of, random_waves, spectral_density
from bayesgeo.models.spatial.graph import fixed_coordinates, spatial_graph
from bayesgeo.models.spatial.places import (
    PAIRS,
    Places,
    local_plane,
    middle_of,
    places_of,
    points_of,
    refuse_few_places,
)
from bayesgeo.models.spatial.regression import RANGE, SMOOTHNESS
from bayesgeo.models.specification import Graph, Prior, Specification

FIELD_SCALE = 2.0  # of the half-normal prior of the field's standard deviation, in log odds
FEWEST, MOST, MOST_ON_A_LINE = 100, 400, 100  # basis functions
TARGET_ACCEPT = 0.95  # the posterior narrows where the field's standard deviation is near zero
NAMES = {
    "field_sd": "standard deviation of the field",
    "practical_range": "range (correlation 0.05)",
    "field_weight": "weights of the basis functions",
}
PREDICTOR = "α + xᵀβ + f(s)"
GRAPH = Graph(
    (("σ", "r"), ("α", "β", "f", "x"), (PREDICTOR,), ("y",)),
    (("σ", "f"), ("r", "f"), *((name, PREDICTOR) for name in ("α", "β", "f", "x")), (PREDICTOR, "y")),
)


class SpatialClassifier(Bayesian, Classifier):
    r"""Logistic or softmax regression with a Gaussian process over places.

    On standardised features the log odds of the second of two classes at the place :math:`s_i` are

    .. math:: \alpha + x_i^T \beta + f(s_i), \quad f \sim GP(0, \sigma^2 \rho_\nu(d / \ell)),

    with Matérn correlation :math:`\rho`. With more classes each has coefficients and a field, as deviations from the
    mean over classes; the fields share standard deviation and length scale. Coefficients have normal priors, as those
    of :class:`bayesgeo.models.regression.logistic.BayesianLogisticRegression`.

    A field is a sum of basis functions (:mod:`bayesgeo.models.spatial.basis`) on a box around the training places, of
    twice their extent. They hold nine tenths of its variance or more down to a shortest length scale, below which the
    prior has one hundredth of its mass: shorter fields are taken for noise. More functions resolve more, and cost time
    in proportion. A few hundred classes tell little of the length scale beyond its prior; a diagnosis then says so.

    Places are the ``coordinates`` of :meth:`fit`: ``easting`` and ``northing``, or ``longitude`` and ``latitude`` in
    degrees, mapped to a plane in km. Without coordinates the standardised features are the places; of more than three,
    their first two principal axes.

    Outside the rectangle of the training places, the field fades over into one of which the rows tell nothing: what the
    basis lacks of the prior variance there is made up by a field drawn from the prior, in each draw as few random waves
    of the same covariance, the same for all rows. Beyond the box nothing else is left, and predictions are those of the
    population at large, as uncertain as the prior of the field given its standard deviation.

    Parameters
    ----------
    smoothness : {0.5, 1.5, 2.5}
        The smoothness :math:`\nu` of the field: 0.5 is rough (exponential) and needs more functions.
    basis_functions : int, optional
        Number of basis functions; None is the number of rows, rounded up to 100, 200 or 400, the most (100 on a line).
    prior_scale : float, optional
        Prior standard deviation of the coefficients of standardised features; None is 2.5 (Gelman et al. 2008).
    field_scale : float, optional
        Scale of the half-normal prior of the field's standard deviation, in log odds; None is 2.
    inference : Inference, optional
        How the posterior is computed; None is :class:`NUTS`.
        ``Laplace(subset="full")`` takes the scales at a peak that is far from their mass: its check says so.
    random_state : int, RandomState or None
        Seed of the draws.

    Attributes
    ----------
    classes_ : numpy.ndarray
        Class labels, sorted.
    shortest_range_ : float
        Range (correlation 0.05) of the shortest field that the basis resolves, in the unit of distances.
    posterior_ : xarray.DataTree
        ``posterior`` holds ``weight (feature[, label])`` and ``intercept`` on the standardised scale, ``field_weight
        (function[, label])``; in log odds per unit of each feature ``coefficient`` and ``constant``; ``field_sd`` in
        log odds; and in the unit of distances ``length_scale`` and ``practical_range``, the distance at which the
        correlation is 0.05.

    Examples
    --------
    >>> from bayesgeo.inference.laplace import Laplace
    >>> SpatialClassifier(smoothness=2.5, inference=Laplace(subset="full"))
    SpatialClassifier(inference=Laplace(draws=250, chains=4, subset='full', cores=None),
                      smoothness=2.5)
    """

    name = "spatial"
    _fewest_features = 0

    def __init__(
        self,
        smoothness: float = 1.5,
        *,
        basis_functions: int | None = None,
        prior_scale: float | None = None,
        field_scale: float | None = None,
        inference: Inference | None = None,
        random_state: Any = None,
    ):
        self.smoothness = smoothness
        self.basis_functions = basis_functions
        self.prior_scale = prior_scale
        self.field_scale = field_scale
        self.inference = inference
        self.random_state = random_state

    @property
    def coef_(self) -> np.ndarray:
        """Posterior mean of the coefficients as scikit-learn shapes them: ``(1 or label, feature)``."""
        posterior = self.posterior_["posterior"].to_dataset()
        if "coefficient" not in posterior:
            return np.empty((posterior.sizes.get("label", 1), 0))
        return np.atleast_2d(posterior["coefficient"].mean(("chain", "draw")).transpose(..., "feature").values)

    def _problem(self, rows: TrainingRows) -> Problem:
        self._refuse_settings()
        self._lay_out(rows)
        basis, X, n_labels = self._basis(), self._scaled(rows.X), len(self.classes_)
        values = basis.values(self._points(rows))
        shape, scale = basis.length_prior(self.smoothness)
        self.length_prior_ = shape, scale * self.unit_length_
        self.shortest_range_ = RANGE[self.smoothness] * basis.shortest(self.smoothness) * self.unit_length_
        label = () if n_labels == 2 else ("label",)
        sizes = X.shape[1], len(basis.orders), n_labels
        scales = {"field_sd": (), "length_scale": (), "field_weight": ("function", *label)}
        constants = {
            "frequency": basis.frequency,
            "length_prior": np.array([shape, scale]),
            "unit_length": np.array(self.unit_length_),
            **fixed_coordinates(X, rows.y, values, self._scale()),
        }
        return Problem(
            partial(spatial_graph, (self.smoothness, basis.orders.shape[1]), sizes, self._scale(), self._field_scale()),
            {"X": X, "basis": values, "y": rows.y.astype(np.int64)} | constants,
            {"intercept": label, **({"weight": ("feature", *label)} if X.shape[1] else {}), **scales},
            constants=tuple(constants),
            coords={
                "feature": feature_names(self),
                "function": range(len(basis.orders)),
                "label": list(self.classes_),
            },
            target_accept=TARGET_ACCEPT,
        )

    def _refuse_settings(self) -> None:
        if self.smoothness not in SMOOTHNESS:
            raise invalid("smoothness", self.smoothness, "It must be 0.5, 1.5 or 2.5.", "Give 1.5.")
        if self.basis_functions is not None:
            positive("basis_functions", self.basis_functions, integer=True)
        for name in ("prior_scale", "field_scale"):
            if getattr(self, name) is not None:
                positive(name, getattr(self, name))

    def _scale(self) -> float:
        return DEFAULT_SCALE if self.prior_scale is None else float(self.prior_scale)

    def _field_scale(self) -> float:
        return FIELD_SCALE if self.field_scale is None else float(self.field_scale)

    def _lay_out(self, rows: TrainingRows) -> None:
        """Keep what turns coordinates into places in units of half the longest side of their rectangle."""
        self.coordinate_names_ = places_of(rows).names if rows.coordinates else ()
        points = points_of(rows, self.coordinate_names_, self._scaled(rows.X))
        refuse_few_places(points)
        if self.coordinate_names_ == PAIRS[1]:
            self.axes_ = middle_of(points)
        elif self.coordinate_names_ or points.shape[1] <= 3:
            self.axes_ = np.eye(points.shape[1])
        else:
            self.axes_ = np.linalg.svd(points, full_matrices=False)[2][:2].T
        flat = self._flat(points)
        low, high = flat.min(axis=0), flat.max(axis=0)
        self.origin_ = (low + high) / 2
        self.unit_length_ = float((high - low).max() / 2)
        self.half_widths_ = (high - low) / 2 / self.unit_length_
        most = MOST if flat.shape[1] > 1 else MOST_ON_A_LINE
        wanted = next((n for n in (FEWEST, 2 * FEWEST) if len(rows) <= n < most), most)
        self.n_functions_ = wanted if self.basis_functions is None else int(self.basis_functions)

    def _flat(self, points: np.ndarray) -> np.ndarray:
        """Return points ``(obs, d)`` in the unit of distances: of the globe on a plane, of many features on two."""
        return local_plane(points, self.axes_) if self.coordinate_names_ == PAIRS[1] else points @ self.axes_

    def _points(self, rows: Rows) -> np.ndarray:
        points = points_of(rows, self.coordinate_names_, self._scaled(rows.X))
        return (self._flat(points) - self.origin_) / self.unit_length_

    def _basis(self) -> Basis:
        return basis_of(self.half_widths_, self.n_functions_)

    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        posterior = posterior.assign(practical_range=posterior["length_scale"] * RANGE[self.smoothness])
        if "weight" not in posterior:
            return posterior.assign(constant=posterior["intercept"])
        coefficient = posterior["weight"] / xr.DataArray(self.scale_, dims="feature")
        shift = (coefficient * xr.DataArray(self.center_, dims="feature")).sum("feature")
        return posterior.assign(coefficient=with_units(self, coefficient), constant=posterior["intercept"] - shift)

    def _expected(self, rows: Rows) -> np.ndarray:
        p = self._parameters()
        predictor = self._predictor(rows, p) + self._beyond(rows, p)
        if len(self.classes_) > 2:
            return special.softmax(predictor, axis=-1)
        return np.stack([special.expit(-predictor), special.expit(predictor)], axis=-1)

    def _predictor(self, rows: Rows, p: Parameters) -> np.ndarray:
        """Return the linear predictor ``(chain, draw, obs[, label])`` with the field that the basis holds."""
        basis, weight = self._basis().values(self._points(rows)), p["field_weight"]
        # One product of matrices over all draws: many small ones take twice as long.
        flat = np.moveaxis(weight, 2, 0).reshape(weight.shape[2], -1)
        field = np.moveaxis((basis @ flat).reshape(len(rows), *weight.shape[:2], *weight.shape[3:]), 0, 2)
        if "weight" not in p:
            return field + p["intercept"][:, :, None]
        return field + forward(self._scaled(rows.X), p, np)

    def _beyond(self, rows: Rows, p: Parameters) -> np.ndarray:
        """Return the field ``(chain, draw, obs[, label])`` that makes up for what the basis lacks of the variance."""
        points, basis, sd = self._points(rows), self._basis(), p["field_sd"]
        free = len(self.classes_) - 1
        found = np.zeros((*sd.shape, len(rows), free))
        inner = np.clip(points, -self.half_widths_, self.half_widths_)
        far = np.flatnonzero((points != inner).any(axis=1))
        if far.size:
            length = (p["length_scale"] / self.unit_length_).ravel()
            density = spectral_density(basis.frequency, length[:, None], self.smoothness, points.shape[1])
            held, full = (density @ (basis.values(at[far]) ** 2).T for at in (points, inner))
            lacking = np.sqrt((1 - held / full).clip(min=0)).reshape(*sd.shape, -1)
            waves = random_waves(points[far], length, self.smoothness, fields=free, seed=self.seed_)
            waves = waves.reshape(*sd.shape, -1, free)
            found[:, :, far] = (sd[..., None] * lacking)[..., None] * waves
        return found @ contrasts(free + 1).T if free > 1 else found[..., 0]

    def _numbers_per_row(self) -> int:
        return max(2 * super()._numbers_per_row(), self.n_functions_)

    def _predictive_functions(self, problem: Problem) -> PredictiveFunctions:
        fixed = ("weight", "intercept") if "weight" in problem.dims else ("intercept",)
        prior = ClassPrior("normal", self._scale(), self.n_features_in_, len(self.classes_))
        return PredictiveFunctions(
            predictive=self._predict_from,
            log_prior=partial(self._log_prior, prior),
            prior=partial(self._sample_prior, prior),
            shown=(*fixed, "field_sd", "length_scale"),
        )

    def _predict_from(self, rows: Rows, p: Parameters) -> dict[str, np.ndarray]:
        """Predict training rows, at whose places the basis holds the field."""
        predictor = self._predictor(rows, p)
        if len(self.classes_) == 2:
            predictor = np.stack([np.zeros_like(predictor), predictor], axis=-1)
        return {"log_probability": special.log_softmax(predictor, axis=-1)}

    def _log_prior(self, prior: ClassPrior, p: Parameters) -> np.ndarray:
        """Return the log prior ``(chain, draw)``: of the fixed part, and of the logarithms of the scales."""
        none = np.empty((*p["field_sd"].shape, 0))
        shape, scale = self.length_prior_
        total = prior.log_density({"weight": none, **p})
        total = total + stats.halfnorm.logpdf(p["field_sd"], scale=self._field_scale()) + np.log(p["field_sd"])
        length = p["length_scale"]
        return total + stats.invgamma.logpdf(length, shape, scale=scale) + np.log(length)

    def _sample_prior(self, prior: ClassPrior, size: tuple[int, int], rng: np.random.Generator) -> Parameters:
        shape, scale = self.length_prior_
        sd = self._field_scale() * np.abs(rng.standard_normal(size))
        length, basis, free = scale / rng.gamma(shape, size=size), self._basis(), len(self.classes_) - 1
        scaled = length[..., None] / self.unit_length_
        density = spectral_density(basis.frequency, scaled, self.smoothness, basis.orders.shape[1])
        weight = (sd[..., None] * np.sqrt(density))[..., None] * rng.standard_normal((*density.shape, free))
        weight = weight @ contrasts(free + 1).T if free > 1 else weight[..., 0]
        return {**prior.sample(size, rng), "field_sd": sd, "length_scale": length, "field_weight": weight}

    def specification(self, labels: Sequence[str] = ()) -> Specification:
        """State the formula, priors and names; see :meth:`Estimator.specification`."""
        names = tuple(labels) or tuple(map(str, getattr(self, "classes_", ("0", "1"))))
        binary = f"P(yᵢ = {names[-1]}) = 1 / (1 + exp(−α − xᵢᵀβ − f(sᵢ)))"
        several = "P(yᵢ = k) ∝ exp(αₖ + xᵢᵀβₖ + fₖ(sᵢ))"
        places = getattr(self, "coordinate_names_", ())
        unit = Places(places).unit if places else ""
        own = self.prior_scale is None and self.field_scale is None
        fixed = ("constant", "coefficient") if getattr(self, "n_features_in_", 1) else ("constant",)
        return Specification(
            likelihood=f"{binary if len(names) == 2 else several}, f ~ GP(0, σ² Matérn(d / r))",
            scale="features standardised",
            priors=self._priors(unit),
            prior_kind="default" if own else "informed",
            graph=GRAPH,
            quantities=(*fixed, "field_sd", "length_scale", "practical_range"),
            effects="weight" if getattr(self, "n_features_in_", 1) else "",
            names=NAMES,
            units={"length_scale": unit, "practical_range": unit} if unit else {},
        )

    def _priors(self, unit: str) -> tuple[Prior, ...]:
        shape, scale = getattr(self, "length_prior_", (None, None))
        written = (
            "InverseGamma" if shape is None else f"InverseGamma({shape:.3g}, {scale:.3g}{f' {unit}' if unit else ''})"
        )
        shortest, n = getattr(self, "shortest_range_", None), getattr(self, "n_functions_", None)
        resolved = (
            "" if shortest is None else f" ({n} functions: ranges from {shortest:.3g}{f' {unit}' if unit else ''})"
        )
        why = f"P(below what the basis resolves{resolved}) = {SHORTER:g}; P(above half the extent) ≈ {LONGER:g}."
        field = f"HalfNormal({self._field_scale():g})"
        return (
            Prior("α", "Normal(0, 10²)", INTERCEPT_REASON),
            Prior("βⱼ", f"Normal(0, ({self._scale():g})²)", COEFFICIENTS),
            Prior("σ", field, "Weak: log odds of the field hardly ever beyond twice its scale, .02 to .98."),
            Prior("r", written, why),
        )


__all__ = ["SpatialClassifier"]
