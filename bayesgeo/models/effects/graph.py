r"""The PyMC graph of a linear predictor with effects of groups, for any outcome.

The effects of a group are :math:`b = A u` with

.. math:: A_{ij} = \tau_i^{1 - w_i} \left(w_i \delta_{ij} + (1 - w_i) L_{ij}\right),

where :math:`L` is the factor of their correlations. Weight :math:`w = 0` is the non-centred form and 1 the centred one;
a group with many rows samples well in the centred form, one with few rows in the other (Papaspiliopoulos, Roberts &
Sköld 2007, Statistical Science 22:59). The values of :math:`u` and those of the fixed part are sampled in coordinates
in which the posterior is nearly a unit normal; see :mod:`bayesgeo.models.effects.coordinates`. Both choices change the
sampler's path, never the posterior.
"""

from typing import Any

import numpy as np

from bayesgeo.models.effects.covariance import GroupPrior, beta_shapes
from bayesgeo.models.effects.layout import Block
from bayesgeo.models.regression.graph import (
    INTERCEPT_SCALE,
    NOISE_RATE,
    NOISE_SHAPE,
    WHITENED,
    coefficients,
    contrasts,
    log_probability,
)

VALUES = ("normal", "student-t")  # outcomes that are numbers


def hierarchical_graph(
    outcome: tuple[str, int],
    prior: tuple[str, float],
    n_features: int,
    blocks: tuple[Block, ...],
    group_prior: GroupPrior,
    *,
    dense: bool,
) -> Any:
    """Build the PyMC model.

    Parameters
    ----------
    outcome : ({"normal", "student-t", "classes"}, int)
        Its distribution, and the number of classes; two for values.
    prior : (str, float)
        Prior of the coefficients, and its scale.
    n_features : int
        Features.
    blocks : tuple of Block
        The effects, and how many levels each has.
    group_prior : GroupPrior
        Prior of the standard deviations.
    dense : bool
        Whether the coordinates mix all values, or those of the fixed part alone.
    """
    import pymc as pm

    kind, n_labels = outcome
    n_free = n_labels - 1
    with pm.Model() as model:
        X = pm.Data("X", np.zeros((2, n_features)))
        y = pm.Data("y", np.zeros(2, dtype=float if kind in VALUES else np.int64))
        sigma = _noise(prior[0]) if kind in VALUES else 1.0
        n_fixed = n_free * (1 + n_features if prior[0] in WHITENED else 1)
        sizes = [n_free * block.size for block in blocks]
        values = _coordinates(n_fixed, sum(sizes), dense)
        ends = np.cumsum([n_fixed, *sizes]).tolist()
        predictor = _fixed(X, values[:n_fixed], prior, sigma, (n_features, n_labels))
        for block, start, end in zip(blocks, ends[:-1], ends[1:], strict=True):
            predictor = predictor + _effect(block, values[start:end], group_prior, n_labels)
        _outcome(outcome, y, predictor, sigma)
    return model


def _noise(prior: str) -> Any:
    import pymc as pm
    import pytensor.tensor as pt

    if prior == "flat":
        return pm.Deterministic("sigma", pt.exp(pm.Flat("log_sigma")))
    return pm.Deterministic("sigma", pt.sqrt(pm.InverseGamma("variance", NOISE_SHAPE, NOISE_RATE)))


def _coordinates(n_fixed: int, n_effects: int, dense: bool) -> Any:
    """Return the values of the fixed part and of the effects, sampled near a unit normal."""
    import pymc as pm
    import pytensor.tensor as pt

    size = n_fixed + n_effects
    mixed = size if dense else n_fixed
    center, factor = pm.Data("center", np.zeros(size)), pm.Data("factor", np.eye(mixed))
    z = pm.Flat("whitened", shape=size)
    # As a sum, not a product of matrices: numba compiles it in a quarter of the time.
    if dense:
        return center + pt.sum(factor * z, axis=1)
    spread = pm.Data("spread", np.ones(n_effects))
    return center + pt.concatenate([pt.sum(factor * z[:n_fixed], axis=1), spread * z[n_fixed:]])


def _fixed(X: Any, values: Any, prior: tuple[str, float], sigma: Any, sizes: tuple[int, int]) -> Any:
    """Return the fixed part ``(obs,)``, or ``(obs, label)`` for more than two classes."""
    import pymc as pm
    import pytensor.tensor as pt

    (kind, scale), (n_features, n_labels) = prior, sizes
    n_free = n_labels - 1
    theta = values.reshape((-1, n_free)) @ _labelling(n_labels) if n_labels > 2 else values
    if kind != "flat":
        pm.Potential("intercept_prior", pt.sum(pm.logp(pm.Normal.dist(0, INTERCEPT_SCALE * sigma), values[:n_free])))
    intercept = pm.Deterministic("intercept", theta[0])
    if kind not in WHITENED:
        weight = coefficients(kind, scale, sigma, (n_features, *((n_labels,) if n_labels > 2 else ())))
    else:
        if kind == "normal":
            pm.Potential("weight_prior", pt.sum(pm.logp(pm.Normal.dist(0, scale * sigma), values[n_free:])))
        weight = pm.Deterministic("weight", theta[1:])
    return (X @ weight if n_labels > 2 else pt.sum(X * weight, axis=1)) + intercept


def _labelling(n_labels: int) -> np.ndarray:
    import pytensor

    return contrasts(n_labels).T.astype(pytensor.config.floatX)


def _effect(block: Block, u: Any, prior: GroupPrior, n_labels: int) -> Any:
    """Return what the effects of a key add to the predictor, ``(obs[, label])``."""
    import pymc as pm
    import pytensor.tensor as pt

    effect, key, q, n_free = block.effect, block.effect.key, len(block.effect.terms), n_labels - 1
    free = () if n_labels == 2 else (n_free,)
    log_sd, L = _covariance(block, prior)
    share = pm.Data(f"{key}_share", np.zeros((block.levels, q)))
    u = u.reshape((block.levels, q, *free))
    w = [share[:, i] if n_labels == 2 else share[:, i, None] for i in range(q)]
    b, prior_density = [], 0.0
    unit: list[Any] = []
    for i in range(q):
        mixed = w[i] * u[:, i] + (1 - w[i]) * sum(L[i][j] * u[:, j] for j in range(i + 1))
        scaled = pt.exp(-w[i] * log_sd[i]) * mixed  # in standard deviations
        b.append(pt.exp(log_sd[i]) * scaled)
        unit.append((scaled - sum(L[i][j] * unit[j] for j in range(i))) / L[i][i])
        scale_change = pt.log(w[i] + (1 - w[i]) * L[i][i]) - pt.log(L[i][i]) - w[i] * log_sd[i]
        prior_density += -0.5 * pt.sum(unit[i] ** 2) + n_free * pt.sum(scale_change)
    pm.Potential(f"{key}_density", prior_density)
    by_term = [part if n_labels == 2 else part @ _labelling(n_labels) for part in b]
    pm.Deterministic(f"{key}_effect", pt.stack(by_term, axis=1))
    codes = pm.Data(f"{key}_codes", np.zeros(2, dtype=np.int64))
    if effect.terms == ("1",):
        return by_term[0][codes]
    z = pm.Data(f"{key}_z", np.zeros((2, q)))
    columns = [z[:, i] if n_labels == 2 else z[:, i, None] for i in range(q)]
    return sum(column * part[codes] for column, part in zip(columns, by_term, strict=True))


def _covariance(block: Block, prior: GroupPrior) -> tuple[list[Any], list[list[Any]]]:
    """Return logarithms of the standard deviations, and the factor of the correlations row by row."""
    import pymc as pm
    import pytensor.tensor as pt

    effect, key = block.effect, block.effect.key
    q, size = len(effect.terms), len(effect.terms) + effect.correlations
    middle, width = pm.Data(f"{key}_middle", np.zeros(size)), pm.Data(f"{key}_width", np.ones(size))
    values = middle + width * pm.Flat(f"{key}_scales", shape=size)
    sd = pm.Deterministic(f"{key}_sd", pt.exp(values[:q]))
    density = -prior.rate * sd if prior.kind == "pc" else -0.5 * (sd / prior.scale) ** 2
    density = pt.sum(density + values[:q])
    L: list[list[Any]] = [[1.0 if i == j else 0.0 for j in range(q)] for i in range(q)]
    if effect.correlations:
        following = iter(range(q, size))
        for i in range(1, q):
            for j in range(i):
                value = values[next(following)]
                L[i][j], L[i][i] = pt.tanh(value) * L[i][i], L[i][i] / pt.cosh(value)
        # The density of artanh z: a power of 1 - z^2.
        density += pt.sum(-2 * beta_shapes(effect) * pt.log(pt.cosh(values[q:])))
        pairs = [sum(L[i][k] * L[j][k] for k in range(j + 1)) for i in range(q) for j in range(i)]
        pm.Deterministic(f"{key}_correlation", pt.stack(pairs))
    pm.Potential(f"{key}_prior", density)
    return [values[i] for i in range(q)], L


def _outcome(outcome: tuple[str, int], y: Any, predictor: Any, sigma: Any) -> None:
    import pymc as pm
    import pytensor.tensor as pt

    kind, n_labels = outcome
    if kind == "normal":
        pm.Normal("outcome", predictor, sigma, observed=y)
    elif kind == "student-t":
        pm.StudentT("outcome", nu=pm.Gamma("nu", 2, 0.1), mu=predictor, sigma=sigma, observed=y)
    elif n_labels == 2:
        pm.Potential("outcome", y * predictor - pt.softplus(predictor))
    else:
        pm.Potential("outcome", log_probability(y, predictor, n_labels))
