"""The spread of a student's draws, in closed form: Dirichlet about mean probabilities, Gaussian about mean values."""

import numpy as np
from scipy import special, stats

DRAWS = 128  # of a student's prediction
ROUNDS = 30  # of scaling
LEAST_SHAPE = 1e-12  # a gamma variable of a smaller shape underflows; the mean of such a label is nothing anyway


def dirichlet_draws(mean: np.ndarray, precision: np.ndarray, draws: int, seed: int) -> np.ndarray:
    r"""Draw probabilities from :math:`\mathrm{Dirichlet}(a_0 m)` of each row, at the same quantiles in every row.

    Gamma variables by their quantiles, with :math:`G_a = G_{a+1} U^{1/a}` for small :math:`a`. The error of
    the mean of few draws is reduced by scaling labels and draws in turn (Sinkhorn & Knopp 1967), and a constant part
    then makes the mean of the draws :math:`m` to rounding.

    Parameters
    ----------
    mean : numpy.ndarray
        ``(obs, label)``, the mean :math:`m`.
    precision : numpy.ndarray
        ``(obs,)``, :math:`a_0`.
    draws, seed : int
        How many, and the seed of their quantiles.

    Returns
    -------
    numpy.ndarray
        ``(draw, obs, label)``.

    Examples
    --------
    >>> drawn = dirichlet_draws(np.array([[0.2, 0.8]]), np.array([9.0]), 1000, seed=0)
    >>> drawn.mean(axis=0).round(6).tolist(), round(float(drawn[..., 0].var()), 2)  # variance m (1 - m) / (1 + a0)
    ([[0.2, 0.8]], 0.02)
    """
    labels = mean.shape[1]
    u = stats.qmc.LatinHypercube(2 * labels, rng=seed).random(draws)[:, None]
    shape = np.maximum(precision[:, None] * mean, LEAST_SHAPE)
    log_gamma = np.log(special.gammaincinv(shape + 1.0, u[..., :labels])) + np.log(u[..., labels:]) / shape
    drawn = special.softmax(log_gamma, axis=-1)
    for _ in range(ROUNDS):
        drawn = drawn * _ratio(mean, drawn.mean(axis=0))
        drawn = drawn / drawn.sum(axis=-1, keepdims=True)
    found = drawn.mean(axis=0)
    # Where the draws still exceed the mean of a label, mix in a part of the mean.
    kept = np.minimum(_ratio(mean, found), 1.0).min(axis=1, keepdims=True)
    return kept * drawn + np.maximum(mean - kept * found, 0.0)


def _ratio(mean: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.divide(mean, found, out=np.ones_like(mean), where=found > np.finfo(np.float64).tiny)


def dirichlet_information(mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
    r"""Return the mutual information of label and probabilities under :math:`\mathrm{Dirichlet}(a_0 m)`, in nats.

    :math:`\sum_k m_k [\psi(a_0 m_k + 1) - \psi(a_0 + 1) - \log m_k]` (Malinin & Gales 2018, NeurIPS 31).

    Parameters
    ----------
    mean : numpy.ndarray
        ``(obs, label)``.
    precision : numpy.ndarray
        ``(obs,)``.

    Examples
    --------
    >>> dirichlet_information(np.array([[0.5, 0.5]]), np.array([2.0])).round(4)  # log 2 - 1/2: uniform on [0, 1]
    array([0.1931])
    """
    a0 = precision[:, None]
    return special.entr(mean).sum(axis=1) + (mean * (special.psi(a0 * mean + 1) - special.psi(a0 + 1))).sum(axis=1)


def normal_scores(n: int) -> np.ndarray:
    """Return ``n`` quantiles of the normal distribution, with mean zero and variance one.

    Examples
    --------
    >>> normal_scores(2).tolist()
    [-1.0, 1.0]
    """
    scores = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return scores / scores.std()
