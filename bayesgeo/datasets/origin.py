"""The origin of a data set and its intended use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bayesgeo.datasets.columns import Column


@dataclass(frozen=True)
class Origin:
    """The origin of a data set: its columns, known leaks, published split, source and licence.

    Parameters
    ----------
    columns : tuple of Column
        How a new table becomes the features.
    leaks : mapping of str to str
        Columns that leak the target, with the reason; they are features only on request.
    split : mapping
        The published split, as keywords of :func:`bayesgeo.split`; empty where none is published.
    attrs : mapping
        ``source``, ``licence``, ``sha256``, ``target_unit``, ``notes`` and free text.
    library : str
        Name under which :func:`bayesgeo.datasets.load` loads the data set; empty for any other table, whatever
        its name.

    Examples
    --------
    >>> Origin(split={"kind": "random"}, attrs={"licence": "CC0-1.0"}).attrs["licence"]
    'CC0-1.0'
    """

    columns: tuple[Column, ...] = ()
    leaks: Mapping[str, str] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)
    attrs: Mapping[str, str] = field(default_factory=dict)
    library: str = ""


__all__ = ["Origin"]
