"""Data sets: labelled arrays, what they mean and where they come from; one file each."""

import ast
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesgeo._check import did_you_mean, invalid

if TYPE_CHECKING:
    import pandas as pd

    from bayesgeo.datasets.base import Column as Column
    from bayesgeo.datasets.base import Dataset as Dataset
    from bayesgeo.datasets.columns import encode as encode

_LAZY = {"Column": "base", "Dataset": "base", "encode": "columns", "read_table": "table"}


def titles() -> dict[str, str]:
    """List the data sets by name, reading their titles without importing them.

    Returns
    -------
    dict of str to str
        Name and one line on each; every file of this folder that has a ``TITLE`` is one.

    Examples
    --------
    >>> list(titles())
    ['istanbul_quarry', 'pnsn_catalogue', 'seg2016_facies', 'seismic_events']
    """
    found = {path.stem: _title(path) for path in sorted(Path(__file__).parent.glob("*.py"))}
    return {name: title for name, title in found.items() if title}


def load(name: str) -> "Dataset":
    """Load a data set by its name.

    Parameters
    ----------
    name : str
        One of :func:`titles`.

    Returns
    -------
    Dataset
        Ready to split and fit.

    Raises
    ------
    InvalidInput
        If there is none of that name, or its file can be neither found nor downloaded.

    Examples
    --------
    >>> load("seismic_events").n_rows
    3000
    >>> load("seismic_event")
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid data set 'seismic_event'. ... Did you mean 'seismic_events'?
    """
    return _module(name).load()


def prepare(name: str, frame: "pd.DataFrame") -> "pd.DataFrame":
    """Give a new table the derived columns that a data set's features need.

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
        If there is no data set of that name, or a column that it derives from is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> events = pd.DataFrame({"magnitude": [2.0], "local_hour": [13.5]})
    >>> prepare("seismic_events", events)["hour_cos"].item()
    1.0
    """
    derive = getattr(_module(name), "prepare", None)
    try:
        return frame if derive is None else derive(frame)
    except KeyError as error:
        remedy = did_you_mean(error.args[0], frame.columns)
        raise invalid("column", error.args[0], "The table has none of that name.", remedy) from error


def _module(name: str) -> Any:
    if name not in titles():
        raise invalid("data set", name, "There is none of that name.", did_you_mean(name, titles()))
    return importlib.import_module(f"{__name__}.{name}")


def _title(path: Path) -> str:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "TITLE":
            return str(ast.literal_eval(node.value))
    return ""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


__all__ = ["Column", "Dataset", "encode", "load", "prepare", "read_table", "titles"]
