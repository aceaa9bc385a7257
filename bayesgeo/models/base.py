"""Base classes of all models: the scikit-learn interface over predictions that are draws."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, ClassVar, Literal, Self

import numpy as np
import xarray as xr
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import ThreadpoolController, threadpool_limits

from bayesgeo import _arrays
from bayesgeo._check import invalid, one_of
from bayesgeo.models.rows import Rows, TrainingRows, framed, labels_by_key, row_names
from bayesgeo.models.specification import Specification
from bayesgeo.models.transformation import Transformation

Kind = Literal["expected", "response"]
UnseenGroups = Literal["ignored", "population", "refused"]
NOISE_DRAWS = 1000  # response draws, at least about, of a model that has few parameter draws
# The CRPS of n draws is too high by one part in n, and each end of a 90 % interval is off by 2.1 / sqrt(n) standard
# deviations: 0.4 % and 0.13 at 250, small beside differences of models. Fewer draws are repeated with new noise.
FEW_DRAWS = 250
TRANSFORMATION = "transformation"  # attribute of a predictive distribution


@cache
def _multiplying_libraries() -> ThreadpoolController:
    """Return the controller of BLAS threads, cached: the look-up takes longer than predicting a thousand rows."""
    return ThreadpoolController()


class Estimator(BaseEstimator, ABC):
    """Base of every model: scikit-learn's interface over predictions that are draws.

    A subclass sets ``name`` and ``kind``, implements ``_learn(rows)`` and its prediction, and returns its
    :meth:`specification`. A deterministic model is a posterior with one draw.

    Attributes
    ----------
    name : str
        Short name, unique among the models of its task.
    kind : {"Bayesian", "deterministic", "baseline"}
        Whether it has a posterior; a baseline ignores the features.
    unseen_groups : {"ignored", "population", "refused"}
        The rule for a group absent from the training rows: groups are ignored in every prediction; the effect of the
        new group is integrated over the population of groups; or the row is refused.
    uses_weights : bool
        Whether rows may be weighted.
    """

    name: ClassVar[str]
    kind: ClassVar[Literal["Bayesian", "deterministic", "baseline"]]
    unseen_groups: ClassVar[UnseenGroups] = "ignored"
    uses_weights: ClassVar[bool] = False
    _fewest_features: ClassVar[int] = 1

    random_state: Any

    def fit(self, X: Any, y: Any, groups: Any = None, *, coordinates: Any = None, weights: Any = None) -> Self:
        """Fit the model to training rows.

        Parameters
        ----------
        X : array-like
            ``(obs, feature)``: an array, a DataFrame or a labelled DataArray.
        y : array-like
            ``(obs,)`` targets.
        groups : array-like, mapping or DataFrame, optional
            ``(obs,)`` labels of groups, or labels by key. Groups of the first key stay together when the model holds
            rows out.
        coordinates : mapping or DataFrame, optional
            ``(obs,)`` numbers by name: ``longitude`` and ``latitude``, or ``easting`` and ``northing``.
        weights : array-like, optional
            ``(obs,)`` weight of each row, for models that use weights.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a value is missing or infinite, shapes disagree, or a parameter is unknown.
        """
        return self._fit(X, y, groups, coordinates, weights)

    def _fit(self, X: Any, y: Any, groups: Any, coordinates: Any = None, weights: Any = None, **others: Any) -> Self:
        """Check the training rows and fit the model; ``others`` are passed to ``_learn``."""
        X, groups = self._separated(X, groups)
        if isinstance(X, xr.DataArray):
            self.units_ = [str(unit) for unit in X["unit"].values] if "unit" in X.coords else [""] * X.shape[1]
        names = row_names(X)
        options: dict[str, Any] = {"dtype": np.float64, "ensure_min_features": self._fewest_features}
        X, y = validate_data(self, framed(X), y, y_numeric=isinstance(self, RegressorMixin), **options)
        self.check_size(len(X))
        self.seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        rows = TrainingRows(
            X,
            names,
            labels_by_key(groups, len(X)),
            labels_by_key(coordinates, len(X), what="coordinates", default="coordinate"),
            self._target(y),
            self._checked_weights(weights, len(X)),
        )
        # One thread: sums in another order would give other numbers on another number of cores.
        with threadpool_limits(1):
            self._learn(rows, **others)
        return self

    def check_size(self, n: int) -> None:
        """Refuse more training rows than the model is made for, before anything is computed; by default none are.

        Raises
        ------
        InvalidInput
            If there are too many.
        """

    def _separated(self, X: Any, groups: Any) -> tuple[Any, Any]:
        """Return the features and the groups, for models that find labels of groups among the columns of a table."""
        return X, groups

    def _checked_weights(self, weights: Any, n: int) -> np.ndarray | None:
        if weights is None:
            return None
        if not self.uses_weights:
            raise invalid("weights", "", f"{type(self).__name__} does not use weights.", "Leave them out.")
        found = np.asarray(weights, dtype=float)
        if found.shape != (n,) or not (np.isfinite(found).all() and (found >= 0).all()):
            raise invalid("weights", "", f"They must be {n} finite numbers, none below zero.")
        return found

    def specification(self, labels: Sequence[str] = ()) -> Specification:
        """State the formula, priors and names of the model.

        Parameters
        ----------
        labels : sequence of str
            Names of the classes, in the order of ``classes_``; by default ``classes_`` itself.
        """
        # Of a class without a docstring, that of the nearest base that has one.
        return Specification((inspect.getdoc(type(self)) or type(self).__name__).split("\n")[0])

    def report_tables(self) -> dict[str, xr.Dataset]:
        """Return tables of a fitted model without a posterior that a report shows; none by default."""
        return {}

    def predict_draws(
        self, X: Any, kind: Kind = "expected", *, groups: Any = None, coordinates: Any = None
    ) -> xr.DataArray:
        """Return draws of the prediction for each row.

        Parameters
        ----------
        X : array-like
            ``(obs, feature)``.
        kind : {"expected", "response"}
            ``"expected"``: the mean of the outcome (class probabilities, or the regression mean);
            ``"response"``: the outcome itself with its noise (class codes, or values).
        groups, coordinates
            As in :meth:`fit`. The class attribute ``unseen_groups`` is the rule for unseen groups.

        Returns
        -------
        xarray.DataArray
            ``(chain, draw, obs)``, and ``label`` last for class probabilities.
        """
        parts = list(self.stream(X, kind, groups=groups, coordinates=coordinates))
        return xr.concat(parts, "obs").transpose("chain", "draw", "obs", ...)

    def stream(
        self, X: Any, kind: Kind = "expected", *, groups: Any = None, coordinates: Any = None
    ) -> Iterator[xr.DataArray]:
        """Yield :meth:`predict_draws` a few rows at a time, so that memory stays bounded."""
        one_of("kind", kind, ("expected", "response"))
        check_is_fitted(self)
        rng = np.random.default_rng(self.seed_)
        for rows in self._parts(X, groups, coordinates):
            yield self._label(self._expected(rows), rows) if kind == "expected" else self._response(rows, rng)

    def _rows(self, X: Any, groups: Any = None, coordinates: Any = None) -> Rows:
        """Check rows to predict."""
        X, groups = self._separated(X, groups)
        names = row_names(X)
        options: dict[str, Any] = {"dtype": np.float64, "ensure_min_features": self._fewest_features}
        values = validate_data(self, framed(X), reset=False, **options)
        labels = labels_by_key(groups, len(values))
        places = labels_by_key(coordinates, len(values), what="coordinates", default="coordinate")
        return Rows(values, names, labels, places)

    def _parts(self, X: Any, groups: Any, coordinates: Any, arrays: int = 1) -> Iterator[Rows]:
        """Yield chunks of rows, on one thread, so small that ``arrays`` arrays of their draws fit into memory."""
        rows = self._rows(X, groups, coordinates)
        step = max(1, _arrays.BUDGET // (arrays * self._numbers_per_row()))
        with _multiplying_libraries().limit(limits=1):
            for start in range(0, len(rows), step):
                yield rows.part(slice(start, start + step))

    @abstractmethod
    def _target(self, y: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _learn(self, rows: TrainingRows) -> None: ...

    @abstractmethod
    def _expected(self, rows: Rows) -> np.ndarray:
        """Return the expected outcome ``(chain, draw, obs[, label])`` in the user's units."""

    @abstractmethod
    def _response(self, rows: Rows, rng: np.random.Generator) -> xr.DataArray:
        """Draw the outcome with its noise, ``(chain, draw, obs)``."""

    @abstractmethod
    def _label(self, values: np.ndarray, rows: Rows) -> xr.DataArray: ...

    def _numbers_per_row(self) -> int:
        return NOISE_DRAWS


class Classifier(ClassifierMixin, Estimator):
    """Base of the classifiers: ``classes_`` in sorted order, the last of two is the positive one."""

    def predict_proba(self, X: Any, groups: Any = None, *, coordinates: Any = None) -> np.ndarray:
        """Return the mean probability of each class, ``(obs, label)``; see :meth:`predict_draws`."""
        parts = self.stream(X, groups=groups, coordinates=coordinates)
        return np.concatenate([part.mean(("chain", "draw")).values for part in parts])

    def predict(self, X: Any, groups: Any = None, *, coordinates: Any = None) -> np.ndarray:
        """Return the most probable class of each row, ``(obs,)``."""
        best = self.predict_proba(X, groups, coordinates=coordinates).argmax(axis=1)
        return self.classes_[best]

    def _target(self, y: np.ndarray) -> np.ndarray:
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            only = str(self.classes_[0])
            raise invalid("y", only, "It has only one class.", "A classifier needs rows of at least two.")
        return codes

    def _label(self, values: np.ndarray, rows: Rows) -> xr.DataArray:
        return _draws(values, rows).assign_coords(label=self.classes_)

    def respond(self, expected: xr.DataArray, rng: np.random.Generator) -> xr.DataArray:
        """Draw class codes ``(chain, draw, obs)`` from probabilities ``(chain, draw, obs, label)``."""
        # Row after row, so that a row's draws do not depend on how the rows were cut into chunks.
        edges = expected.cumsum("label").isel(label=slice(-1)).transpose("obs", ...)
        u = xr.DataArray(rng.random(edges.shape[:-1]), dims=edges.dims[:-1])
        return (u > edges).sum("label").transpose("chain", "draw", "obs")

    def _response(self, rows: Rows, rng: np.random.Generator) -> xr.DataArray:
        return self.respond(self._label(self._expected(rows), rows), rng)


class Regressor(RegressorMixin, Estimator):
    """Base of the regressors: an expected value with Gaussian or Student-t noise around it.

    A model implements ``_expected`` and ``noise_``, or ``_predictive`` alone where the noise differs by row.

    Attributes
    ----------
    noise_ : xarray.Dataset
        ``sigma (chain, draw)`` in the unit of ``y``, and ``nu`` for Student-t noise; absent where the noise differs
        by row.
    """

    def predict(self, X: Any, groups: Any = None, *, coordinates: Any = None) -> np.ndarray:
        """Return the posterior mean of the expected outcome, ``(obs,)``; see :meth:`predict_draws`."""
        parts = self.stream(X, groups=groups, coordinates=coordinates)
        return np.concatenate([part.mean(("chain", "draw")).values for part in parts])

    def predictive(self, X: Any, *, groups: Any = None, coordinates: Any = None) -> xr.Dataset:
        """Return the predictive distribution of each draw for each row, in the unit of ``y``.

        Parameters
        ----------
        X : array-like
            ``(obs, feature)``.
        groups, coordinates
            As in :meth:`predict_draws`.

        Returns
        -------
        xarray.Dataset
            ``expected (chain, draw, obs)``; ``sigma``, the scale of the noise, over ``chain`` and ``draw`` or over
            ``obs`` too; for Student-t noise, its degrees of freedom ``nu (chain, draw)``; and ``within (chain, draw)``,
            the noise alone, where ``sigma`` holds more. Of a model that transforms its target ``sigma`` is the standard
            deviation, ``within`` is over ``obs`` too, and ``location`` and ``scale`` are those of the normal
            distribution of what the attribute ``transformation`` makes of ``y``.
        """
        # Variables without the dimension obs are the same in every part.
        parts = list(self.stream_predictive(X, groups=groups, coordinates=coordinates))
        return xr.concat(parts, "obs", data_vars="minimal", coords="minimal", compat="override")

    def stream_predictive(self, X: Any, *, groups: Any = None, coordinates: Any = None) -> Iterator[xr.Dataset]:
        """Yield :meth:`predictive` a few rows at a time, so that memory stays bounded."""
        check_is_fitted(self)
        # Four arrays: expected, sigma, and the density and the response that callers compute.
        for rows in self._parts(X, groups, coordinates, arrays=4):
            yield self._label_predictive(self._predictive(rows), rows)

    def log_density(self, predictive: xr.Dataset, y: np.ndarray) -> xr.DataArray:
        """Return the log density ``(chain, draw, obs)`` of values ``y (obs,)`` in each draw's :meth:`predictive`."""
        transformation = predictive.attrs.get(TRANSFORMATION)
        outcome = xr.DataArray(y if transformation is None else transformation.forward(y), dims="obs")
        shape = (predictive["nu"],) if "nu" in predictive else ()
        family = stats.t if shape else stats.norm
        density = xr.apply_ufunc(family.logpdf, outcome, *shape, *_normal(predictive))
        if transformation is not None:
            density = density + outcome.copy(data=transformation.log_slope(y))
        return density.transpose("chain", "draw", "obs")

    def respond(self, predictive: xr.Dataset, rng: np.random.Generator) -> xr.DataArray:
        """Draw values ``(chain, draw, obs)`` from :meth:`predictive`; where draws are few, several from each."""
        predictive = _repeat_few(predictive)
        # Row after row, so that a row's draws do not depend on how the rows were cut into chunks.
        location, scale = _normal(predictive)
        location = location.transpose("obs", "chain", "draw")
        unit = (
            rng.standard_t(predictive["nu"].values, location.shape)
            if "nu" in predictive
            else rng.standard_normal(location.shape)
        )
        response = (location + scale * location.copy(data=unit)).transpose("chain", "draw", "obs")
        transformation = predictive.attrs.get(TRANSFORMATION)
        return response if transformation is None else response.copy(data=transformation.inverse(response.values))

    @property
    def noise_(self) -> xr.Dataset:
        """The noise in the unit of ``y``: ``sigma (chain, draw)``, and ``nu`` for Student-t noise."""
        raise AttributeError(f"{type(self).__name__} has no noise that is the same for every row: see predictive(X).")

    def _predictive(self, rows: Rows) -> dict[str, np.ndarray]:
        """Return ``expected (chain, draw, obs)``, ``sigma (chain, draw[, obs])`` and, if Student-t, ``nu``."""
        noise = {str(name): draws.values for name, draws in self.noise_.items()}
        return {"expected": self._expected(rows)} | noise

    def _expected(self, rows: Rows) -> np.ndarray:
        return self._predictive(rows)["expected"]

    def _target(self, y: np.ndarray) -> np.ndarray:
        return y.astype(np.float64)

    def _label(self, values: np.ndarray, rows: Rows) -> xr.DataArray:
        return _draws(values, rows)

    def _label_predictive(self, arrays: dict[str, np.ndarray], rows: Rows) -> xr.Dataset:
        labelled = self._label(arrays["expected"], rows)
        variables = {name: (labelled.dims[: values.ndim], values) for name, values in arrays.items()}
        transformation = self._transformation
        attrs = {} if transformation is None else {TRANSFORMATION: transformation}
        return xr.Dataset(variables, labelled.coords, attrs)

    @property
    def _transformation(self) -> Transformation | None:
        """On which scale the outcome is normal; None for its own."""
        return None

    def _response(self, rows: Rows, rng: np.random.Generator) -> xr.DataArray:
        return self.respond(self._label_predictive(self._predictive(rows), rows), rng)


def one_draw_noise(sigma: float) -> xr.Dataset:
    """Return the noise of a model with one draw.

    Examples
    --------
    >>> one_draw_noise(0.5)["sigma"].dims
    ('chain', 'draw')
    """
    return xr.Dataset({"sigma": (("chain", "draw"), [[sigma]])}, coords={"chain": [0], "draw": [0]})


def _normal(predictive: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Return location and scale on the scale where the outcome is normal."""
    if TRANSFORMATION in predictive.attrs:
        return predictive["location"], predictive["scale"]
    return predictive["expected"], predictive["sigma"]


def _repeat_few(predictive: xr.Dataset) -> xr.Dataset:
    """Repeat few draws, renumbered, until there are about ``NOISE_DRAWS``."""
    n_draws = predictive.sizes["chain"] * predictive.sizes["draw"]
    if n_draws >= FEW_DRAWS:
        return predictive
    repeated = np.tile(np.arange(predictive.sizes["draw"]), -(-NOISE_DRAWS // n_draws))
    return predictive.isel(draw=repeated).assign_coords(draw=np.arange(len(repeated)))


def _draws(values: np.ndarray, rows: Rows) -> xr.DataArray:
    dims = ("chain", "draw", "obs", "label")[: values.ndim]
    coords = {"chain": np.arange(values.shape[0]), "draw": np.arange(values.shape[1]), "obs": rows.names}
    return xr.DataArray(values, coords, dims)
