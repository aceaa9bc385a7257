"""Numbers, percentages and lists as text, with as many digits as their uncertainty allows."""

import math
import unicodedata
from collections.abc import Iterable, Sequence

MISSING = "not computed"
DASH = "\u2013"
MINUS = "\u2212"
MOST_DECIMALS = 6
KEPT_INVISIBLE = "\u200c\u200d"  # joiners that emoji and some scripts need


def number(value: float | None, *, digits: int = 3) -> str:
    """Write a number with so many significant digits, a whole one as it is.

    Examples
    --------
    >>> number(0.0917671), number(4.0), number(-1234.6), number(None)
    ('0.0918', '4', '−1235', 'not computed')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    return fixed(value, 0 if value == round(value) else max(digits - 1 - _exponent(value), 0))


def fixed(value: float | None, decimals: int) -> str:
    """Write a number with so many decimals; a negative number of them rounds to tens, hundreds, ...

    Examples
    --------
    >>> fixed(-0.001, 2), fixed(1234.5, -1), fixed(0.5, 3)
    ('0.00', '1230', '0.500')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{round(value, decimals):.{min(max(decimals, 0), MOST_DECIMALS)}f}"
    return text.replace("-", MINUS) if float(text) else text.lstrip("-")


def decimals_for(spread: float | None, *, digits: int = 2) -> int:
    """Return how many decimals show a spread with so many significant digits.

    Examples
    --------
    >>> decimals_for(0.03), decimals_for(250.0), decimals_for(0.0)
    (3, -1, 3)
    """
    if spread is None or not math.isfinite(spread) or spread <= 0:
        return 3
    return digits - 1 - _exponent(spread)


def decimals_by_error(error: float | None, spread: float | None) -> int:
    """Return how many decimals a Monte Carlo standard error leaves standing.

    The last digit shown is worth at least two standard errors; without a known error, one digit of the spread.

    Examples
    --------
    >>> decimals_by_error(0.03, 1.7), decimals_by_error(0.004, 1.0), decimals_by_error(None, 1.7)
    (1, 2, 0)
    """
    if error is None or not math.isfinite(error) or error <= 0:
        return decimals_for(spread, digits=1)
    return math.floor(-math.log10(2 * error))


def interval(low: float | None, high: float | None, *, decimals: int) -> str:
    """Write an interval.

    Examples
    --------
    >>> interval(-0.1, 0.25, decimals=2), interval(None, None, decimals=2)
    ('−0.10 to 0.25', 'not computed')
    """
    if low is None or high is None:
        return MISSING
    return f"{fixed(low, decimals)} to {fixed(high, decimals)}"


def rounded(values: Iterable[float], *, digits: int = 5) -> list[float]:
    """Return numbers with as many significant digits as a figure can show.

    Examples
    --------
    >>> rounded([1.23456789, 1e-9])
    [1.2346, 1e-09]
    """
    return [float(f"{value:.{digits}g}") for value in values]


def width(low: float | None, high: float | None) -> float | None:
    """Return the width of an interval, None where there is none.

    Examples
    --------
    >>> width(1.0, 3.0), width(None, 3.0)
    (2.0, None)
    """
    return None if low is None or high is None else high - low


def percent(prob: float) -> str:
    r"""Write a probability as a percentage.

    Examples
    --------
    >>> percent(0.95)
    '95\xa0%'
    """
    return f"{100 * prob:.3g}\u00a0%"


def listed(names: Sequence[str]) -> str:
    """Write names as a list in prose.

    Examples
    --------
    >>> listed(["ridge", "mlp", "mean"])
    'ridge, mlp and mean'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def clean(text: str) -> str:
    r"""Escape invisible characters, and those that reorder or break the text around them.

    Examples
    --------
    >>> print(clean("well\u202e 7"))
    well\u202e 7
    """
    return text if text.isprintable() else "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\t\n\r":
        return " "
    hidden = unicodedata.category(character)[0] == "C" or character in "\u2028\u2029"
    return character.encode("unicode_escape").decode() if hidden and character not in KEPT_INVISIBLE else character


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value)))
