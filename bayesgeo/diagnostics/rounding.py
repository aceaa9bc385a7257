"""How many digits of an estimate its Monte Carlo error supports."""

import math

MOST = 6  # significant digits, however small the error


def digits(value: float, mcse: float) -> str:
    r"""Write a number with the digits that would be the same in another run.

    The last digit stands at :math:`10^{\lceil \log_{10} 2 s \rceil}` for a Monte Carlo standard error :math:`s`: two
    errors move it by at most one (Vehtari et al. 2021, Bayesian Analysis 16:2, and the case study "Digits").

    Parameters
    ----------
    value : float
        The estimate.
    mcse : float
        Its Monte Carlo standard error, in the same unit; 0 for what is exact.

    Returns
    -------
    str
        At most six significant digits; ``"unknown"`` if the value or its error is no number.

    Examples
    --------
    >>> digits(1.23456, 0.002), digits(1.23456, 0.02), digits(1.23456, 0.3), digits(12345.6, 30.0)
    ('1.23', '1.2', '1', '12300')
    >>> digits(0.5, float("nan"))
    'unknown'
    """
    if not (math.isfinite(value) and math.isfinite(mcse)) or mcse < 0:
        return "unknown"
    size = math.floor(math.log10(abs(value))) if value else 0
    # Rounding guards against 2 * 0.05 above 0.1.
    by_error = math.ceil(round(math.log10(2 * mcse), 9)) if mcse > 0 else size - MOST + 1
    place = max(by_error, size - MOST + 1)
    rounded = round(value, -place)
    return f"{rounded + 0.0:.{max(-place, 0)}f}"
