"""Labels of groups as codes, and what of a row each group multiplies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayesgeo._check import did_you_mean, invalid, shown
from bayesgeo.models.effects.terms import INTERCEPT, Effect
from bayesgeo.models.rows import Labels, Rows

NEW, UNKNOWN = -1, -2  # codes of a label absent from the training rows, and of a row without a label
MISSING = ("", "nan", "NaN", "None", "<NA>", "NaT")
JOINED = " : "  # between the labels of a pair


@dataclass(frozen=True, eq=False)
class Members:
    """Which group each row belongs to, and what its effects multiply, for one effect.

    Parameters
    ----------
    codes : numpy.ndarray
        ``(obs,)`` positions in the levels; :data:`NEW` or :data:`UNKNOWN` where there is none.
    z : numpy.ndarray
        ``(obs, term)``: one for the intercept, and features.
    points : numpy.ndarray, optional
        ``(obs, d)`` places of groups that were not in the training rows, where the effect has a field.
    """

    codes: np.ndarray
    z: np.ndarray
    points: np.ndarray | None = None


def labels_of(effect: Effect, groups: Labels) -> np.ndarray:
    """Return the labels ``(obs,)`` of an effect's key as text; empty where one is missing.

    Raises
    ------
    InvalidInput
        If a column of the key is not there.

    Examples
    --------
    >>> labels_of(Effect("region:city"), {"region": np.array(["N", "S"]), "city": np.array([1.0, np.nan])}).tolist()
    ['N : 1', '']
    """
    columns = effect.columns or (effect.key,)
    for column in columns:
        if column not in groups:
            problem = f"There are no labels of it; known are {shown(groups) or 'none'}."
            raise invalid("key", column, problem, f"Give groups={{{column!r}: labels}}, or a table with that column.")
    parts = [_text(groups[column]) for column in columns]
    joined = parts[0]
    for part in parts[1:]:
        joined = np.char.add(np.char.add(joined, JOINED), part)
    return np.where(np.logical_or.reduce([part == "" for part in parts]), "", joined)


def _text(labels: np.ndarray) -> np.ndarray:
    """Return labels as text: a whole number without its decimal point, a missing one empty."""
    if labels.dtype.kind == "O":  # numbers among labels of other kinds, as where some are missing
        labels = np.array([int(one) if isinstance(one, float) and one.is_integer() else one for one in labels], object)
    if labels.dtype.kind == "f":
        whole = np.isfinite(labels) & (labels == np.round(labels)) & (np.abs(labels) < 2**53)
        texts = np.where(whole, np.where(whole, labels, 0).astype(np.int64).astype(str), labels.astype(str))
    else:
        texts = labels.astype(str)
    return np.where(np.isin(texts, MISSING), "", np.char.strip(texts))


def levels_of(effect: Effect, groups: Labels, names: Sequence[object] | np.ndarray) -> np.ndarray:
    """Return the sorted labels of the training rows; a row without a label is refused by its name.

    Examples
    --------
    >>> levels_of(Effect("event"), {"event": np.array([3, 10, 3])}, range(3)).tolist()
    ['10', '3']
    """
    labels = labels_of(effect, groups)
    missing = np.flatnonzero(labels == "")
    if len(missing):
        where = shown(np.asarray(names)[missing].tolist())
        raise invalid("groups", effect.key, f"The label is missing at row {where}.", "Fill it, or drop those rows.")
    return np.unique(labels)


def codes_of(labels: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the positions ``(obs,)`` of labels among sorted levels, else :data:`NEW` or :data:`UNKNOWN`.

    Examples
    --------
    >>> codes_of(np.array(["b", "c", ""]), np.array(["a", "b"])).tolist()
    [1, -1, -2]
    """
    place = np.searchsorted(levels, labels).clip(max=len(levels) - 1)
    return np.where(levels[place] == labels, place, np.where(labels == "", UNKNOWN, NEW))


def design(effect: Effect, features: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return what an effect multiplies ``(obs, term)``, given columns of features and their names.

    Raises
    ------
    InvalidInput
        If a slope is no feature.

    Examples
    --------
    >>> design(Effect("station", ("log_r",)), np.array([[2.0], [3.0]]), ["log_r"]).tolist()
    [[1.0, 2.0], [1.0, 3.0]]
    """
    columns = []
    for term in effect.terms:
        if term == INTERCEPT:
            columns.append(np.ones(len(features)))
        elif term in names:
            columns.append(features[:, list(names).index(term)])
        else:
            raise invalid("slope", term, "Unknown feature.", did_you_mean(term, names))
    return np.stack(columns, axis=1)


def members(effect: Effect, rows: Rows, names: Sequence[str], levels: np.ndarray) -> Members:
    """Return the groups of rows for one effect; all are unknown where a column of the key is not there.

    Examples
    --------
    >>> rows = Rows(np.array([[2.0], [3.0]]), np.arange(2), {"event": np.array(["a", "b"])})
    >>> members(Effect("event"), rows, ["x"], np.array(["b"])).codes.tolist()
    [-1, 0]
    """
    given = all(column in rows.groups for column in effect.columns)
    labels = labels_of(effect, rows.groups) if given else np.full(len(rows), "")
    return Members(codes_of(labels, levels), design(effect, rows.X, names))
