"""Data sets by name: those of bayesgeo, and those that other packages register."""

import importlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesgeo import _registry
from bayesgeo._check import did_you_mean, invalid

if TYPE_CHECKING:
    import pandas as pd

    from bayesgeo.datasets.base import Dataset

LIBRARY = "bayesgeo.datasets.library"


def titles() -> dict[str, str]:
    """List the data sets that can be loaded by name.

    The titles of bayesgeo are read without importing pandas. Another package adds a data set with an entry point of the
    group ``bayesgeo.datasets``, which names a module with ``TITLE``, ``load`` and, if columns are derived, ``prepare``.

    Returns
    -------
    dict of str to str
        Name and one line about each.

    Raises
    ------
    InvalidInput
        If another package registers a name of bayesgeo, or its module cannot be imported.

    Examples
    --------
    >>> titles()["seismic_events"]
    '3,000 drawn earthquakes and quarry blasts at 60 sites, exact posterior known (embedded)'
    """
    paths = sorted((Path(__file__).parent / "library").glob("*.py"))
    ours = {path.stem: str(_registry.names_in(path, "TITLE")) for path in paths if path.stem != "__init__"}
    others = {name: str(_registry.loaded(entry).TITLE) for name, entry in _registry.plugins("datasets").items()}
    for name in others.keys() & ours.keys():
        raise invalid("data set", name, "Another package registers a name of our library.", "Rename its entry point.")
    return ours | others


def load(name: str) -> "Dataset":
    """Load a data set by its name.

    Parameters
    ----------
    name : str
        One of :func:`titles`.

    Returns
    -------
    Dataset
        Ready to split and fit; ``origin.library`` is the name.

    Raises
    ------
    InvalidInput
        If the name is unknown, or its file can be neither found nor downloaded.

    Examples
    --------
    >>> events = load("seismic_events")
    >>> events.n_rows, events.origin.library
    (3000, 'seismic_events')
    >>> load("seismic_event")
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid data set 'seismic_event'. ... Did you mean 'seismic_events'?
    """
    loaded = _module(name).load()
    return replace(loaded, origin=replace(loaded.origin, library=name))


def prepare(name: str, frame: "pd.DataFrame") -> "pd.DataFrame":
    """Compute the derived columns that a data set's features need, for a new table.

    Parameters
    ----------
    name : str
        One of :func:`titles`.
    frame : pandas.DataFrame
        New rows with the columns of the original file.

    Returns
    -------
    pandas.DataFrame
        The same rows, ready for :func:`encode`; unchanged where nothing is derived.

    Raises
    ------
    InvalidInput
        If the name is unknown, or a column needed for a derived one is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> events = pd.DataFrame({"magnitude": [2.0], "local_hour": [13.5]})
    >>> prepare("seismic_events", events)["hour_cos"].item()
    1.0
    """
    derive = getattr(_module(name), "prepare", None)
    try:
        # The logarithm of a zero or of a negative number is refused by whoever reads the column.
        with np.errstate(all="ignore"):
            return frame if derive is None else derive(frame)
    except (TypeError, ValueError, OverflowError) as error:
        problem = f"The features of {name} cannot be computed of it: {error}."
        raise invalid("table", "", problem, "Correct text among its numbers.") from error
    except KeyError as error:
        remedy = did_you_mean(error.args[0], frame.columns)
        raise invalid("column", error.args[0], "The table has no such column.", remedy) from error


def raw_units(name: str) -> Mapping[str, str]:
    """Return the units of the columns of a data set's original file, as far as its module states them in ``UNITS``.

    Raises
    ------
    InvalidInput
        If the name is unknown.

    Examples
    --------
    >>> raw_units("seismic_events")["local_hour"]
    'h'
    """
    return dict(getattr(_module(name), "UNITS", {}))


def _module(name: str) -> Any:
    if name not in titles():
        raise invalid("data set", name, "Unknown data set.", did_you_mean(name, titles()))
    entry = _registry.plugins("datasets").get(name)
    return importlib.import_module(f"{LIBRARY}.{name}") if entry is None else _registry.loaded(entry)


__all__ = ["load", "prepare", "raw_units", "titles"]
