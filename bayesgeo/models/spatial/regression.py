"""Linear regression with a Gaussian process over places."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.utils.validation import check_is_fitted

from bayesgeo._arrays import spaced
from bayesgeo._check import invalid, positive
from bayesgeo.inference.base import Inference, Problem
from bayesgeo.models.base import Regressor
from bayesgeo.models.bayesian import Bayesian, feature_names, with_units
from bayesgeo.models.criticism import Parameters, PredictiveFunctions
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.regression.graph import INTERCEPT_SCALE, NOISE_RATE, NOISE_SHAPE
from bayesgeo.models.regression.linear import DEFAULT_SCALE
from bayesgeo.models.regression.statement import INTERCEPT_REASON
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.spatial.marginal import SpatialMarginal, prior_of
from bayesgeo.models.spatial.neighbours import coarse_to_fine
from bayesgeo.models.spatial.places import Places, places_of, points_of, refuse_few_places
from bayesgeo.models.spatial.processes import Covariance, Process, process_of
from bayesgeo.models.spatial.scales import SHARE_PRIOR
from bayesgeo.models.specification import Graph, Prior, Specification
from bayesgeo.models.transformation import Log, NormalScores, Transformation, in_units, transformation_of

SMOOTHNESS = (0.5, 1.5, 2.5)
FEW_ROWS = 2_000  # below, one field: the rows seldom tell two scales apart
ONE_FIELD, TWO_FIELDS = (1.5,), (1.5, 0.5)
PREDICTED = 25  # draws of each chain that predict: each costs as much as kriging
RANGE = {0.5: 2.996, 1.5: 2.739, 2.5: 2.652}  # length scales after which the correlation is 0.05
NAMES = {
    "field_sd": "standard deviation of the field",
    "practical_range": "range (correlation 0.05)",
    "noise_sd": "nugget",
}
TRANSFORMED_UNITS = {
    name: dict.fromkeys(("noise_sd", "field_sd"), unit)
    for name, unit in (("log", "of the logarithm"), ("normal scores", "of the normal score"))
}
PREDICTOR = "α + xᵀβ + Σₖ wₖ(s)"
GRAPH = Graph(
    (("σ²", "rₖ"), ("α", "β", "wₖ", "x"), (PREDICTOR,), ("y",)),
    (
        *(("σ²", name) for name in ("α", "β", "wₖ", "y")),
        ("rₖ", "wₖ"),
        *((name, PREDICTOR) for name in ("α", "β", "wₖ", "x")),
        (PREDICTOR, "y"),
    ),
)
_processes: WeakKeyDictionary = WeakKeyDictionary()


class SpatialRegression(Bayesian, Regressor):
    r"""Linear regression with a Gaussian process over places (universal kriging with its scales unknown).

    .. math:: y_i = \alpha + x_i^T \beta + \sum_k w_k(s_i) + \varepsilon_i, \quad
              w_k \sim GP(0, \sigma_k^2\, \rho_{\nu_k}(d / \ell_k)), \quad \varepsilon_i \sim N(0, \tau^2),

    with Matérn correlations :math:`\rho` (Stein 1999, Interpolation of Spatial Data). Fields, coefficients and
    variance integrate out; the length scales and shares of the variance are sampled by :class:`Collapsed`. Up to 1,500
    rows the likelihood is exact; of more, each place is conditioned on its nearest ones before it in an order from
    coarse to fine (Vecchia 1988, JRSS B 50:297; Datta et al. 2016, JASA 111:800).

    The places of rows are the ``coordinates`` of :meth:`fit`: ``easting`` and ``northing``, or ``longitude`` and
    ``latitude`` in degrees, whose distances are in km. Without coordinates the standardised features are the places, as
    in Gaussian-process regression.

    A target far from normal is modelled on a transformed scale, :math:`g(y_i)` in place of :math:`y_i`, and predicted
    in its own unit, densities included. Normal scores are taken as known, though quantiles of few rows are uncertain.

    Parameters
    ----------
    smoothness : float or sequence of float, optional
        The smoothness :math:`\nu` of each field: 0.5 (rough, exponential), 1.5 or 2.5; several from the shortest field
        to the longest, each another. None is 1.5, and from 2,000 rows on two fields, a smooth short and a rough long
        one.
    neighbours : int, optional
        Places that each is conditioned on; None is all up to 1,500 rows, else 10.
    transformation : {"log", "normal scores"}, optional
        The function :math:`g`: logarithms of values above zero, or the scores that make the values of the training rows
        normal. None is none.
    prior_scale : float, optional
        Prior standard deviation of the coefficients of standardised features, in standard deviations of the whole
        variation; None is 10.
    inference : Inference, optional
        How the scales are sampled; None is :class:`Collapsed`.
    random_state : int, RandomState or None
        Seed of the draws and of the order of places.

    Attributes
    ----------
    posterior_ : xarray.DataTree
        ``posterior`` holds ``weight (feature)``, ``intercept`` and ``sigma`` on the standardised scale; ``length_scale
        (field)`` in the unit of distances; and in the units of the table, or of the transformed target, ``coefficient
        (feature)``, ``constant``, ``noise_sd`` (nugget), ``field_sd (field)`` and ``practical_range (field)``, the
        distance at which the correlation is 0.05.
    knots_ : numpy.ndarray
        ``(2, knot)`` of normal scores: values of the target, and their scores.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> east, north = rng.uniform(0, 10, (2, 80))
    >>> model = SpatialRegression(random_state=0)
    >>> model = model.fit(east[:, None], np.sin(east) + np.cos(north), coordinates={"easting": east, "northing": north})
    >>> float(model.predict([[5.0]], coordinates={"easting": [5.0], "northing": [3.0]})[0].round(1))
    -1.9
    """

    name = "spatial"
    _fewest_features = 0

    def __init__(
        self,
        smoothness: float | Sequence[float] | None = None,
        *,
        neighbours: int | None = None,
        transformation: str | None = None,
        prior_scale: float | None = None,
        inference: Inference | None = None,
        random_state: Any = None,
    ):
        self.smoothness = smoothness
        self.neighbours = neighbours
        self.transformation = transformation
        self.prior_scale = prior_scale
        self.inference = inference
        self.random_state = random_state

    @property
    def coef_(self) -> np.ndarray:
        """Posterior mean of the coefficients ``(feature,)``, in units of ``y`` per unit of each feature."""
        return self.posterior_["posterior"].to_dataset()["coefficient"].mean(("chain", "draw")).values

    def _problem(self, rows: TrainingRows) -> Problem:
        self.smoothness_ = self._checked_smoothness(len(rows))
        if self.neighbours is not None:
            positive("neighbours", self.neighbours, integer=True)
        scale = DEFAULT_SCALE if self.prior_scale is None else positive("prior_scale", self.prior_scale)
        self.coordinate_names_ = places_of(rows).names if rows.coordinates else ()
        points = self._points(rows)
        refuse_few_places(points)
        y = self._transformed(rows.y)
        self.target_center_, self.target_scale_ = (float(value) for value in standardisation(y))
        order = coarse_to_fine(points, np.random.default_rng(self.seed_))
        self.points_ = points[order]
        self.design_ = np.c_[np.ones(len(rows)), self._scaled(rows.X)][order]
        self.standard_y_ = (y[order] - self.target_center_) / self.target_scale_
        prior = prior_of(rows.X.shape[1], (INTERCEPT_SCALE, float(scale)), (NOISE_SHAPE, NOISE_RATE))
        twice = tuple(int(2 * value) for value in self.smoothness_)
        marginal = SpatialMarginal(self._process(), self.points_, self.design_, self.standard_y_, twice, prior)
        of_fields = {"field_scale": ("field",), "length_scale": ("field",)}
        return Problem(
            _integrated_out,
            {"X": self.design_[:, 1:], "y": self.standard_y_},
            {"intercept": (), "weight": ("feature",), "sigma": (), **of_fields},
            coords={"feature": feature_names(self), "field": [f"Matérn {value:g}" for value in self.smoothness_]},
            marginal=marginal,
        )

    def _transformed(self, y: np.ndarray) -> np.ndarray:
        found = transformation_of(self.transformation, y)
        if isinstance(found, NormalScores):
            self.knots_ = np.stack([found.y, found.z])
        return y if found is None else found.forward(y)

    @property
    def _transformation(self) -> Transformation | None:
        if self.transformation is None:
            return None
        return Log() if self.transformation == "log" else NormalScores(*self.knots_)

    def _checked_smoothness(self, n: int) -> tuple[float, ...]:
        if self.smoothness is None:
            return ONE_FIELD if n < FEW_ROWS else TWO_FIELDS
        given = tuple(np.atleast_1d(np.asarray(self.smoothness, dtype=float)).tolist())
        if not given or set(given) - set(SMOOTHNESS) or len(set(given)) < len(given):
            problem = "Each must be 0.5, 1.5 or 2.5, and no two alike."
            raise invalid("smoothness", self.smoothness, problem, "Give 1.5, or (1.5, 0.5) for two fields.")
        return given

    def _points(self, rows: Rows) -> np.ndarray:
        return points_of(rows, self.coordinate_names_, self._scaled(rows.X))

    def _process(self) -> Process:
        """Return the process at the training places, made once."""
        if self not in _processes or _processes[self].points is not self.points_:
            _processes[self] = process_of(self.points_, self.neighbours)
        return _processes[self]

    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        scale = xr.DataArray(self.scale_, dims="feature")
        center = xr.DataArray(self.center_, dims="feature")
        coefficient = posterior["weight"] * self.target_scale_ / scale
        constant = self.target_center_ + posterior["intercept"] * self.target_scale_
        ranges = xr.DataArray([RANGE[value] for value in self.smoothness_], dims="field")
        return posterior.assign(
            coefficient=with_units(self, coefficient),
            constant=constant - (coefficient * center).sum("feature"),
            noise_sd=posterior["sigma"] * self.target_scale_,
            field_sd=posterior["field_scale"] * self.target_scale_,
            practical_range=posterior["length_scale"] * ranges,
        ).drop_vars("field_scale")

    @property
    def sd_parts(self) -> tuple[str, ...]:
        """What of the deviation is neither noise nor epistemic; see :meth:`predict_sd`."""
        return ("field",)

    def predict_sd(self, X: Any, *, groups: Any = None, coordinates: Any = None) -> pd.DataFrame:
        """Return the parts of the standard deviation of a response, in the unit of ``y``.

        Parameters
        ----------
        X, groups, coordinates
            As in :meth:`fit`.

        Returns
        -------
        pandas.DataFrame
            ``within``, the nugget; ``field``, what is unknown of the field given the scales; ``epistemic``, the spread
            of the mean over draws of coefficients and scales; ``total``, the root of the sum of their squares. Of a
            transformed target the first two share their variance as on the transformed scale.
        """
        check_is_fitted(self)
        parts = [self._sd_parts(rows) for rows in self._parts(X, groups, coordinates, arrays=4)]
        return pd.concat(parts)

    def _sd_parts(self, rows: Rows) -> pd.DataFrame:
        found = self._predictive(rows)
        within = np.broadcast_to(np.mean(found["within"] ** 2, axis=(0, 1)), len(rows))
        total = np.mean(found["sigma"] ** 2, axis=(0, 1))
        epistemic = found["expected"].var(axis=(0, 1))
        squares = {"within": within, "field": (total - within).clip(min=0), "epistemic": epistemic}
        return np.sqrt(pd.DataFrame(squares | {"total": total + epistemic}, index=rows.names))

    def _predictive(self, rows: Rows) -> dict[str, np.ndarray]:
        p = self._thinned()
        found = self._kriged(rows, p, left_out=False) | {"within": p["sigma"] * self.target_scale_}
        return in_units(found, self._transformation)

    def _thinned(self) -> Parameters:
        draws = self.posterior_["posterior"].to_dataset()
        p = {str(k): v.values for k, v in draws.isel(draw=spaced(draws.sizes["draw"], PREDICTED)).items()}
        return p | {"field_scale": p["field_sd"] / self.target_scale_}

    def _numbers_per_row(self) -> int:
        return max(PREDICTED * self.posterior_["posterior"].sizes["chain"], 2 * len(self.design_[0]))

    def _kriged(self, rows: Rows, p: Parameters, *, left_out: bool) -> dict[str, np.ndarray]:
        """Return mean ``(chain, draw, obs)`` and standard deviation of the response, given each draw's parameters."""
        places, design = self._points(rows), np.c_[np.ones(len(rows)), self._scaled(rows.X)]
        values = np.c_[self.standard_y_, self.design_]
        scales = np.concatenate([p["length_scale"], p["field_scale"] / p["sigma"][..., None]], axis=-1)
        flat = scales.reshape(-1, scales.shape[-1])
        # Scales that differ by less than a thousandth predict alike, and kriging is what costs.
        _, first, of = np.unique(np.log(flat).round(3), axis=0, return_index=True, return_inverse=True)
        theta = np.concatenate([p["intercept"][..., None], p["weight"]], axis=-1).reshape(len(flat), -1)
        fields, nugget = p["field_scale"].reshape(len(flat), -1), p["sigma"].ravel()
        variance = (fields**2).sum(axis=1) + nugget**2
        expected, sigma = np.empty((2, len(flat), len(rows)))
        twice = np.array([int(2 * value) for value in self.smoothness_])
        process = self._process()
        near = process.others(places) if left_out else process.near(places)
        for k, at in enumerate(first):
            length = flat[at, : len(twice)]
            covariance = Covariance(length, fields[at] ** 2 / variance[at], twice)
            mean, explained = process.kriged(places, near, values, covariance)
            own = np.flatnonzero(of.ravel() == k)
            expected[own] = mean[:, 0] + theta[own] @ (design - mean[:, 1:]).T
            sigma[own] = np.sqrt(variance[own, None] * (1 - explained).clip(min=0))
        shape = (*p["sigma"].shape, len(rows))
        return {
            "expected": self.target_center_ + self.target_scale_ * expected.reshape(shape),
            "sigma": self.target_scale_ * sigma.reshape(shape),
        }

    def _predictive_functions(self, problem: Problem) -> PredictiveFunctions:
        # Of a row given all others: what importance sampling then undoes is its influence on the few scales alone.
        return PredictiveFunctions(
            predictive=lambda rows, p: self._kriged(rows, p, left_out=True), transformation=self._transformation
        )

    def specification(self, labels: Sequence[str] = ()) -> Specification:
        """State the formula, priors and names; see :meth:`Estimator.specification`."""
        scale = DEFAULT_SCALE if self.prior_scale is None else self.prior_scale
        priors = (
            Prior("α", "Normal(0, (10σ)²)", INTERCEPT_REASON),
            Prior("βⱼ", f"Normal(0, ({scale:g}σ)²)", "Broad in units of the whole variation: the rows decide."),
            Prior("σ²", "InverseGamma(1/2, 1/20)", "Variance of fields and nugget together, worth one row."),
            Prior("shares of σ²", SHARE_PRIOR, "No nugget, or nothing but nugget, is as likely as both."),
            Prior("rₖ", "p(r) ∝ r⁻² exp(-λ/r), P(r < distance of neighbours) = 0.05", "Fuglstad et al. (2019)"),
        )
        places = getattr(self, "coordinate_names_", ())
        unit = Places(places).unit if places else ""
        outcome = {None: "yᵢ", "log": "log yᵢ"}.get(self.transformation, "g(yᵢ)")
        scores = ", g the normal scores of the training rows" if outcome == "g(yᵢ)" else ""
        return Specification(
            likelihood=f"{outcome} ~ Normal(α + xᵢᵀβ + Σₖ wₖ(sᵢ), τ²), wₖ ~ GP(0, σₖ² Matérn(d / rₖ)){scores}",
            scale="features and target standardised",
            priors=priors,
            prior_kind="default" if self.prior_scale is None else "informed",
            graph=GRAPH,
            quantities=("constant", "coefficient", "noise_sd", "field_sd", "length_scale", "practical_range"),
            effects="weight" if getattr(self, "n_features_in_", 1) else "",
            names=NAMES,
            units={"length_scale": unit, "practical_range": unit}
            | TRANSFORMED_UNITS.get(self.transformation or "", {}),
        )


def _integrated_out() -> Any:
    """Build no graph: fields and coefficients integrate out."""
    problem = "The field of a spatial regression integrates out, and only a few scales are sampled."
    raise invalid("inference", "", problem, "Use inference=Collapsed(), or None.")


__all__ = ["SpatialRegression"]
