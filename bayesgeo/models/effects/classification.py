"""Bayesian hierarchical classification."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

from bayesgeo._check import one_of
from bayesgeo.inference.base import Inference, Problem
from bayesgeo.models.base import Classifier
from bayesgeo.models.criticism import Parameters, PredictiveFunctions
from bayesgeo.models.effects.coordinates import Outcome
from bayesgeo.models.effects.fields import refuse_fields
from bayesgeo.models.effects.hierarchical import Hierarchical
from bayesgeo.models.effects.prediction import fixed_part, known_part, new_part
from bayesgeo.models.effects.problem import graph_problem
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.regression.logistic import COEFFICIENTS, DEFAULT_SCALE
from bayesgeo.models.regression.priors import PRIORS, ClassPrior, refuse_undetermined, scale_of_prior
from bayesgeo.models.regression.statement import FLAT_INTERCEPT, INTERCEPT_REASON, coefficient_prior, kind_of_prior
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.specification import Prior, Specification


class HierarchicalClassifier(Hierarchical, Classifier):
    r"""Logistic or softmax regression with effects of groups: sites, stations, wells.

    On standardised features, with any number of keys :math:`k`, crossed or nested, the log odds of the second of two
    classes are

    .. math:: \alpha + x_i^T \beta + \sum_k z_{ik}^T b_{k, g_k(i)}, \quad b_{kg} \sim N(0, \Sigma_k),

    where :math:`z` is 1, and features whose slopes vary. With more classes each has coefficients and effects, as
    deviations from the mean over classes; the effects of all classes have the same standard deviations. The priors of
    coefficients are those of :class:`bayesgeo.models.regression.logistic.BayesianLogisticRegression`, those of effects
    as of :class:`bayesgeo.models.effects.regression.HierarchicalRegression`.

    A group of the training rows is predicted with its own effect. A new group gets, in each draw, an effect drawn from
    the population of groups, the same for all its rows; a row without a label gets one of its own.

    Parameters
    ----------
    effects : str, Effect or sequence of them, optional
        Keys whose intercept varies, or :class:`Effect` for slopes; None is a varying intercept for each key of
        ``groups``. Labels are taken from ``groups``, or from the columns of a table.
    formula : str, optional
        Instead of ``effects``, as ``"class ~ magnitude + log10_ps + (1 | site)"``: it states the fixed part too.
    prior, prior_scale
        Of the coefficients, as of :class:`bayesgeo.models.regression.logistic.BayesianLogisticRegression`.
    group_prior : {"half-normal", "pc"}
        Prior of the standard deviations of effects.
    group_scale : float, optional
        Its scale in log odds; None is 1.5. With ``"pc"`` the scale is exceeded with probability 0.01.
    new_groups : {"population", "refuse"}
        What a row of an unseen group gets: the population, or an error.
    inference : Inference, optional
        How the posterior is computed; None is :class:`NUTS`. ``Laplace(subset="full")`` is a fast approximation.
    random_state : int, RandomState or None
        Seed of the draws.

    Attributes
    ----------
    classes_ : numpy.ndarray
        Class labels, sorted.
    posterior_ : xarray.DataTree
        ``posterior`` holds ``weight (feature[, label])`` and ``intercept`` on the standardised scale; in log odds per
        unit of each feature ``coefficient`` and ``constant``, and for each key ``<key>_effect (<key>,
        <key>_term[, label])``, ``<key>_sd (<key>_term)`` and ``<key>_correlation (<key>_pair)``.
        ``variance_components`` and ``group_effects`` are tables of these.

    Examples
    --------
    >>> HierarchicalClassifier(formula="y ~ x + (1 | site)").prior
    'normal'
    """

    name = "hierarchical"
    _group_scale = 1.5

    def __init__(
        self,
        effects: str | Effect | Iterable[str | Effect] | None = None,
        *,
        formula: str | None = None,
        prior: str = "normal",
        prior_scale: float | None = None,
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
        self.group_prior = group_prior
        self.group_scale = group_scale
        self.new_groups = new_groups
        self.inference = inference
        self.random_state = random_state

    @property
    def coef_(self) -> np.ndarray:
        """Posterior mean of the coefficients as scikit-learn shapes them: ``(1 or label, term)``."""
        posterior = self.posterior_["posterior"].to_dataset()
        if not self.fixed_:
            return np.empty((posterior.sizes.get("label", 1), 0))
        coefficient = posterior["coefficient"].mean(("chain", "draw"))
        return np.atleast_2d(coefficient.transpose(..., "feature").values)

    @property
    def _label_dim(self) -> tuple[str, ...]:
        return () if len(self.classes_) == 2 else ("label",)

    def _problem(self, rows: TrainingRows) -> Problem:
        refuse_fields(self.effects_, "Leave smoothness out, or map the classes by their features.")
        design = self._design(rows)
        one_of("prior", self.prior, PRIORS)
        refuse_undetermined(self.prior, design, spare=0)
        scale = scale_of_prior(self.prior, self.prior_scale, default=DEFAULT_SCALE, n_rows=len(rows))
        self.prior_scale_, label = scale, self._label_dim
        return graph_problem(
            design,
            Outcome("classes", rows.y.astype(np.int64), len(self.classes_)),
            (self.prior, scale),
            self._groups(rows, standardised=True),
            self.levels_,
            group_prior=self._prior_of_groups(),
            dims={"intercept": label, **self._fixed_dims(label), **self._dims(label)},
            coords={**self._coords(), "label": list(self.classes_)},
            inference=self.inference,
        )

    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        if "label" in posterior.dims:
            names = ("intercept", *self._fixed_dims())
            posterior = posterior.assign({name: posterior[name] - posterior[name].mean("label") for name in names})
        return self._in_table_units(posterior)

    def _expected(self, rows: Rows) -> np.ndarray:
        p, groups = self._parameters(), self._groups(rows)
        predictor = fixed_part(self._design(rows), p)
        predictor = predictor + known_part(groups, p) + new_part(groups, self._absent(rows, p), rows, p, self.seed_)
        if len(self.classes_) > 2:
            return special.softmax(predictor, axis=-1)
        return np.stack([special.expit(-predictor), special.expit(predictor)], axis=-1)

    def _predictive_functions(self, problem: Problem) -> PredictiveFunctions:
        prior = None
        if self.prior != "flat":
            prior = ClassPrior(self.prior, self.prior_scale_, len(self.fixed_), len(self.classes_))
        known = prior is not None and self.prior != "horseshoe"
        return PredictiveFunctions(
            predictive=self._predict_from,
            log_prior=partial(self._log_prior, prior) if prior is not None and known else None,
            prior=partial(self._sample_prior, prior) if prior is not None else None,
            shown=(*self._fixed_dims(), "intercept", *self._quantities()) if known else (),
        )

    def _predict_from(self, rows: Rows, p: Parameters) -> dict[str, np.ndarray]:
        """Predict known groups from parameters on the standardised scale."""
        predictor = fixed_part(self._design(rows), p)
        predictor = predictor + known_part(self._groups(rows, standardised=True), p)
        if len(self.classes_) == 2:
            predictor = np.stack([np.zeros_like(predictor), predictor], axis=-1)
        return {"log_probability": special.log_softmax(predictor, axis=-1)}

    def _sample_prior(self, prior: ClassPrior, size: tuple[int, int], rng: np.random.Generator) -> Parameters:
        effects = self._sample_effects(size, rng, () if len(self.classes_) == 2 else (len(self.classes_),))
        if len(self.classes_) > 2:
            for name in (f"{effect.key}_effect" for effect in self.effects_):
                effects[name] = effects[name] - effects[name].mean(axis=-1, keepdims=True)
        return {**prior.sample(size, rng), **effects}

    def specification(self, labels: Sequence[str] = ()) -> Specification:
        """State the formula, priors and names; see :meth:`Estimator.specification`."""
        names = tuple(labels) or tuple(map(str, getattr(self, "classes_", ("0", "1"))))
        intercept = FLAT_INTERCEPT if self.prior == "flat" else Prior("α", "Normal(0, 10²)", INTERCEPT_REASON)
        binary = f"P(yᵢ = {names[-1]}) = 1 / (1 + exp(−α − xᵢᵀβ − zᵢᵀb))"
        several = "P(yᵢ = k) ∝ exp(αₖ + xᵢᵀβₖ + zᵢᵀbₖ)"
        return Specification(
            likelihood=binary if len(names) == 2 else several,
            scale="features standardised",
            priors=(intercept, coefficient_prior(self, DEFAULT_SCALE, "", COEFFICIENTS), *self._group_priors()),
            prior_kind=kind_of_prior(self),
            graph=self._graph(()),
            quantities=("constant", *self._coefficients(), *self._quantities()),
            effects="weight" if self._coefficients() else "",
            names=self._names(),
        )


__all__ = ["HierarchicalClassifier"]
