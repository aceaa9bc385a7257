r"""Effects of groups that are alike where groups are near: Matérn fields over the places of groups.

The effects of a key are :math:`b_g = T w_g`, with :math:`T` the lower factor of the covariance of its terms. The values
of each term :math:`t` are independent of those of others and have variance one,

.. math:: \mathrm{cov}(w_{gt}, w_{ht}) = s_t\, \rho_\nu(d_{gh} / \ell_t) + (1 - s_t)\, \delta_{gh},

a linear model of coregionalisation (Gelfand et al. 2004, Test 13:263) in which :math:`s_t` is the field's share.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import linalg

from bayesgeo._check import invalid
from bayesgeo.inference.folding import unbounded
from bayesgeo.models.effects.levels import Members, codes_of, labels_of
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.rows import Rows
from bayesgeo.models.spatial.places import PAIRS, Places
from bayesgeo.models.spatial.processes import AllPlaces, Covariance
from bayesgeo.models.spatial.scales import (
    RARE,
    RIGHT,
    log_prior_of_lengths,
    share_of,
    usual_distance,
)

WAVES = 200  # of a draw from the prior
OWN = 1e-6  # least share of the variance that is a group's own: groups at one place are never the same


@dataclass(frozen=True, eq=False)
class FieldScales:
    """Length scales and shares ``(n, term)`` of the fields of a key, at ``n`` points of a posterior."""

    length: np.ndarray
    share: np.ndarray

    def part(self, index: Any) -> "FieldScales":
        """Return some of the points."""
        return FieldScales(self.length[index], self.share[index])


class Field:
    """The fields of one key.

    Parameters
    ----------
    points : numpy.ndarray
        ``(level, d)`` places of the groups.
    smoothness : float
        Of the Matérn correlation.

    Examples
    --------
    >>> field = Field(np.array([[0.0, 0.0], [1.0, 0.0]]), 0.5)
    >>> root = field.roots(np.array([1.0]), np.array([0.5]))[0]
    >>> (root @ root.T).round(3).tolist()
    [[1.0, 0.184], [0.184, 1.0]]
    """

    def __init__(self, points: np.ndarray, smoothness: float):
        self.places, self.smoothness = AllPlaces(points), smoothness
        self.spacing = usual_distance(points)

    @property
    def start(self) -> float:
        """A length between the distance of neighbours and the extent of the map."""
        return float(np.sqrt(2 * self.spacing * np.ptp(self.places.points, axis=0).max()))

    def covariance(self, length: float, share: float) -> Covariance:
        """Return the covariance of the values of one term."""
        return Covariance(np.array([length]), np.array([share]), np.array([int(2 * self.smoothness)]))

    def roots(self, length: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Return lower factors ``(term, level, level)`` of the covariances of the terms' values, NaN where none is."""
        found = []
        for one in zip(length.tolist(), share.tolist(), strict=True):
            try:
                found.append(self.places.factor(self.covariance(*one)))
            except (linalg.LinAlgError, ValueError):
                found.append(np.full((len(self.places.points),) * 2, np.nan))
        return np.stack(found)

    def scales(self, values: np.ndarray) -> FieldScales:
        """Return the scales, given logarithms of lengths and turns of shares ``(n, 2 term)``."""
        logs, turns = np.split(values, 2, axis=1)
        return FieldScales(np.exp(logs), (1 - OWN) * share_of(turns))

    def bounds(self, terms: int) -> np.ndarray:
        """Return the bounds ``(2 term, 2)`` of these values: of turns alone."""
        return np.concatenate([unbounded(terms), np.tile([0.0, RIGHT], (terms, 1))])

    def log_prior(self, values: np.ndarray) -> np.ndarray:
        """Return the log prior ``(n,)`` of these values."""
        logs, _ = np.split(values, 2, axis=1)
        return log_prior_of_lengths(np.exp(logs), self.spacing)

    def kriged(
        self, points: np.ndarray, values: np.ndarray, length: np.ndarray, share: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return means and explained variances ``(chain, draw, place)`` of one term's values at places ``(place, d)``.

        Parameters
        ----------
        points : numpy.ndarray
            The places.
        values : numpy.ndarray
            ``(chain, draw, level)`` those of the known groups.
        length, share : numpy.ndarray
            ``(chain, draw)``.
        """
        flat = values.reshape(-1, values.shape[-1])
        mean, explained = np.empty((2, len(flat), len(points)))
        # Scales that differ by less than a thousandth predict alike, and kriging is what costs.
        rounded = np.stack([np.log(length).round(3).ravel(), share.round(3).ravel()], axis=1)
        _, first, of = np.unique(rounded, axis=0, return_index=True, return_inverse=True)
        for k, at in enumerate(first):
            own = np.flatnonzero(of.ravel() == k)
            covariance = self.covariance(float(length.flat[at]), float(share.flat[at]))
            found, explained[own] = self.places.kriged(points, None, flat[own].T, covariance)
            mean[own] = found.T
        return mean.reshape(*length.shape, -1), explained.reshape(*length.shape, -1)

    def sample_scales(self, n: int, terms: int, rng: np.random.Generator) -> FieldScales:
        """Draw scales ``(n, term)`` from their prior."""
        length = -np.log(RARE) * self.spacing / rng.exponential(size=(n, terms))
        return FieldScales(length, (1 - OWN) * share_of(rng.uniform(0, RIGHT, (n, terms))))

    def sample(self, scales: FieldScales, rng: np.random.Generator) -> np.ndarray:
        r"""Draw values ``(n, level, term)`` of variance one, of each a field made of waves.

        With frequencies drawn from the spectral density, a multivariate Student distribution of :math:`2\nu` degrees
        of freedom, the mean and covariance of such a sum are those of the field (Rahimi & Recht 2007, Advances in
        Neural Information Processing Systems 20).
        """
        points, degrees = self.places.points, 2 * self.smoothness
        found = rng.standard_normal((len(scales.length), len(points), scales.length.shape[1]))
        for k, term in np.ndindex(*scales.length.shape):
            heavy = np.sqrt(rng.chisquare(degrees, WAVES) / degrees)
            frequency = rng.standard_normal((points.shape[1], WAVES)) / (heavy * scales.length[k, term])
            waves = np.cos(points @ frequency + rng.uniform(0, 2 * np.pi, WAVES)).sum(axis=1) * np.sqrt(2 / WAVES)
            share = scales.share[k, term]
            found[k, :, term] = np.sqrt(share) * waves + np.sqrt(1 - share) * found[k, :, term]
        return found


def field_scales(effect: Effect, p: Mapping[str, np.ndarray]) -> FieldScales | None:
    """Return the scales ``(chain, draw, term)`` of an effect's fields; None where it has none."""
    if effect.smoothness is None:
        return None
    return FieldScales(p[f"{effect.key}_length_scale"], p[f"{effect.key}_field_share"])


def points_of_levels(effect: Effect, levels: np.ndarray, places: Places | None, rows: Rows) -> np.ndarray:
    """Return the places ``(level, d)`` of an effect's groups from training rows; empty where it has no field.

    Raises
    ------
    InvalidInput
        If a row has no place, rows of one group are at several, or all groups are at one.
    """
    if places is None:
        return np.empty((0, 0))
    of_rows, codes = places.points(rows), codes_of(labels_of(effect, rows.groups), levels)
    points = np.empty((len(levels), of_rows.shape[1]))
    points[codes] = of_rows
    moved = np.flatnonzero((points[codes] != of_rows).any(axis=1))
    if len(moved):
        label, remedy = str(levels[codes[moved[0]]]), "Give each group one place, or leave smoothness out."
        raise invalid("coordinates", effect.key, f"Rows of {label!r} are at several places.", remedy)
    if not np.ptp(points, axis=0).any():
        raise invalid("coordinates", effect.key, "All groups are at one place.", "Leave smoothness out.")
    return points


def with_points(own: Members, places: Places, rows: Rows) -> Members:
    """Return members with the places ``(obs, d)`` of groups that were not in the training rows; NaN of others.

    A group that was is known by its effect: its place is not asked for again.
    """
    absent = np.flatnonzero(own.codes < 0)
    found = places.points(rows.part(absent)) if len(absent) else np.empty((0, 0))
    points = np.full((len(rows), found.shape[1]), np.nan)
    points[absent] = found
    return replace(own, points=points)


def places_of_key(effect: Effect, rows: Rows) -> Places | None:
    """Return which coordinates are the places of an effect's groups; None where it has no field.

    Raises
    ------
    InvalidInput
        If the rows have no such coordinates.
    """
    if effect.smoothness is None:
        return None
    for prefix in (f"{effect.key}_", ""):
        for pair in PAIRS:
            if {prefix + name for name in pair} <= rows.coordinates.keys():
                return Places(pair, prefix)
    names = [f"{effect.key}_{name}" for name in PAIRS[1]]
    problem = f"The groups of {effect.key} have no places."
    raise invalid("coordinates", list(rows.coordinates), problem, f"Give coordinates {names[0]} and {names[1]}.")


def with_places[RowsType: Rows](effects: Iterable[Effect], rows: RowsType) -> RowsType:
    """Return rows with their places as labels, if an effect is of these."""
    for effect in effects:
        places = places_of_key(effect, rows) if effect.of_places else None
        if places is not None:
            values = [np.asarray(rows.coordinates[places.prefix + name], dtype=float) for name in places.names]
            labels = np.array([f"{first:.12g} {second:.12g}" for first, second in zip(*values, strict=True)])
            return replace(rows, groups={**rows.groups, effect.key: labels})
    return rows


def refuse_fields(effects: Iterable[Effect], remedy: str) -> None:
    """Refuse effects with fields where the model has none."""
    for effect in effects:
        if effect.smoothness is not None:
            problem = f"Effects of {effect.key} with a field integrate out of linear models with normal noise alone."
            raise invalid("smoothness", effect.smoothness, problem, remedy)
