"""Find the places and times of rows among the columns of a table, and check them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pandas as pd

from bayesgeo._check import invalid, shown
from bayesgeo.datasets.columns import numbers

PLACES = {
    "longitude": ("longitude", "lon", "long"),
    "latitude": ("latitude", "lat"),
    "easting": ("easting",),
    "northing": ("northing",),
}
LAST_SECOND = 9e9
DAYS = 365.2425
TIMES = ("time", "date", "datetime", "timestamp", "origin_time")


def coordinates_of(
    frame: pd.DataFrame,
    *,
    notes: list[str],
    time: str | None = None,
    units: Mapping[str, str] = MappingProxyType({}),
    keys: Sequence[str] = (),
) -> pd.DataFrame:
    """Find places, depth and times among the columns of a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table without its target.
    notes : list of str
        Receives one line on the columns found.
    time : str, optional
        Column of dates; by default one named like a time that holds dates.
    units : mapping of str to str
        Units of the columns, as far as they are known.
    keys : sequence of str
        Columns of groups, whose places may be there too: ``event_longitude`` for ``event``.

    Returns
    -------
    pandas.DataFrame
        ``longitude``, ``latitude``, ``easting``, ``northing``, those of each key, ``depth`` and ``time``, as far as the
        table has them; ``attrs["columns"]`` names the columns that are therefore no features: all but
        depth, and ``x`` with ``y`` count as easting and northing; ``attrs["units"]`` gives units.

    Raises
    ------
    InvalidInput
        If a longitude or latitude is impossible, the two are swapped, or dates cannot be read.

    Examples
    --------
    >>> quakes = pd.DataFrame({"lon": [-122.1], "lat": [46.2], "depth": [7.0]})
    >>> found = coordinates_of(quakes, notes=[])
    >>> list(found), found.attrs["columns"]
    (['longitude', 'latitude', 'depth'], ['lon', 'lat'])
    """
    named = {str(name).lower(): name for name in frame}
    prefixes = ("", *(f"{key}_" for key in keys))
    found = _named_places(named, "")
    if {"x", "y"} <= named.keys() and not found:
        found = {"easting": named["x"], "northing": named["y"]}
    for prefix in prefixes[1:]:
        found |= _named_places(named, prefix)
    parts = {place: numbers(frame[name]) for place, name in found.items()}
    for prefix in prefixes:
        _refuse_impossible(parts, found, prefix)
    if "depth" in named:
        parts["depth"] = frame[named["depth"]]
    when = time or next((named[name] for name in TIMES if name in named and _dates(frame[named[name]])), None)
    if when is not None:
        parts["time"] = _times(frame[when])
    places = pd.DataFrame(parts, index=frame.index)
    places.attrs["columns"] = [*found.values(), *([when] if when is not None else [])]
    measured = found | ({"depth": named["depth"]} if "depth" in named else {})
    places.attrs["units"] = {place: units[name] for place, name in measured.items() if units.get(name)}
    if places.attrs["columns"]:
        kept = shown(places.attrs["columns"], most=10)
        notes.append(f"Places and times are coordinates, no features: {kept}. Name them in features to use them.")
    return places


def _named_places(named: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        f"{prefix}{place}": named[f"{prefix}{name}".lower()]
        for place, names in PLACES.items()
        for name in names
        if f"{prefix}{name}".lower() in named
    }


def _refuse_impossible(parts: dict[str, pd.Series], found: dict[str, str], prefix: str) -> None:
    east, north = f"{prefix}longitude", f"{prefix}latitude"
    if not {east, north} <= parts.keys():
        return
    longitude, latitude = parts[east], parts[north]
    wrong = latitude.index[latitude.abs() > 90]
    if len(wrong) and (longitude.abs() <= 90).all():
        problem = f"They look swapped: latitude is {latitude[wrong[0]]:g} at row {wrong[0]}."
        raise invalid("columns", [found[east], found[north]], problem, "Swap their names.")
    far = longitude.index[(longitude < -180) | (longitude > 360)]
    for name, rows, limits in ((north, wrong, "-90 to 90"), (east, far, "-180 to 360")):
        if len(rows):
            problem = f"{parts[name][rows[0]]:g} at row {rows[0]} is outside {limits} degrees."
            raise invalid("column", found[name], problem, "Correct it; metres go to easting and northing.")


def _dates(values: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(values):
        return True
    if pd.api.types.is_numeric_dtype(values):
        return False
    return bool(_parsed(values).notna().mean() > 0.5)


def _times(values: pd.Series) -> pd.Series:
    found = _parsed(values)
    bad = values.index[found.isna() & values.notna()]
    if len(bad):
        problem = f"{values[bad[0]]!r} at row {bad[0]} is not a date."
        raise invalid("time", values.name, problem, "Write dates as 2022-06-01T13:30:00, or as years.")
    return found


def _parsed(values: pd.Series) -> pd.Series:
    """Read dates, years (1000 to 3000, with fractions) or seconds since 1970; other entries become missing."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.dt.tz_convert(None) if values.dt.tz is not None else values
    if pd.api.types.is_numeric_dtype(values):
        if values.dropna().between(1000, 3000).all():
            whole = pd.to_datetime(values.floordiv(1).astype("Int64").astype("string"), errors="coerce", format="%Y")
            return whole + pd.to_timedelta(values % 1 * DAYS, unit="D")
        return pd.to_datetime(values.where(values.abs() < LAST_SECOND), errors="coerce", unit="s")
    text = values.where(values.astype(str).str.match(r"\d{4}"))
    return pd.to_datetime(text, errors="coerce", format="ISO8601", utc=True).dt.tz_convert(None)


__all__ = ["coordinates_of"]
