"""Temperature scaling of probabilities, and the factor that widens predictive distributions."""

import numpy as np
from scipy import optimize, special

LARGEST = 100.0  # bound of the temperature and of its inverse


def tempered(probability: np.ndarray, T: float) -> np.ndarray:
    r"""Return :math:`\mathrm{softmax}(\log p / T)` over the last dimension.

    Examples
    --------
    >>> tempered(np.array([0.8, 0.2]), 2.0).round(3).tolist()
    [0.667, 0.333]
    """
    with np.errstate(divide="ignore"):  # a probability of zero stays zero
        return special.softmax(np.log(probability) / T, axis=-1)


def temperature_of(probability: np.ndarray, codes: np.ndarray) -> float:
    r"""Return the :math:`T > 0` with the least mean log loss of :math:`\mathrm{softmax}(\log p / T)`.

    Parameters
    ----------
    probability : numpy.ndarray
        ``(obs, label)``; dimensions before are draws, tempered one by one and then averaged.
    codes : numpy.ndarray
        ``(obs,)`` codes of the observed labels.

    Examples
    --------
    Nine of ten were right at a predicted .99:

    >>> said = np.tile([0.99, 0.01], (10, 1))
    >>> T = temperature_of(said, np.array([0] * 9 + [1]))
    >>> tempered(said[0], T).round(3).tolist()
    [0.9, 0.1]
    """
    draws = probability.reshape(-1, *probability.shape[-2:])
    # A probability of zero for the observed label costs infinitely much at any temperature.
    log_p = np.log(np.maximum(draws, np.finfo(np.float64).tiny))
    rows = np.arange(len(codes))

    def loss(log_T: float) -> float:
        log_q = special.log_softmax(log_p * np.exp(-log_T), axis=-1)[:, rows, codes]
        return float(-(special.logsumexp(log_q, axis=0) - np.log(len(log_q))).mean())

    bound = np.log(LARGEST)
    found = optimize.minimize_scalar(loss, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def scale_of(z: np.ndarray) -> float:
    r"""Return the factor on the predictive standard deviation that maximises the Gaussian log score.

    :math:`s = \sqrt{\mathrm{mean}(z_i^2)}` for standardised errors :math:`z_i = (y_i - \mu_i) / \sigma_i`.

    Examples
    --------
    >>> scale_of(np.array([-2.0, 2.0]))
    2.0
    """
    return float(max(np.sqrt(np.mean(np.square(z))), np.finfo(float).tiny))
