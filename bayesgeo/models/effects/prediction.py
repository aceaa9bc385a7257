"""What effects of groups add to a prediction: of known groups their own, of others draws from the population."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bayesgeo.models.effects.covariance import correlation_factor
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


def population_variance(effect: Effect, own: Members, p: Parameters) -> np.ndarray:
    """Return the variance ``(chain, draw, obs)`` that a group not seen in training adds; zero of one that was.

    Examples
    --------
    >>> own = Members(np.array([0, -1]), np.ones((2, 1)))
    >>> population_variance(Effect("event"), own, {"event_sd": np.full((1, 1, 1), 0.5)}).tolist()
    [[[0.0, 0.25]]]
    """
    factor, absent = factor_of(effect, p), np.flatnonzero(own.codes < 0)
    found = np.zeros((*factor.shape[:2], len(own.codes)))
    found[:, :, absent] = np.sum((own.z[absent] @ factor) ** 2, axis=-1)
    return found


def new_part(groups: Sequence[tuple[Effect, Members]], rows: Rows, p: Parameters, seed: int) -> Any:
    """Draw the effects of groups not seen in training, ``(chain, draw, obs[, label])``; zero of those that were.

    Rows of one new label share its draws, however the rows are cut into parts; a row without a label has draws of its
    own.

    Parameters
    ----------
    groups : sequence of (Effect, Members)
        Of the rows.
    rows : Rows
        For the labels and names.
    p : mapping of str to numpy.ndarray
        The posterior.
    seed : int
        The same seed gives the same draws.
    """
    total: Any = 0.0
    for effect, own in groups:
        absent = np.flatnonzero(own.codes < 0)
        if not len(absent):
            continue
        factor, values = factor_of(effect, p), p[f"{effect.key}_effect"]
        names = _drawn_as(effect, own.codes[absent], rows.part(absent))
        found = np.zeros((*values.shape[:2], len(own.codes), *values.shape[4:]))
        for name in np.unique(names):
            at = absent[names == name]
            z = np.random.default_rng([seed, zlib.crc32(f"{effect.key}\x1f{name}".encode())]).standard_normal(
                (*values.shape[:2], *values.shape[3:])
            )
            drawn = np.einsum("cdij,cdj...->cdi...", factor, z)
            found[:, :, at] = np.einsum("oi,cdi...->cdo...", own.z[at], drawn)
        total = total + found
    return total


def _drawn_as(effect: Effect, codes: np.ndarray, rows: Rows) -> np.ndarray:
    """Return under which name each row's effect is drawn: its label, or, without one, a card dealt by its own name."""
    cards = np.array([f"\x1e{zlib.crc32(str(name).encode()) % CARDS}" for name in rows.names.tolist()])
    if not (codes != UNKNOWN).any():
        return cards
    return np.where(codes == UNKNOWN, cards, labels_of(effect, rows.groups))
