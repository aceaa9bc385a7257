"""Tell columns that only name or number the rows: identifiers, row numbers, record counters."""

import re

import numpy as np
import pandas as pd

FEW, MANY_LEVELS = 10, 12
DENSE, STEADY = 1.05, 0.9
# The last word of a name: EventID, sample_no and "Record Nr." are identifiers, width and number_of_picks are not.
IDENTIFIERS = {
    "id", "ids", "fid", "oid", "gid", "objectid", "uwi", "uuid", "guid", "serial", "record", "rec", "recno", "rownum",
    "row", "rownumber", "no", "nr", "num", "number", "nummer", "unnamed", "counter", "rsn",
}  # fmt: skip
FUSED = re.compile(r"(?:eq|ev|event|sta|stat|station|sample|well|site|rec|obs|hole|borehole|shot|trace|case)id")
ALONE = {"index", "idx", "key"}  # a plasticity index is measured
# What is measured in whole steps although it looks like a counter.
MEASURED = {
    "depth", "md", "tvd", "tvdss", "z", "x", "y", "elevation", "altitude", "height", "distance", "offset", "easting",
    "northing", "longitude", "latitude", "lon", "lat", "year", "month", "week", "day", "doy", "hour", "minute",
    "second", "time", "date", "age", "temperature", "pressure", "angle", "azimuth", "strike", "dip",
}  # fmt: skip
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words(name: str) -> list[str]:
    """Split the name of a column into its words, in small letters.

    Examples
    --------
    >>> words("EventID"), words("sample_no"), words("UWI")
    (['event', 'id'], ['sample', 'no'], ['uwi'])
    """
    return [word.lower() for word in WORD.findall(name)]


def _is_identifier(named: list[str]) -> bool:
    last = named[-1] if named else ""
    return (
        last in IDENTIFIERS or named[:1] == ["id"] or bool(FUSED.fullmatch(last)) or (named == [last] and last in ALONE)
    )


def counts_rows(values: pd.Series, unit: str = "") -> str:
    """Say why a column is an identifier or a counter of rows; empty where it is none.

    Parameters
    ----------
    values : pandas.Series
        Named column of numbers without gaps.
    unit : str
        Its unit. What has one was measured.

    Returns
    -------
    str
        ``"numbers the rows"``, ``"counts the rows of each part"``, ``"is an identifier by its name"`` or empty.

    Notes
    -----
    Whole numbers that differ in every row and leave no gaps number the rows, in whatever order; whole numbers that grow
    by one from nine rows in ten to the next count them, starting anew in each well or event. Depths, times, places and
    angles are told by their names and never count.

    Examples
    --------
    >>> counts_rows(pd.Series(range(20), name="k")), counts_rows(pd.Series(range(20), name="depth"))
    ('numbers the rows', '')
    """
    named = words(str(values.name))
    found = values.to_numpy(float)
    is_named = _is_identifier(named)
    measured = bool(MEASURED & set(named)) and not is_named
    if (unit and unit not in ("-", "1")) or measured or len(found) < FEW or (np.trunc(found) != found).any():
        return ""
    distinct = np.unique(found)
    if np.isinf(distinct).any():
        return ""
    if len(distinct) == len(found) and np.ptp(found) + 1 <= DENSE * len(found):
        return "numbers the rows"
    if len(distinct) > MANY_LEVELS and (np.diff(found) == 1).mean() >= STEADY:
        return "counts the rows of each part"
    return "is an identifier by its name" if is_named and len(distinct) > MANY_LEVELS else ""


__all__ = ["counts_rows", "words"]
