"""Find numbers that stand for missing values: -999.25, 9.96921e36 and their like."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from bayesgeo._check import invalid, shown

# Well logs (LAS), catalogues, rasters (ESRI, Surfer), 16- and 32-bit grids, and the fill values of netCDF and CF.
KNOWN = (
    *(-99.0, -999.0, -9999.0, -99999.0, -999999.0, -99.99, -999.9, -999.99, -9999.99, -999.25, -9999.25, -99999.25),
    *(999.25, 9999.0, 99999.0, 999999.0, 9999.25, 99999.25, 999.99, 9999.99, -32768.0, -2147483648.0),
    *(sign * 10.0**power for sign in (-1, 1) for power in (20, 30, 31, 32, 35, 36)),
    *(9.969209968386869e36, 1.70141e38, -1.70141e38, 3.4028234663852886e38, -3.4028234663852886e38),
)
GIGANTIC = 1e19  # above it, files round what they write
ROUNDED = 1e-5
GAPS = 3.0


def missing_codes(values: pd.Series, others: np.ndarray | None = None) -> tuple[float, ...]:
    """Return the numbers of a column that stand for a missing value.

    A known code counts as one where it is the least or the greatest of the column and stands apart: the gap to the next
    value is at least half the code, and larger than the range of all other values or than three times the widest gap
    among them. So 9999 among depths from 0 to 20000 m, or -99 among temperatures from -120 to 20 degC, is a value.

    Parameters
    ----------
    values : pandas.Series
        Column of numbers; missing and infinite ones are ignored.
    others : numpy.ndarray, optional
        More values of the same column that are no codes, such as those of the training table.

    Examples
    --------
    >>> missing_codes(pd.Series([71.5, 43.0, -999.25, 80.2])), missing_codes(pd.Series([0.0, 7800.0, 9999.0, 20000.0]))
    ((-999.25,), ())
    """
    found = np.unique(values.to_numpy(float, na_value=np.nan))
    found = found[np.isfinite(found)]
    is_code = among(found, KNOWN)
    if not is_code.any():
        return ()
    rest = found[~is_code] if others is None else np.unique(np.concatenate([found[~is_code], others]))
    return tuple(float(code) for code in found[is_code] if _apart(code, rest))


def _apart(code: float, rest: np.ndarray) -> bool:
    if not rest.size:
        return False
    # Negative for a value between others.
    with np.errstate(over="ignore"):
        gap = max(rest[0] - code, code - rest[-1])
        widest = GAPS * np.diff(rest).max(initial=0.0)
        return bool(gap >= abs(code) / 2 and gap > min(rest[-1] - rest[0], widest))


def among(values: np.ndarray, codes: Sequence[float]) -> np.ndarray:
    """Tell which numbers are one of the codes; of a gigantic one five digits count.

    Examples
    --------
    >>> among(np.array([9.96921e36, 9.0]), (9.969209968386869e36,))
    array([ True, False])
    """
    gigantic = [code for code in codes if abs(code) > GIGANTIC]
    same = np.isin(values, list(codes))
    for code in gigantic:
        same |= np.abs(values / code - 1) < ROUNDED
    return same


def without_codes(
    frame: pd.DataFrame, names: Iterable[str], *, declared: Sequence[float] | None, notes: list[str]
) -> tuple[pd.DataFrame, dict[str, tuple[float, ...]]]:
    """Empty the cells that hold a code for a missing value.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table.
    names : iterable of str
        Columns to look at.
    declared : sequence of float, optional
        The codes; absent, those that :func:`missing_codes` finds.
    notes : list of str
        Receives one line for each column with codes.

    Returns
    -------
    tuple of pandas.DataFrame and dict
        The table, and the codes of each column that has some.
    """
    found: dict[str, tuple[float, ...]] = {}
    emptied: dict[str, pd.Series] = {}
    for name in _suspects(frame, list(names), KNOWN if declared is None else declared):
        values = as_far_as_numbers(frame[name])
        codes = _looked_for(frame[name], values) if declared is None else tuple(declared)
        held = pd.Series(among(values.to_numpy(), codes), index=frame.index)
        if held.any():
            found[name], emptied[name] = codes, frame[name].mask(held)
            notes.append(f"Column {name!r}: {count(values[held])} count as missing, row {shown(frame.index[held])}.")
    return frame.assign(**emptied) if emptied else frame, found


def _suspects(frame: pd.DataFrame, names: list[str], codes: Sequence[float]) -> list[str]:
    """Return the columns that hold one of the codes, told for all columns of numbers at once."""
    kinds = {name: dtype.kind for name, dtype in zip(frame.columns, frame.dtypes, strict=True)}
    numeric = [name for name in names if kinds[name] in "iuf"]
    values = frame[numeric].to_numpy(float, na_value=np.nan)
    held = dict(zip(numeric, among(values, codes).any(axis=0), strict=True))
    return [name for name in names if held.get(name, kinds[name] not in "iufbmMc")]


def _looked_for(entries: pd.Series, values: pd.Series) -> tuple[float, ...]:
    figures = values.dropna().unique()
    if len(figures) and values.notna().sum() < entries.notna().sum() / 2:
        # The only numbers in a column of text.
        return tuple(figures.tolist()) if among(figures, KNOWN).all() else ()
    return missing_codes(values)


def as_far_as_numbers(values: pd.Series) -> pd.Series:
    """Return a column as floats, NaN where it holds no number."""
    if values.dtype.kind in "iuf":
        return values.astype(float)
    return pd.to_numeric(values, errors="coerce").astype(float)


def count(values: pd.Series) -> str:
    """Say how often each code occurs.

    Examples
    --------
    >>> count(pd.Series([-999.25, -999.25, 9999.0]))
    '2 values of -999.25 and 1 values of 9999'
    """
    return " and ".join(f"{n} values of {code:.9g}" for code, n in values.value_counts().items())


def codes_of(text: str) -> tuple[float, ...] | None:
    """Read codes from an option: numbers between commas, ``none``, or empty to look for them.

    Examples
    --------
    >>> codes_of("-1, 9999"), codes_of("none"), codes_of("")
    ((-1.0, 9999.0), (), None)
    """
    if not text.strip():
        return None
    if text.strip().lower() == "none":
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        remedy = "Give numbers separated by commas, as --codes=-1,9999, or --codes none."
        raise invalid("--codes", text, "It is not a list of numbers.", remedy) from error


__all__ = ["among", "as_far_as_numbers", "codes_of", "count", "missing_codes", "without_codes"]
