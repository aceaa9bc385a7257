"""What effects of groups add to a prediction: of known groups their own, of others draws from the population."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesgeo.models.effects.covariance import correlation_factor
from bayesgeo.models.effects.fields import Field
from bayesgeo.models.effects.levels import UNKNOWN, Members, labels_of
from bayesgeo.models.effects.marginal import pairs_of
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.rows import Rows

Parameters = Mapping[str, np.ndarray]
CARDS = 256  # different draws for rows without a label, which are dealt to them by name


def fixed_part(design: np.ndarray, p: Parameters) -> np.ndarray:
    """Return the linear predictor ``(chain, draw, obs[, label])`` of the coefficients of all rows.

    Without terms there is no ``weight`` among the parameters, and the intercept is all.

    Examples
    --------
    >>> fixed_part(np.ones((3, 2)), {"weight": np.ones((4, 10, 2, 5)), "intercept": np.zeros((4, 10, 5))}).shape
    (4, 10, 3, 5)
    """
    intercept = p["intercept"]
    if "weight" not in p:
        return np.repeat(intercept[:, :, None], len(design), axis=2)
    if intercept.ndim == 3:
        return np.einsum("op,cdpl->cdol", design, p["weight"], optimize=True) + intercept[:, :, None]
    flat = p["weight"].reshape(intercept.size, design.shape[1])
    return (flat @ design.T + intercept.reshape(-1, 1)).reshape(*intercept.shape, len(design))


def known_part(groups: Iterable[tuple[Effect, Members]], p: Parameters) -> Any:
    """Return the sum ``(chain, draw, obs[, label])`` of the effects of the groups that were in the training rows.

    Examples
    --------
    >>> of_event = Effect("event"), Members(np.array([1, -1]), np.ones((2, 1)))
    >>> known_part([of_event], {"event_effect": np.array([[[[2.0], [3.0]]]])}).tolist()
    [[[3.0, 0.0]]]
    """
    total: Any = 0.0
    for effect, own in groups:
        at = np.flatnonzero(own.codes >= 0)
        values = p[f"{effect.key}_effect"]
        found = np.zeros((*values.shape[:2], len(own.codes), *values.shape[4:]))
        for term in range(own.z.shape[1]):
            picked = values[:, :, own.codes[at], term]
            found[:, :, at] += picked * own.z[at, term].reshape(-1, *(1,) * (values.ndim - 4))
        total = total + found
    return total


def factor_of(effect: Effect, p: Parameters) -> np.ndarray:
    """Return lower factors ``(chain, draw, term, term)`` of the covariance of an effect's terms.

    Examples
    --------
    >>> factor_of(Effect("event"), {"event_sd": np.full((1, 1, 1), 0.3)}).tolist()
    [[[[0.3]]]]
    """
    sd = p[f"{effect.key}_sd"]
    q = sd.shape[-1]
    if not effect.correlations:
        return sd[..., None] * np.eye(q)
    correlation = np.zeros((*sd.shape, q)) + np.eye(q)
    for k, (i, j) in enumerate(pairs_of(effect)):
        correlation[..., i, j] = correlation[..., j, i] = p[f"{effect.key}_correlation"][..., k]
    return sd[..., None] * _root(correlation, q)


def _root(correlation: np.ndarray, q: int) -> np.ndarray:
    """Factor correlation matrices by their partial correlations, which rounding cannot make indefinite."""
    partial, factor = [], np.zeros(correlation.shape)
    factor[..., 0, 0] = 1.0
    for i in range(1, q):
        for j in range(i):
            rest = correlation[..., i, j] - np.sum(factor[..., i, :j] * factor[..., j, :j], axis=-1)
            left = np.sqrt((1 - np.sum(factor[..., i, :j] ** 2, axis=-1)).clip(1e-300))
            partial.append((rest / (factor[..., j, j].clip(1e-300) * left)).clip(-1.0, 1.0))
            factor[..., i, j] = partial[-1] * left
        factor[..., i, i] = np.sqrt((1 - np.sum(factor[..., i, :i] ** 2, axis=-1)).clip(0.0))
    return correlation_factor(partial, q)


@dataclass(frozen=True, eq=False)
class Absent:
    """Effects of the groups that were not in the training rows, given those that were, for one effect.

    Parameters
    ----------
    rows : numpy.ndarray
        Positions of the rows of such groups.
    mean : numpy.ndarray
        ``(chain, draw, row)`` what the effect adds to the mean: zero without a field.
    loading : numpy.ndarray
        ``(chain, draw, row, term)`` what independent standard normal values, one for each term, add.
    """

    rows: np.ndarray
    mean: np.ndarray
    loading: np.ndarray

    def spread(self, values: np.ndarray, n: int) -> np.ndarray:
        """Return values ``(chain, draw, row, ...)`` at ``n`` rows, zero where the group is known."""
        found = np.zeros((*values.shape[:2], n, *values.shape[3:]))
        found[:, :, self.rows] = values
        return found

    @property
    def variance(self) -> np.ndarray:
        """The variance ``(chain, draw, row)`` that the effect adds."""
        return np.sum(self.loading**2, axis=-1)


def absent_groups(effect: Effect, field: Field | None, own: Members, p: Parameters, to_table: np.ndarray) -> Absent:
    """Find what is known of the groups that were not in the training rows: with a field, kriged from those that were.

    Parameters
    ----------
    effect, field : Effect, Field or None
        The effect and its fields.
    own : Members
        Groups and places of rows.
    p : mapping of str to numpy.ndarray
        The posterior.
    to_table : numpy.ndarray
        ``(term, term)`` from effects on the scale on which the fields' terms mix to those of ``p``.

    Examples
    --------
    >>> own = Members(np.array([0, -1]), np.ones((2, 1)))
    >>> found = absent_groups(Effect("event"), None, own, {"event_sd": np.full((1, 1, 1), 0.5)}, np.eye(1))
    >>> found.spread(found.variance, 2).tolist()
    [[[0.0, 0.25]]]
    """
    rows = np.flatnonzero(own.codes < 0)
    if field is None or own.points is None or not len(rows):
        loading = own.z[rows] @ factor_of(effect, p)
        return Absent(rows, np.zeros(loading.shape[:3]), loading)
    points, at = np.unique(own.points[rows], axis=0, return_inverse=True)
    mixing = _mixing(effect, p, to_table)
    values = np.linalg.solve(mixing[:, :, None], p[f"{effect.key}_effect"][..., None])[..., 0]
    loading, mean = own.z[rows] @ mixing, np.zeros((*mixing.shape[:2], len(rows)))
    for term in range(loading.shape[-1]):
        scales = (p[f"{effect.key}_{name}"][..., term] for name in ("length_scale", "field_share"))
        kriged, explained = field.kriged(points, values[..., term], *scales)
        mean += loading[..., term] * kriged[..., at.ravel()]
        loading[..., term] *= np.sqrt((1 - explained[..., at.ravel()]).clip(min=0))
    return Absent(rows, mean, loading)


def _mixing(effect: Effect, p: Parameters, to_table: np.ndarray) -> np.ndarray:
    """Return the matrices ``(chain, draw, term, term)`` from independent values of each term to the effects."""
    factor = np.linalg.solve(to_table, factor_of(effect, p))
    return to_table @ _positive_root(factor @ factor.swapaxes(-1, -2))


def _positive_root(covariance: np.ndarray) -> np.ndarray:
    """Factor covariances, of which rounding may have made one semidefinite."""
    tiny = 1e-12 * np.diagonal(covariance, axis1=-2, axis2=-1).max(axis=-1)
    return np.linalg.cholesky(covariance + tiny[..., None, None] * np.eye(covariance.shape[-1]))


def new_part(
    groups: Sequence[tuple[Effect, Members]], absent: Sequence[Absent], rows: Rows, p: Parameters, seed: int
) -> Any:
    """Draw what the effects of groups not seen in training add to their mean, ``(chain, draw, obs[, label])``.

    Rows of one new label share its draws, however the rows are cut into parts; a row without a label has draws of its
    own. New groups are drawn independently of each other given the known ones.

    Parameters
    ----------
    groups : sequence of (Effect, Members)
        Of the rows.
    absent : sequence of Absent
        Of each effect.
    rows : Rows
        For the labels and names.
    p : mapping of str to numpy.ndarray
        The posterior.
    seed : int
        The same seed gives the same draws.
    """
    total: Any = 0.0
    for (effect, own), new in zip(groups, absent, strict=True):
        if not len(new.rows):
            continue
        names, of_effect = _drawn_as(effect, own.codes[new.rows], rows.part(new.rows)), p[f"{effect.key}_effect"].shape
        found = np.zeros((*of_effect[:2], len(own.codes), *of_effect[4:]))
        for name in np.unique(names):
            at = np.flatnonzero(names == name)
            z = np.random.default_rng([seed, zlib.crc32(f"{effect.key}\x1f{name}".encode())]).standard_normal(
                (*of_effect[:2], *of_effect[3:])
            )
            found[:, :, new.rows[at]] = np.einsum("cdoj,cdj...->cdo...", new.loading[:, :, at], z)
        total = total + found
    return total


def _drawn_as(effect: Effect, codes: np.ndarray, rows: Rows) -> np.ndarray:
    """Return under which name each row's effect is drawn: its label, or, without one, a card dealt by its own name."""
    cards = np.array([f"\x1e{zlib.crc32(str(name).encode()) % CARDS}" for name in rows.names.tolist()])
    if not (codes != UNKNOWN).any():
        return cards
    return np.where(codes == UNKNOWN, cards, labels_of(effect, rows.groups))
