"""Base of the models with effects of groups: labels among the columns, fixed part, known and new groups."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.utils.validation import check_array, check_is_fitted

from bayesgeo._check import did_you_mean, invalid, one_of, shown
from bayesgeo.models.base import Estimator, UnseenGroups
from bayesgeo.models.bayesian import feature_names
from bayesgeo.models.effects.fields import Field, places_of_key, points_of_levels, with_places, with_points
from bayesgeo.models.effects.formula import Formula, parse
from bayesgeo.models.effects.levels import NEW, UNKNOWN, Members, labels_of, levels_of, members
from bayesgeo.models.effects.prediction import Absent, Parameters, absent_groups
from bayesgeo.models.effects.terms import INTERCEPT, Effect, effects_of
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.rows import Labels, Rows, TrainingRows, labels_by_key
from bayesgeo.models.spatial.places import Places

STATUS = {NEW: "new", UNKNOWN: "unknown"}
UNNAMED = "group"
_fields: WeakKeyDictionary = WeakKeyDictionary()


class Grouped(Estimator):
    """Base of the models with effects of groups.

    A table may hold the labels of groups beside its features: the columns of the keys are taken out of it.

    Attributes
    ----------
    effects_ : tuple of Effect
        The effects, in the order of their keys.
    levels_ : tuple of numpy.ndarray
        For each effect the labels of the training rows, sorted.
    key_coordinates_ : tuple of tuple of str
        For each effect with a field the names of the coordinates of its groups; empty for others.
    key_points_ : tuple of numpy.ndarray
        For each effect with a field the places of its levels ``(level, d)``; empty for others.
    fixed_ : tuple of tuple of str
        Terms whose coefficients are those of all rows, each a product of features.
    term_center_, term_scale_ : numpy.ndarray
        ``(term,)`` mean and scale that standardise them.
    """

    unseen_groups: ClassVar[UnseenGroups] = "population"
    _fewest_features = 0
    effects: str | Effect | Iterable[str | Effect] | None
    formula: str | None
    new_groups: str
    center_: np.ndarray
    scale_: np.ndarray

    def group_status(self, groups: Any) -> pd.DataFrame:
        """Tell of each row whether its groups are ``"known"``, ``"new"`` or, without a label, ``"unknown"``.

        Parameters
        ----------
        groups : array-like, mapping or DataFrame
            ``(obs,)`` labels, as in :meth:`fit`; a table may hold other columns too.

        Returns
        -------
        pandas.DataFrame
            A row for each row, a column for each key that has labels.
        """
        check_is_fitted(self)
        n = len(groups) if not isinstance(groups, Mapping) else len(next(iter(groups.values()), ()))
        rows = Rows(np.zeros((n, self.n_features_in_)), np.arange(n), self._named(groups, n))
        index = groups.index if isinstance(groups, pd.DataFrame | pd.Series) else None
        of_effects = zip(self.effects_, self.levels_, strict=True)
        names = feature_names(self)
        labelled = [(effect, levels) for effect, levels in of_effects if not effect.of_places]
        codes = {effect.key: members(effect, rows, names, levels).codes for effect, levels in labelled}
        return pd.DataFrame({key: _status(found) for key, found in codes.items()}, index=index)

    def _formula(self) -> Formula | None:
        if self.formula is None:
            return None
        if self.effects is not None:
            raise invalid("effects", self.effects, "The formula states them.", "Give effects or a formula.")
        return parse(self.formula)

    def _keys(self, formula: Formula | None) -> tuple[str, ...]:
        """Return the columns of labels that were named."""
        if formula is not None:
            return formula.keys
        return tuple(column for effect in effects_of(self.effects, ()) for column in effect.columns)

    def _separated(self, X: Any, groups: Any) -> tuple[Any, Any]:
        formula = self._formula()
        keys = self._keys(formula)
        labels = self._named(groups, len(X), keys) if groups is not None else {}
        if isinstance(X, pd.DataFrame):
            found = {key: X[key] for key in keys if key in X and key not in labels}
            absent = [key for key in keys if key not in X and key not in labels]
            rest = X.drop(columns=[key for key in keys if key in X])
            X, labels = _features(rest, formula, absent), {**found, **labels}
        elif isinstance(X, xr.DataArray) and formula is not None:
            X = X.sel(feature=_known(formula.features, [str(name) for name in X["feature"].values]))
        return X, labels

    def _named(self, groups: Any, n: int, keys: tuple[str, ...] = ()) -> Labels:
        """Return labels by key; one array without a name is of the only key."""
        effects = getattr(self, "effects_", ())
        keys = keys or tuple(column for effect in effects for column in effect.columns)
        default = keys[0] if len(keys) == 1 else UNNAMED
        found = labels_by_key(groups, n, default=default)
        if keys and found and not set(keys) & set(found):
            raise invalid("groups", shown(found), f"The model has effects of {shown(keys)}.", "Name the labels so.")
        return found

    def _state(self, rows: TrainingRows) -> None:
        """Keep what the training rows state: effects, levels and fixed terms, and what standardises features."""
        one_of("new_groups", self.new_groups, ("population", "refuse"))
        formula, names = self._formula(), feature_names(self)
        self.effects_ = effects_of(self.effects, tuple(rows.groups)) if formula is None else formula.effects
        rows = with_places(self.effects_, rows)
        if not self.effects_:
            check_array(rows.X)  # a table without features is one only where groups have effects
        for effect in self.effects_:
            _known([term for term in effect.terms if term != INTERCEPT], names)
        self.levels_ = tuple(levels_of(effect, rows.groups, rows.names) for effect in self.effects_)
        places = [places_of_key(effect, rows) for effect in self.effects_]
        # A file keeps names and numbers, of which the fields are made again.
        self.key_coordinates_ = tuple(() if one is None else (*one.names, one.prefix) for one in places)
        of_levels = zip(self.effects_, self.levels_, places, strict=True)
        self.key_points_ = tuple(points_of_levels(effect, levels, one, rows) for effect, levels, one in of_levels)
        self.fixed_ = tuple((name,) for name in names) if formula is None else formula.fixed
        if formula is not None:
            _known(formula.features, names)
        self.center_, self.scale_ = standardisation(rows.X)
        self.term_center_, self.term_scale_ = standardisation(self._terms(rows))

    @property
    def _term_names(self) -> list[str]:
        return [":".join(term) for term in self.fixed_]

    @property
    def _term_units(self) -> list[str] | None:
        units = dict(zip(feature_names(self), getattr(self, "units_", []), strict=False))
        return [" ".join(units[name] for name in term if units[name]) for term in self.fixed_] if units else None

    def _terms(self, rows: Rows) -> np.ndarray:
        """Return the fixed terms ``(obs, term)`` in the units of the table."""
        names = feature_names(self)
        columns = [np.prod(rows.X[:, [names.index(name) for name in term]], axis=1) for term in self.fixed_]
        return np.stack(columns, axis=1) if columns else np.empty((len(rows), 0))

    def _design(self, rows: Rows) -> np.ndarray:
        """Return the fixed terms ``(obs, term)``, standardised."""
        return (self._terms(rows) - self.term_center_) / self.term_scale_

    def _groups(self, rows: Rows, *, standardised: bool = False) -> list[tuple[Effect, Members]]:
        """Return each effect and the groups of the rows; what slopes multiply is in the units of the table or not."""
        names, found, rows = feature_names(self), [], with_places(self.effects_, rows)
        for effect, levels, place in zip(self.effects_, self.levels_, self.key_coordinates_, strict=True):
            if standardised:
                shift = self.center_ if centred(effect) else 0.0
                of_rows = Rows((rows.X - shift) / self.scale_, rows.names, rows.groups)
            else:
                of_rows = rows
            own = members(effect, of_rows, names, levels)
            found.append((effect, with_points(own, Places(place[:2], place[2]), rows) if place else own))
            if self.new_groups == "refuse":
                _refuse_new(effect, found[-1][1].codes, rows)
        return found

    def _absent(self, rows: Rows, p: Parameters) -> list[Absent]:
        """Return for each effect what is known of the groups not seen in training, in the units of the table."""
        return [
            absent_groups(effect, field, own, p, self._to_table(effect))
            for (effect, own), field in zip(self._groups(rows), self._fields, strict=True)
        ]

    @property
    def _fields(self) -> tuple[Field | None, ...]:
        """The fields of each effect, made once."""
        if self not in _fields or _fields[self][0] is not self.key_points_:
            made = zip(self.effects_, self.key_points_, strict=True)
            found = tuple(Field(points, effect.smoothness) if effect.smoothness else None for effect, points in made)
            _fields[self] = self.key_points_, found
        return _fields[self][1]

    def _to_table(self, effect: Effect) -> np.ndarray:
        """Return the matrix ``(term, term)`` from effects on standardised features to those on the table's."""
        names, found = feature_names(self), np.eye(len(effect.terms))
        for k, term in enumerate(effect.terms):
            if term != INTERCEPT:
                j = names.index(term)
                found[k, k] = 1 / self.scale_[j]
                if centred(effect):
                    found[0, k] = -self.center_[j] / self.scale_[j]
        return found


def centred(effect: Effect) -> bool:
    """Return whether the features of an effect's slopes are centred: only where that changes no model."""
    return effect.correlated and effect.intercept


def _status(codes: np.ndarray) -> list[str]:
    return [STATUS.get(code, "known") for code in codes.tolist()]


def _refuse_new(effect: Effect, codes: np.ndarray, rows: Rows) -> None:
    absent = np.flatnonzero(codes < 0)
    if len(absent):
        labels = labels_of(effect, rows.groups)[absent] if rows.groups else [""]
        named = shown(dict.fromkeys(label or "without a label" for label in labels))
        problem = f"The training rows have no such group: {named}."
        raise invalid("groups", effect.key, problem, 'Use new_groups="population", or leave those rows out.')


def _features(X: pd.DataFrame, formula: Formula | None, absent: Sequence[str]) -> pd.DataFrame | np.ndarray:
    """Return the columns of features; an empty array where there are none, which a table cannot state."""
    if formula is not None:
        X = X[_known(formula.features, list(map(str, X.columns)))]
    if not X.shape[1]:
        return np.empty(X.shape)
    text = [str(name) for name, kind in X.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    if text and absent:
        raise invalid("key", absent[0], "The table has no such column.", did_you_mean(absent[0], text))
    if text:
        raise invalid("column", text[0], "It holds no numbers.", f"Name it in effects=[{text[0]!r}], or drop it.")
    return X


def _known(wanted: Iterable[str], names: list[str]) -> list[str]:
    for name in wanted:
        if name not in names:
            raise invalid("column", name, "There is no such feature.", did_you_mean(name, names))
    return list(wanted)
