"""Base of the Bayesian models with effects of groups: their posterior in the units of the table, and its tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.utils.validation import check_is_fitted

from bayesgeo.models.bayesian import Bayesian, feature_names
from bayesgeo.models.effects.base import Grouped, centred
from bayesgeo.models.effects.covariance import GroupPrior, sample_factors
from bayesgeo.models.effects.marginal import covariance_values
from bayesgeo.models.effects.prediction import Parameters, factor_of
from bayesgeo.models.effects.tables import components_frame, components_table, effects_table, summary
from bayesgeo.models.effects.terms import INTERCEPT, Effect
from bayesgeo.models.rows import TrainingRows
from bayesgeo.models.spatial.regression import RANGE
from bayesgeo.models.spatial.scales import SHARE_PRIOR
from bayesgeo.models.specification import Graph, Prior

GROUP_REASON = {
    "half-normal": "Weak: groups hardly ever differ by more than twice its scale.",
    "pc": "Prefers no difference between groups, and bounds it (Simpson et al. 2017).",
}

SHARE_REASON = "All of a group's own, or all of the field's, is as likely as both."
LENGTH_PRIOR = "p(r) ∝ r⁻² exp(-λ/r), P(r < distance of neighbours) = 0.05"


class Hierarchical(Grouped, Bayesian):
    """Base of the Bayesian models with effects of groups.

    A subclass sets ``_group_scale`` and implements what :class:`Bayesian` asks for, from ``_dims``, ``_coords`` and
    ``_in_table_units``.
    """

    group_prior: str
    group_scale: float | None
    _group_scale: float

    def variance_components(self) -> pd.DataFrame:
        """Return the standard deviations of effects, and of the noise, as a table.

        Returns
        -------
        pandas.DataFrame
            Indexed by key (``key:feature`` for slopes) and ``residual``; ``mean``, ``sd``, ``low`` and ``high``, the
            ends of the 90 % interval, in the unit of ``y`` (log odds for classes), of slopes a unit of the feature.
        """
        check_is_fitted(self)
        return components_frame(self.posterior_["variance_components"].to_dataset())

    def _learn(self, rows: TrainingRows) -> None:
        self._state(rows)
        super()._learn(rows)
        draws = self._parameters()
        if "prior" in self.posterior_.children:
            self.posterior_["prior"] = xr.DataTree(self._prior_in_table_units())
        components = components_table(self.effects_, draws, self._component_priors(), self._attrs()["unit"])
        self.posterior_["variance_components"] = xr.DataTree(components)
        if self.effects_:
            self.posterior_["group_effects"] = xr.DataTree(self._effects_table(rows, draws))

    def _prior_in_table_units(self) -> xr.Dataset:
        """Return the draws of the prior, those of effects in the units that their posterior has."""
        prior = self.posterior_["prior"].to_dataset()
        for effect in self.effects_:
            prior = self._with_turned(effect, prior)
        # Few groups hardly inform a correlation, which spoils nothing: its prior is not held against it.
        return prior.drop_vars([f"{effect.key}_correlation" for effect in self.effects_], errors="ignore")

    def _effects_table(self, rows: TrainingRows, draws: Parameters) -> xr.Dataset:
        groups = self._groups(rows)
        summaries = {effect.key: summary(draws[f"{effect.key}_effect"]) for effect, _ in groups}
        several = draws[f"{groups[0][0].key}_effect"].ndim > 4
        return effects_table(
            groups,
            self.levels_,
            summaries,
            rows,
            unpooled=self._unpooled(rows, draws),
            labels=tuple(map(str, self.classes_)) if several else (),
            attrs=self._attrs(),
        )

    def _unpooled(self, rows: TrainingRows, draws: Parameters) -> Mapping[str, np.ndarray]:
        """Return by key what the rows of each level say alone; nothing where there is no such number."""
        return {}

    def _attrs(self) -> dict[str, str]:
        """Return the ``unit`` of the effects and their ``scale``."""
        return {"unit": "", "scale": "log odds"}

    def _prior_of_groups(self) -> GroupPrior:
        scale = self._group_scale if self.group_scale is None else self.group_scale
        return GroupPrior(self.group_prior, scale)

    def _unit(self) -> float:
        """Return the size of one standard unit of the linear predictor, in the unit of the target."""
        return 1.0

    def _component_priors(self) -> dict[str, str]:
        scales, prior = dict(zip(feature_names(self), self.scale_, strict=True)), self._prior_of_groups()
        found = {}
        for effect in self.effects_:
            for name, term in zip(effect.components, effect.terms, strict=True):
                found[name] = prior.text(self._unit() / (1.0 if term == INTERCEPT else scales[term]))
                if term == INTERCEPT and effect.slopes and centred(effect):
                    found[name] += (
                        f" where {', '.join(effect.slopes)} {'is' if len(effect.slopes) == 1 else 'are'} mean"
                    )
            found |= {f"{effect.key}: corr({pair})": f"LKJ({effect.lkj:g})" for pair in effect.pairs}
        return found

    def _fixed_dims(self, label: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
        """Return the dimensions of ``weight``; nothing where there are no fixed terms."""
        return {"weight": ("feature", *label)} if self.fixed_ else {}

    def _coefficients(self) -> tuple[str, ...]:
        """Return the name of the coefficients; nothing where there are none."""
        return ("coefficient",) if getattr(self, "fixed_", True) else ()

    def _dims(self, label: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
        """Return the dimensions of the variables of all effects."""
        found: dict[str, tuple[str, ...]] = {}
        for effect in self.effects_:
            found[f"{effect.key}_sd"] = (f"{effect.key}_term",)
            found[f"{effect.key}_effect"] = (effect.key, f"{effect.key}_term", *label)
            if effect.correlations:
                found[f"{effect.key}_correlation"] = (f"{effect.key}_pair",)
            if effect.smoothness is not None:
                found |= {f"{effect.key}_{name}": (f"{effect.key}_term",) for name in ("length_scale", "field_share")}
        return found

    def _coords(self) -> dict[str, Sequence[object]]:
        found: dict[str, Any] = {"feature": self._term_names}
        for effect, levels in zip(self.effects_, self.levels_, strict=True):
            found |= {effect.key: levels, f"{effect.key}_term": effect.terms, f"{effect.key}_pair": effect.pairs}
        return found

    def _in_table_units(self, posterior: xr.Dataset) -> xr.Dataset:
        """Turn effects and their covariances into the units of the table, and add ``coefficient`` and ``constant``."""
        # A graph has room for more levels than the rows have; see graph_problem.
        posterior = posterior.isel(
            {effect.key: slice(len(names)) for effect, names in zip(self.effects_, self.levels_, strict=True)}
        )
        for effect in self.effects_:
            posterior = self._with_turned(effect, posterior)
            if effect.smoothness is not None:
                ranges = posterior[f"{effect.key}_length_scale"] * RANGE[effect.smoothness]
                posterior = posterior.assign({f"{effect.key}_practical_range": ranges})
        constant = posterior["intercept"] * self._unit()
        if not self.fixed_:
            return posterior.assign(constant=constant)
        scale, center = (xr.DataArray(values, dims="feature") for values in (self.term_scale_, self.term_center_))
        coefficient, units = posterior["weight"] * self._unit() / scale, self._term_units
        named = coefficient if units is None else coefficient.assign_coords(unit=("feature", units))
        return posterior.assign(coefficient=named, constant=constant - (coefficient * center).sum("feature"))

    def _with_turned(self, effect: Effect, draws: xr.Dataset) -> xr.Dataset:
        """Return draws on the standardised scale with the variables of an effect in the units of the table."""
        # By their names: those of another key may begin alike.
        names = [f"{effect.key}_{what}" for what in ("sd", "effect", "correlation")]
        own = {name: draws[name].transpose("chain", "draw", ...) for name in names if name in draws}
        turned = self._turned(effect, {name: values.values for name, values in own.items()})
        return draws.assign({name: values.copy(data=turned[name]) for name, values in own.items()})

    def _turned(self, effect: Effect, draws: Parameters) -> dict[str, np.ndarray]:
        """Return the variables of an effect, whose terms are multiplied by :meth:`_to_table`; without effects too."""
        to_table, name = self._unit() * self._to_table(effect), f"{effect.key}_effect"
        turned = {name: np.einsum("ij,cdlj...->cdli...", to_table, draws[name])} if name in draws else {}
        return turned | covariance_values(effect, to_table @ factor_of(effect, draws))

    def _sample_effects(
        self, size: tuple[int, int], rng: np.random.Generator, label: tuple[int, ...] = ()
    ) -> dict[str, np.ndarray]:
        """Draw effects and their covariances from the prior, on the standardised scale."""
        found: dict[str, np.ndarray] = {}
        prior, n = self._prior_of_groups(), int(np.prod(size))
        for effect, levels, field in zip(self.effects_, self.levels_, self._fields, strict=True):
            factor = sample_factors(effect, prior, n, rng)
            z, scales = rng.standard_normal((n, len(levels), len(effect.terms), *label)), {}
            if field is not None:
                of_field = field.sample_scales(n, len(effect.terms), rng)
                z = field.sample(of_field, rng)
                scales = {f"{effect.key}_length_scale": of_field.length, f"{effect.key}_field_share": of_field.share}
            drawn = {f"{effect.key}_effect": np.einsum("nij,nlj...->nli...", factor, z)}
            drawn |= covariance_values(effect, factor) | scales
            found |= {name: values.reshape(*size, *values.shape[1:]) for name, values in drawn.items()}
        return found

    def _log_prior(self, fixed: Any, p: Parameters) -> np.ndarray:
        """Return the log prior ``(chain, draw)``: of the fixed part, and of the logarithms of standard deviations."""
        weight = {} if self.fixed_ else {"weight": np.empty((*p["intercept"].shape, 0))}
        prior, total = self._prior_of_groups(), fixed.log_density({**p, **weight})
        for effect in self.effects_:
            sd = p[f"{effect.key}_sd"]
            total = total + np.sum(prior.log_density(sd) + np.log(sd), axis=-1)
        return total

    def _group_priors(self) -> tuple[Prior, ...]:
        """Return the priors of effects for the specification."""
        known = getattr(self, "effects_", None)
        keys = [effect.key for effect in known] if known is not None else ["group"]
        if not keys:
            return ()
        text, found = self._prior_of_groups().text(1.0), []
        named = " and ".join(keys) if len(keys) < 3 else f"{', '.join(keys[:-1])} and {keys[-1]}"
        found.append(Prior("b", "Normal(0, τ²)", f"Effects of {named}: how far groups differ is learned from all."))
        found.append(Prior("τ", f"{text}, in units of the outcome's scale", GROUP_REASON.get(self.group_prior, "")))
        if any(effect.correlations for effect in known or ()):
            found.append(Prior("R", "LKJ", "Correlations of intercept and slopes, zero preferred."))
        if any(effect.smoothness is not None for effect in known or ()):
            found.append(
                Prior(
                    "share of τ² that is a field's",
                    SHARE_PRIOR,
                    SHARE_REASON,
                )
            )
            found.append(Prior("r", LENGTH_PRIOR, "Fuglstad et al. (2019): seldom shorter than neighbours are apart."))
        return tuple(found)

    def _graph(self, scales: tuple[str, ...]) -> Graph:
        """Return the dependence graph: ``scales`` are those of the noise, then shapes."""
        predictor = "α + xᵀβ + zᵀb"
        first = ("τ", *scales[:1])
        edges = [("τ", "b"), *((name, predictor) for name in ("α", "β", "b", "x")), (predictor, "y")]
        edges += [(name, parameter) for name in scales[:1] for parameter in ("α", "β")]
        edges += [(name, "y") for name in scales]
        return Graph((first, ("α", "β", "b", "x"), (predictor, *scales[1:]), ("y",)), tuple(edges))

    def _quantities(self) -> tuple[str, ...]:
        """Return the variables of effects that a report tabulates."""
        keys = getattr(self, "effects_", ())
        return tuple(name for effect in keys for name in _names_of_scales(effect))

    def _sampled_quantities(self) -> tuple[str, ...]:
        """Return those of them that are sampled, and not derived."""
        return tuple(name for name in self._quantities() if name in self._dims())

    def _names(self) -> dict[str, Any]:
        """Return names in prose of the variables of effects."""
        found = {}
        for effect in getattr(self, "effects_", ()):
            found[f"{effect.key}_sd"] = f"standard deviation between groups of {effect.key}"
            found[f"{effect.key}_correlation"] = f"correlation within the effects of {effect.key}"
            found[f"{effect.key}_effect"] = f"effect of {effect.key}"
            found[f"{effect.key}_field_share"] = (
                f"share of the variance between groups of {effect.key} that is a field's"
            )
            found[f"{effect.key}_practical_range"] = f"range of the field of {effect.key} (correlation 0.05)"
        return found


def _names_of_scales(effect: Effect) -> tuple[str, ...]:
    """Return the variables of an effect's covariance that a report tabulates."""
    names = ["sd", *(["correlation"] if effect.correlations else [])]
    names += ["field_share", "practical_range"] if effect.smoothness is not None else []
    return tuple(f"{effect.key}_{name}" for name in names)
