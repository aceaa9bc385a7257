"""The linear mixed model by restricted maximum likelihood: the deterministic rival of hierarchical regression."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats
from sklearn.utils.validation import check_array, check_is_fitted

from bayesgeo._check import invalid, one_of
from bayesgeo.inference.newton import maximise
from bayesgeo.models.base import one_draw_noise
from bayesgeo.models.effects.covariance import factors
from bayesgeo.models.effects.fields import refuse_fields
from bayesgeo.models.effects.gaussian import MixedEquations
from bayesgeo.models.effects.marginal import covariance_values
from bayesgeo.models.effects.prediction import Absent, Parameters, fixed_part, known_part
from bayesgeo.models.effects.spread import effect_covariances
from bayesgeo.models.effects.tables import PROB, RESIDUAL, effects_table, unpooled
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.effects.values import GroupedRegressor
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.rows import Rows, TrainingRows

METHODS = ("reml", "ml")
START = -0.5  # logarithm of the standard deviation of effects in units of the noise
FLAT = 1e-4  # curvature from which on the criterion says nothing of a direction
SMALLEST = -9.0  # below, an effect is taken for zero
DELTA = 1e-3  # of differences, of logarithms


@dataclass(frozen=True, eq=False)
class Criterion:
    """Minus twice the log likelihood, restricted or not, as a function of the covariances in units of the noise."""

    equations: MixedEquations
    effects: Sequence[Effect]
    restricted: bool

    @property
    def degrees(self) -> int:
        """Rows, less the coefficients if these are integrated out."""
        n, p = self.equations.rows
        return n - p if self.restricted else n

    def factors(self, points: np.ndarray) -> list[np.ndarray]:
        """Return the covariance factors of unconstrained points ``(n, d)``."""
        counts = [len(effect.terms) + effect.correlations for effect in self.effects]
        parts = np.split(points, np.cumsum(counts)[:-1], axis=1) if counts else []
        return [factors(effect, part) for effect, part in zip(self.effects, parts, strict=True)]

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Return the criterion of points ``(n, d)``."""
        found = []
        for _, solved in self.equations.solve(self.factors(points)):
            determinant = solved.log_determinant + (solved.log_determinant_x if self.restricted else 0.0)
            found.append(determinant + self.degrees * (1 + np.log(2 * np.pi * solved.squares / self.degrees)))
        return np.concatenate(found)

    def noise_slope(self, point: np.ndarray) -> np.ndarray:
        """Return the derivatives ``(d,)`` of the logarithm of the noise that fits best, at a point."""
        step = DELTA * np.eye(len(point))
        found = [solved.squares for _, solved in self.equations.solve(self.factors(np.r_[point + step, point - step]))]
        ahead, behind = np.split(np.log(np.concatenate(found)) / 2, 2)
        return (ahead - behind) / (2 * DELTA)


class MixedRegression(GroupedRegressor):
    r"""Linear mixed model by restricted maximum likelihood, with best linear unbiased predictions.

    The model of :class:`bayesgeo.models.effects.regression.HierarchicalRegression` without priors: covariances of
    effects maximise the restricted likelihood (Patterson & Thompson 1971, Biometrika 58:3), effects of known groups
    are predicted given these (Henderson 1975, Biometrics 31:2). Its outcome has the noise within groups and, for a
    group that was not seen, the variance between groups; the uncertainty of the estimates is left out.

    Parameters
    ----------
    effects, formula, new_groups
        As of :class:`bayesgeo.models.effects.regression.HierarchicalRegression`.
    method : {"reml", "ml"}
        Restricted or full maximum likelihood.
    random_state : int, RandomState or None
        Seed of response draws.

    Attributes
    ----------
    coef_, intercept_ : numpy.ndarray, float
        Coefficients of the fixed terms and intercept, in the units of the table.
    criterion_ : float
        Minus twice the log of the (restricted) likelihood of ``y``.
    sigma_ : float
        Standard deviation of the noise within groups.

    Examples
    --------
    >>> table = pd.DataFrame({"event": list("aabbcc"), "log_r": [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]})
    >>> model = MixedRegression(effects=["event"]).fit(table, [4.0, 3.1, 5.1, 4.0, 3.0, 1.9])
    >>> model.coef_.round(2), model.variance_components()["mean"].round(2).to_dict()
    (array([-1.03]), {'event': 1.05, 'residual': 0.08})
    """

    name = "mixed"
    kind = "deterministic"

    def __init__(
        self,
        effects: str | Effect | Iterable[str | Effect] | None = None,
        *,
        formula: str | None = None,
        method: str = "reml",
        new_groups: str = "population",
        random_state: Any = None,
    ):
        self.effects = effects
        self.formula = formula
        self.method = method
        self.new_groups = new_groups
        self.random_state = random_state

    def variance_components(self) -> pd.DataFrame:
        """Return the estimated standard deviations of effects and noise as a table.

        Returns
        -------
        pandas.DataFrame
            Indexed by key (``key:feature`` for slopes) and ``residual``: ``mean``, the estimate; ``sd``, its standard
            error; ``low`` and ``high``, the 90 % interval of its logarithm by the curvature of the criterion.
        """
        check_is_fitted(self)
        frame = pd.DataFrame(self.components_, columns=["mean", "sd"], index=self.component_names_)
        spread = stats.norm.ppf((1 + PROB) / 2) * frame["sd"] / frame["mean"].where(frame["mean"] > 0)
        ends = {"low": frame["mean"] * np.exp(-spread), "high": frame["mean"] * np.exp(spread)}
        return frame.assign(**ends).rename_axis("component")

    def _learn(self, rows: TrainingRows) -> None:
        one_of("method", self.method, METHODS)
        self._state(rows)
        refuse_fields(self.effects_, "Use HierarchicalRegression.")
        design, y = self._design(rows), rows.y
        center, scale = (float(value) for value in standardisation(y))
        groups = [own for _, own in self._groups(rows, standardised=True)]
        X, sizes = np.c_[np.ones(len(y)), design], [len(levels) for levels in self.levels_]
        _refuse_undetermined(X)
        equations = MixedEquations(X, (y - center) / scale, groups, sizes, np.zeros(X.shape[1]))
        criterion = Criterion(equations, self.effects_, self.method == "reml")
        at, covariance = _fitted(criterion)
        spread_of_effects = self._keep(criterion, at, (center, scale))
        self.criterion_ = float(criterion(at[None])[0]) + 2 * criterion.degrees * np.log(scale)
        if self.method == "reml":
            # Of the coefficients in the units of the table, which are standardised for the fit.
            self.criterion_ += 2 * float(np.log(self.term_scale_).sum())
        self._keep_components(criterion, at, covariance)
        if self.effects_:
            self.effects_table_ = self._effects_table(rows, spread_of_effects)

    def report_tables(self) -> dict[str, xr.Dataset]:
        """Return ``variance_components`` and ``group_effects``, laid out as those of a posterior."""
        frame = self.variance_components()
        words = [(effect.key, term) for effect in self.effects_ for term in effect.terms] + [(RESIDUAL, "")]
        columns = {"kind": ["sd"] * len(words), "key": [key for key, _ in words], "term": [term for _, term in words]}
        components = xr.Dataset.from_dataframe(frame.assign(**columns, prior=""))
        for name in (*columns, "prior"):
            components[name] = components[name].astype(str)
        found = {"variance_components": components.assign_attrs(prob=PROB, unit="")}
        return found | ({"group_effects": self.effects_table_} if self.effects_ else {})

    def _effects_table(self, rows: TrainingRows, spread: Sequence[np.ndarray]) -> xr.Dataset:
        """Tabulate the predicted effects with intervals given the covariances."""
        groups, wide = self._groups(rows), stats.norm.ppf((1 + PROB) / 2)
        tables = {
            effect.key: {"mean": mean, "sd": sd, "low": mean - wide * sd, "high": mean + wide * sd}
            for effect, mean, sd in zip(self.effects_, self.group_effects_, spread, strict=True)
        }
        left = unpooled(groups, rows.y - self._predictive(rows)["expected"][0, 0], self._draws())
        return effects_table(groups, self.levels_, tables, rows, unpooled=left, attrs={"unit": "", "scale": ""})

    def _keep(self, criterion: Criterion, at: np.ndarray, standard: tuple[float, float]) -> list[np.ndarray]:
        """Keep estimates in the units of the table, and return the deviations of the effects."""
        center, scale = standard
        relative = [factor[0] for factor in criterion.factors(at[None])]
        _, solved = next(criterion.equations.solve([factor[None] for factor in relative]))
        found = criterion.equations.estimates(solved, relative)
        self.sigma_ = float(scale * np.sqrt(solved.squares[0] / criterion.degrees))
        self.coef_ = found.coefficients[0, 1:] * scale / self.term_scale_
        self.intercept_ = float(center + scale * found.coefficients[0, 0] - self.coef_ @ self.term_center_)
        maps = [self._to_table(effect) for effect in self.effects_]
        self.group_effects_ = tuple(scale * values[0] @ to.T for values, to in zip(found.effects, maps, strict=True))
        self.group_factors_ = tuple(self.sigma_ * to @ factor for factor, to in zip(relative, maps, strict=True))
        covariances = effect_covariances(criterion.equations, solved, relative)
        return [
            self.sigma_ * np.sqrt(np.einsum("ij,ljk,ik->li", to, own, to))
            for own, to in zip(covariances, maps, strict=True)
        ]

    def _keep_components(self, criterion: Criterion, at: np.ndarray, covariance: np.ndarray) -> None:
        """Keep the components with their standard errors, by the delta method for their logarithms."""
        names = [name for effect in self.effects_ for name in effect.components]
        points = at + DELTA * np.concatenate([np.zeros((1, len(at))), np.eye(len(at)), -np.eye(len(at))])
        value, ahead, behind = np.split(self._log_sds(criterion, points), [1, len(at) + 1])
        slopes = np.c_[((ahead - behind) / (2 * DELTA)).T, np.ones(len(names) + 1)]
        slopes[-1, :-1] = 0.0  # of the noise
        flat = np.isnan(np.diag(covariance))
        error = np.sqrt(np.einsum("ci,ij,cj->c", slopes, np.nan_to_num(covariance), slopes))
        error = np.where((np.abs(slopes[:, flat]) > DELTA).any(axis=1), np.nan, error)
        sd = self.sigma_ * np.exp(value[0])
        self.component_names_ = np.array([*names, RESIDUAL])
        self.components_ = np.stack([sd, sd * error], axis=1)

    def _log_sds(self, criterion: Criterion, points: np.ndarray) -> np.ndarray:
        """Return logarithms of the components ``(n, component)`` in units of the noise, of points ``(n, d)``."""
        found = [np.zeros((len(points), 1))]
        for effect, factor in zip(self.effects_, criterion.factors(points), strict=True):
            sd = covariance_values(effect, self._to_table(effect) @ factor)[f"{effect.key}_sd"]
            found.insert(-1, np.log(sd))
        return np.concatenate(found, axis=1)

    @property
    def noise_(self) -> xr.Dataset:
        """The noise within groups, ``sigma (chain, draw)``, in the unit of ``y``."""
        return one_draw_noise(self.sigma_)

    def _draws(self) -> dict[str, np.ndarray]:
        """Return the estimates as a posterior of one draw."""
        found = {"noise_sd": np.full((1, 1), self.sigma_)}
        for effect, values, factor in zip(self.effects_, self.group_effects_, self.group_factors_, strict=True):
            found[f"{effect.key}_effect"] = values[None, None]
            found |= covariance_values(effect, factor[None, None])
        return found

    def _predictive(self, rows: Rows) -> dict[str, np.ndarray]:
        p = self._draws()
        absent = self._absent(rows, p)
        variance = sum(one.spread(one.variance, len(rows)) for one in absent)
        sigma = np.sqrt(p["noise_sd"][..., None] ** 2 + variance) if absent else p["noise_sd"]
        return {"expected": self._mean(rows, p), "sigma": sigma}

    def _mean(self, rows: Rows, p: Parameters, absent: Sequence[Absent] | None = None) -> np.ndarray:
        fixed = fixed_part(
            self._terms(rows), {"intercept": np.full((1, 1), self.intercept_), "weight": self.coef_[None, None]}
        )
        return fixed + known_part(self._groups(rows), p)


def _fitted(criterion: Criterion) -> tuple[np.ndarray, np.ndarray]:
    """Return the point of the least criterion, and the covariance of its values and of the noise's logarithm.

    NaN in directions where the criterion is flat.
    """
    parts = [[START] * len(effect.terms) + [0.0] * effect.correlations for effect in criterion.effects]
    start = np.array([value for part in parts for value in part])
    of_noise = 1 / (2 * criterion.degrees)
    if not len(start):
        return start, np.array([[of_noise]])
    half: Callable[[np.ndarray], np.ndarray] = lambda points: -criterion(points) / 2  # noqa: E731
    with np.errstate(all="ignore"):
        peak = maximise(half, start, within=lambda point: np.maximum(point, SMALLEST))
    if not np.isfinite(peak.value):
        problem = "The likelihood has no maximum: the effects explain the target without noise."
        raise invalid("effects", ", ".join(effect.key for effect in criterion.effects), problem, "Drop a key.")
    values, vectors = np.linalg.eigh(peak.curvature)
    # A direction that is flat leaves the others their errors.
    inverse = (vectors / np.where(values > FLAT, values, FLAT / 100)) @ vectors.T
    lost = np.diag(inverse) >= 1 / FLAT
    slope = inverse @ criterion.noise_slope(peak.at)
    corner = of_noise + criterion.noise_slope(peak.at) @ slope
    joint = np.block([[inverse, slope[:, None]], [slope[None], np.array([[corner]])]])
    joint[np.r_[lost, False]] = joint[:, np.r_[lost, False]] = np.nan
    return peak.at, joint


def _refuse_undetermined(X: np.ndarray) -> None:
    """Refuse coefficients ``(obs, coefficient)`` that the rows do not determine, with one row to spare."""
    n, p = check_array(X, ensure_min_samples=2).shape
    if n <= p or np.linalg.matrix_rank(X) < p:
        problem = f"{n} rows do not determine {p} coefficients: too few rows, or features that repeat each other."
        raise invalid("X", "", problem, "Leave features out, or use HierarchicalRegression, whose priors decide.")


__all__ = ["MixedRegression"]
