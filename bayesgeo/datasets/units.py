"""Units of columns: which texts are units, and numbers turned from one unit into another."""

import re
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from bayesgeo._check import invalid

if TYPE_CHECKING:
    import pint

# Spellings of well logs (CWLS LAS 2.0) and of data centres that pint has no name for, or another meaning.
SPELLINGS = {
    "M": "m", "FT": "ft", "IN": "inch", "G/C3": "g/cm**3", "G/CC": "g/cm**3", "GM/CC": "g/cm**3", "KG/M3": "kg/m**3",
    "K/M3": "kg/m**3", "OHMM": "ohm*m", "OHM-M": "ohm*m", "OHM.M": "ohm*m", "ohm.m": "ohm*m", "ohmm": "ohm*m",
    "US/F": "us/ft", "US/FT": "us/ft", "US/M": "us/m", "us/f": "us/ft", "V/V": "v/v", "DEGC": "degC",
    "DEGF": "degF", "degrees_north": "degree", "degrees_east": "degree", "": "dimensionless", "-": "dimensionless",
}  # fmt: skip
# Words that stand for a unit in a table although nothing can be converted from or to them.
WORDS = {
    "api", "gapi", "mw", "ml", "mb", "ms", "magnitude", "count", "counts", "cps", "pu", "name", "text", "code", "index",
    "unitless", "number", "probability", "fraction", "0/1", "1", "date", "utc", "ln", "log", "log10",
}  # fmt: skip
LOGARITHM = re.compile(r"^(?:ln|log|log10|log2)\b", re.IGNORECASE)
NOT_PLAIN = re.compile(r"[^\w\s°µμΩω%/*.^()²³⁻¹+-]|^$|^.{41}")
NUMBER_RAISED = re.compile(r"[\d)]\s*(?:\*\*|\^)")
# Milli or mega: well logs write all in capitals. Kept as text, such a unit is never converted.
CAPITALS = re.compile(r"^M[A-Z]{1,2}$")
EXPONENT = re.compile(r"(?<![\w.*^])([A-Za-zµμΩ°]+?)\^?(-?\d{1,2})(?!\w)")
CLOSE = 1e-12


def is_unit(text: str) -> bool:
    """Tell whether a text is a unit, or a word that tables have in the place of one.

    Examples
    --------
    >>> [is_unit(text) for text in ("g/cm3", "API", "m s-1", "log10 Hz", "broken", "-999.25")]
    [True, True, True, True, False, False]
    """
    text = text.strip()
    known = text.lower() in WORDS or LOGARITHM.match(text) or CAPITALS.match(text)
    return bool(known or _parsed(text) is not None)


def in_unit(values: pd.Series, have: str, want: str) -> pd.Series:
    """Return numbers in another unit.

    Parameters
    ----------
    values : pandas.Series
        Named column of numbers.
    have, want : str
        Its unit, and the unit wanted: as pint, CF conventions or well logs write it.

    Returns
    -------
    pandas.Series
        The column itself where both are the same unit.

    Raises
    ------
    InvalidInput
        If one cannot be turned into the other by a factor and an offset: they measure different things, are no units
        that are known, or one is a logarithm. Radians are no mere number here, so 1/s is not rad/s.

    Examples
    --------
    >>> in_unit(pd.Series([0.5, 2.0], name="depth"), "km", "m").tolist()
    [500.0, 2000.0]
    >>> in_unit(pd.Series([15.0], name="temperature"), "degC", "K").tolist()
    [288.15]
    >>> in_unit(pd.Series([15.0], name="GR"), "m", "API")
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid unit 'm'. Column 'GR' was learned in API, which m cannot be turned into. ...
    """
    if " ".join(have.split()) == " ".join(want.split()):
        return values
    factor = _affine(have.strip(), want.strip())
    if factor is None:
        problem = f"Column {values.name!r} was learned in {want}, which {have} cannot be turned into."
        raise invalid("unit", have, problem, f"Convert the column and write its unit as {want!r}.")
    slope, offset = factor
    return values if (slope, offset) == (1.0, 0.0) else values * slope + offset


@cache
def _affine(have: str, want: str) -> tuple[float, float] | None:
    source, goal = _parsed(have), _parsed(want)
    if source is None or goal is None:
        return None
    if _registry().get_root_units(source)[1] != _registry().get_root_units(goal)[1]:
        return None
    zero, one, two = (_converted(number, source, goal) for number in (0.0, 1.0, 2.0))
    # Decibels and other logarithms lie on no straight line.
    straight = abs(two - 2 * one + zero) <= CLOSE * max(abs(zero), abs(one), abs(two))
    return (one - zero, zero) if straight else None


def _converted(number: float, have: "pint.Unit", want: "pint.Unit") -> float:
    return float(_registry().Quantity(number, have).to(want).magnitude)


@cache
def _parsed(text: str) -> "pint.Unit | None":
    text = SPELLINGS.get(text, text)
    # A power of a number is no unit, and a tower of them would be computed for ever.
    if any(odd.search(text) for odd in (NOT_PLAIN, NUMBER_RAISED, CAPITALS)) or text.replace(".", "").isdecimal():
        return None
    try:
        return _registry().parse_units(EXPONENT.sub(r"\1**\2", text))
    except Exception:  # pint raises errors of many kinds, its tokenizer's among them, for what is no unit
        return None


@cache
def _registry() -> "pint.UnitRegistry":
    import pint

    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)


__all__ = ["in_unit", "is_unit"]
