"""Bayesian hierarchical regression."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from sklearn.utils.validation import check_is_fitted

from bayesgeo._arrays import spaced
from bayesgeo._check import invalid, one_of
from bayesgeo.inference.base import Inference, Problem
from bayesgeo.inference.collapsed import Collapsed
from bayesgeo.models.criticism import PredictiveFunctions
from bayesgeo.models.effects.coordinates import Outcome
from bayesgeo.models.effects.fields import refuse_fields, with_places
from bayesgeo.models.effects.gaussian import MixedEquations
from bayesgeo.models.effects.hierarchical import Hierarchical
from bayesgeo.models.effects.left_out import leave_groups_out
from bayesgeo.models.effects.marginal import GaussianMarginal
from bayesgeo.models.effects.prediction import (
    Absent,
    Parameters,
    fixed_part,
    known_part,
    new_part,
)
from bayesgeo.models.effects.problem import graph_problem
from bayesgeo.models.effects.tables import unpooled
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.effects.values import GroupedRegressor
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.regression.graph import INTERCEPT_SCALE
from bayesgeo.models.regression.linear import COEFFICIENTS, DEFAULT_SCALE, NAMES, NOISE, TAILS
from bayesgeo.models.regression.priors import PRIORS, RegressionPrior, refuse_undetermined, scale_of_prior
from bayesgeo.models.regression.statement import (
    FLAT_INTERCEPT,
    INTERCEPT_REASON,
    coefficient_prior,
    kind_of_prior,
)
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.specification import Prior, Specification

NOISES = ("normal", "student-t")
PREDICTED = 50  # draws of each chain that predict where effects have fields


def _integrated_out() -> Any:
    """Build no graph: where effects and coefficients integrate out, none is needed."""
    raise AssertionError


def _refuse_explained(equations: MixedEquations, effects: Sequence[Effect]) -> None:
    """Refuse a flat prior where features and effects leave no noise: the posterior would be improper."""
    wide = [1e4 * np.eye(len(effect.terms))[None] for effect in effects]
    _, solved = next(equations.solve(wide))
    if not solved.squares[0] > 1e-6 * equations.rows[0]:
        problem = "Features and effects explain the target without noise."
        raise invalid("prior", "flat", problem, 'Use prior="normal", or drop a key.')


class HierarchicalRegression(Hierarchical, GroupedRegressor):
    r"""Linear regression with effects of groups: events, stations, wells.

    On standardised features and target, with any number of keys :math:`k`, crossed or nested,

    .. math:: y_i \sim N\Big(\alpha + x_i^T \beta + \sum_k z_{ik}^T b_{k, g_k(i)}, \sigma^2\Big), \quad
              b_{kg} \sim N(0, \Sigma_k),

    where :math:`z` is 1, and features whose slopes vary (Gelman & Hill 2007, Data Analysis Using Regression and
    Multilevel/Hierarchical Models, chapters 12 and 13). The coefficients of all rows and the noise have the priors of
    :class:`bayesgeo.models.regression.linear.BayesianLinearRegression`; the standard deviations of effects are
    half-normal, or have a penalised-complexity prior; correlations of intercept and slopes have an LKJ prior.

    With normal noise and a normal or flat prior, effects and coefficients integrate out: the few scales are sampled
    and the rest drawn exactly, by :class:`Collapsed`. Else the posterior is sampled by :class:`NUTS`.

    A group of the training rows is predicted with its own effect; a new one, and a row without a label, with the effect
    integrated over the population of groups.

    Parameters
    ----------
    effects : str, Effect or sequence of them, optional
        Keys whose intercept varies, or :class:`Effect` for slopes; None is a varying intercept for each key of
        ``groups``. Labels are taken from ``groups``, or from the columns of a table.
    formula : str, optional
        Instead of ``effects``, as ``"log_pga ~ m1 + log_r + (1 | event) + (1 + log_r | station)"``: it states the fixed
        part too.
    prior, prior_scale, noise
        Of the coefficients and the noise, as of :class:`bayesgeo.models.regression.linear.BayesianLinearRegression`.
    group_prior : {"half-normal", "pc"}
        Prior of the standard deviations of effects.
    group_scale : float, optional
        Its scale in standard deviations of ``y``; None is 1. With ``"pc"`` the scale is exceeded with probability 0.01.
    new_groups : {"population", "refuse"}
        What a row of an unseen group gets: the population, or an error.
    inference : Inference, optional
        How the posterior is computed; None is :class:`Collapsed` where it applies, else :class:`NUTS`.
    random_state : int, RandomState or None
        Seed of the draws.

    Attributes
    ----------
    posterior_ : xarray.DataTree
        ``posterior`` holds ``weight (feature)``, ``intercept`` and ``sigma`` on the standardised scale; in the units of
        the table ``coefficient (feature)``, ``constant``, ``noise_sd``, and for each key ``<key>_effect (<key>,
        <key>_term)``, ``<key>_sd (<key>_term)`` and ``<key>_correlation (<key>_pair)``. ``variance_components`` and
        ``group_effects`` are tables of these.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"event": list("aabbcc"), "log_r": [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]})
    >>> model = HierarchicalRegression(effects=["event"], random_state=0).fit(table, [4.0, 3.1, 5.1, 4.0, 3.0, 1.9])
    >>> model.coef_.round(1), list(model.variance_components().index)
    (array([-1.]), ['event', 'residual'])
    """

    name = "hierarchical"
    _group_scale = 1.0

    def __init__(
        self,
        effects: str | Effect | Iterable[str | Effect] | None = None,
        *,
        formula: str | None = None,
        prior: str = "normal",
        prior_scale: float | None = None,
        noise: str = "normal",
        group_prior: str = "half-normal",
        group_scale: float | None = None,
        new_groups: str = "population",
        inference: Inference | None = None,
        random_state: Any = None,
    ):
        self.effects = effects
        self.formula = formula
        self.prior = prior
        self.prior_scale = prior_scale
        self.noise = noise
        self.group_prior = group_prior
        self.group_scale = group_scale
        self.new_groups = new_groups
        self.inference = inference
        self.random_state = random_state

    @property
    def coef_(self) -> np.ndarray:
        """Posterior mean of the coefficients ``(term,)``, in units of ``y`` per unit of each fixed term."""
        posterior = self.posterior_["posterior"].to_dataset()
        return posterior["coefficient"].mean(("chain", "draw")).values if self.fixed_ else np.empty(0)

    @property
    def noise_(self) -> xr.Dataset:
        """Draws of the noise within groups in the unit of ``y``: ``sigma``, and ``nu`` for Student-t noise."""
        posterior = self.posterior_["posterior"].to_dataset().drop_vars("sigma").rename(noise_sd="sigma")
        return posterior[[name for name in ("sigma", "nu") if name in posterior]]

    def predict(self, X: Any, groups: Any = None, *, coordinates: Any = None) -> np.ndarray:
        """Return the posterior mean of the expected outcome, ``(obs,)``; see :meth:`predict_draws`."""
        check_is_fitted(self)
        if any(self._fields):
            parts = self._parts(X, groups, coordinates)
            return np.concatenate([self._expected(rows).mean(axis=(0, 1)) for rows in parts])
        # The expected outcome is linear in the parameters: its mean is that at their means.
        mean = {name: draws.mean(axis=(0, 1), keepdims=True) for name, draws in self._parameters().items()}
        return np.concatenate([self._mean(rows, mean)[0, 0] for rows in self._parts(X, groups, coordinates)])

    def _problem(self, rows: TrainingRows) -> Problem:
        design, y = self._design(rows), rows.y
        one_of("prior", self.prior, PRIORS)
        one_of("noise", self.noise, NOISES)
        refuse_undetermined(self.prior, design, spare=1)
        self.target_center_, self.target_scale_ = (float(value) for value in standardisation(y))
        scale = self.prior_scale_ = scale_of_prior(self.prior, self.prior_scale, default=DEFAULT_SCALE, n_rows=len(y))
        y = (y - self.target_center_) / self.target_scale_
        heavy = {"nu": ()} if self.noise == "student-t" else {}
        dims = {"intercept": (), **self._fixed_dims(), "sigma": (), **heavy, **self._dims()}
        closed = self.noise == "normal" and self.prior in ("normal", "flat")
        if closed and (self.inference is None or isinstance(self.inference, Collapsed)):
            marginal = self._marginal(rows, design, y, scale)
            return Problem(_integrated_out, {"X": design, "y": y}, dims, coords=self._coords(), marginal=marginal)
        refuse_fields(self.effects_, 'Use noise="normal", prior="normal" or "flat", and inference=None.')
        return graph_problem(
            design,
            Outcome(self.noise, y, 2),
            (self.prior, scale),
            self._groups(rows, standardised=True),
            self.levels_,
            group_prior=self._prior_of_groups(),
            dims=dims,
            coords=self._coords(),
            inference=self.inference,
        )

    def _marginal(self, rows: TrainingRows, design: np.ndarray, y: np.ndarray, scale: float) -> GaussianMarginal:
        penalty = np.r_[INTERCEPT_SCALE**-2.0, np.full(design.shape[1], scale**-2.0)]
        penalty = np.zeros_like(penalty) if self.prior == "flat" else penalty
        design = np.c_[np.ones(len(y)), design]
        groups = [own for _, own in self._groups(rows, standardised=True)]
        sizes = [len(levels) for levels in self.levels_]
        equations = MixedEquations(design, y, groups, sizes, penalty, fields=self._fields)
        if self.prior == "flat":
            _refuse_explained(equations, self.effects_)
        residual = y - design @ np.linalg.lstsq(design, y)[0]
        return GaussianMarginal(equations, self.effects_, self._prior_of_groups(), float(residual.std()))

    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        posterior = self._in_table_units(posterior)
        constant = self.target_center_ + posterior["constant"]
        return posterior.assign(constant=constant, noise_sd=posterior["sigma"] * self.target_scale_)

    def _mean(self, rows: Rows, p: Parameters, absent: Sequence[Absent] | None = None) -> np.ndarray:
        """Return the mean ``(chain, draw, obs)`` in the unit of ``y``; groups not seen at the mean given those seen."""
        fixed = self.target_center_ + self.target_scale_ * fixed_part(self._design(rows), p)
        known = fixed + known_part(self._groups(rows), p)
        return known + sum(one.spread(one.mean, len(rows)) for one in absent or self._absent(rows, p))

    def _draws(self) -> Parameters:
        """Return draws that predict: of a model with fields fewer, each of which is kriged with."""
        p = self._parameters()
        if not any(self._fields):
            return p
        kept = spaced(p["intercept"].shape[1], PREDICTED)
        return {name: values[:, kept] for name, values in p.items()}

    def _expected(self, rows: Rows) -> np.ndarray:
        return self._mean(rows, self._draws())

    def _predictive(self, rows: Rows) -> dict[str, np.ndarray]:
        p, rows = self._draws(), with_places(self.effects_, rows)
        absent, sigma = self._absent(rows, p), p["noise_sd"]
        mean = self._mean(rows, p, absent)
        if "nu" in p:  # no closed form: effects not seen are drawn
            new = new_part(self._groups(rows), absent, rows, p, self.seed_)
            return {"expected": mean + new, "sigma": sigma, "nu": p["nu"]}
        variance = sum(one.spread(one.variance, len(rows)) for one in absent)
        return {"expected": mean, "sigma": np.sqrt(sigma[..., None] ** 2 + variance) if absent else sigma}

    def _response(self, rows: Rows, rng: np.random.Generator) -> xr.DataArray:
        """Draw the outcome jointly: rows of one new group share its effect."""
        p, rows = self._draws(), with_places(self.effects_, rows)
        absent = self._absent(rows, p)
        mean = self._mean(rows, p, absent) + new_part(self._groups(rows), absent, rows, p, self.seed_)
        noise = {"sigma": p["noise_sd"]} | ({"nu": p["nu"]} if "nu" in p else {})
        return self.respond(self._label_predictive({"expected": mean, **noise}, rows), rng)

    def _unpooled(self, rows: TrainingRows, draws: Parameters) -> Mapping[str, np.ndarray]:
        """Return the mean of what the coefficients and the other keys leave, by key and level."""
        mean = {name: values.mean(axis=(0, 1))[None, None] for name, values in draws.items()}
        return unpooled(self._groups(rows), rows.y - self._mean(rows, mean)[0, 0], mean)

    def _attrs(self) -> dict[str, str]:
        return {"unit": "", "scale": ""}

    def _unit(self) -> float:
        return self.target_scale_

    def _predictive_functions(self, problem: Problem) -> PredictiveFunctions:
        prior = None
        if self.prior != "flat":
            prior = RegressionPrior(self.prior, self.prior_scale_, len(self.fixed_), self.noise == "student-t")
        known = prior is not None and self.prior != "horseshoe"
        several = bool(self.effects_) and len(self.levels_[0]) > 1  # of a single group nothing would be left
        return PredictiveFunctions(
            predictive=self._predict_from,
            log_prior=partial(self._log_prior, prior) if prior is not None and known else None,
            prior=partial(self._sample_prior, prior) if prior is not None else None,
            shown=(*self._fixed_dims(), "intercept", "sigma", *self._sampled_quantities()) if known else (),
            left_out=partial(leave_groups_out, problem.marginal, self.levels_[0])
            if problem.marginal and several
            else None,
        )

    def _predict_from(self, rows: Rows, p: Parameters) -> dict[str, np.ndarray]:
        """Predict known groups from parameters on the standardised scale."""
        predictor = fixed_part(self._design(rows), p)
        predictor = predictor + known_part(self._groups(rows, standardised=True), p)
        shape = {"nu": p["nu"]} if "nu" in p else {}
        expected = self.target_center_ + self.target_scale_ * predictor
        return {"expected": expected, "sigma": p["sigma"] * self.target_scale_} | shape

    def _sample_prior(
        self, prior: RegressionPrior, size: tuple[int, int], rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        return {**prior.sample(size, rng), **self._sample_effects(size, rng)}

    def specification(self, labels: Sequence[str] = ()) -> Specification:
        """State the formula, priors and names; see :meth:`Estimator.specification`."""
        flat, heavy = self.prior == "flat", self.noise == "student-t"
        priors = [
            FLAT_INTERCEPT if flat else Prior("α", "Normal(0, (10σ)²)", INTERCEPT_REASON),
            coefficient_prior(self, DEFAULT_SCALE, "σ", COEFFICIENTS),
            Prior("σ", "p(σ) ∝ 1/σ", FLAT_INTERCEPT.why) if flat else Prior("σ²", "InverseGamma(1/2, 1/20)", NOISE),
            *([Prior("ν", "Gamma(2, 0.1)", TAILS)] if heavy else []),
            *self._group_priors(),
        ]
        return Specification(
            likelihood=f"yᵢ ~ {'Student-t(ν, ' if heavy else 'Normal('}α + xᵢᵀβ + zᵢᵀb, σ²)",
            scale="features and target standardised",
            priors=tuple(priors),
            prior_kind=kind_of_prior(self),
            graph=self._graph(("σ²", "ν") if heavy else ("σ²",)),
            quantities=(
                "constant",
                *self._coefficients(),
                "noise_sd",
                *(("nu",) if heavy else ()),
                *self._quantities(),
            ),
            effects="weight" if self._coefficients() else "",
            names=NAMES | self._names(),
        )


__all__ = ["HierarchicalRegression"]
