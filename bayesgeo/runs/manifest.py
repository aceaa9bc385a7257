"""What a manifest must hold before a run is read by it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from bayesgeo._check import shown
from bayesgeo.datasets.columns import Column

RUN_SCHEMA = 3
ENTRIES: dict[str, type | tuple[type, ...]] = {
    "status": str,
    "dataset": dict,
    "target": str,
    "features": list,
    "groups": list,
    "coordinates": dict,
    "columns": list,
    "split": dict,
    "models": dict,
    "seed": int,
    "seeds": int,
    "source": (dict, type(None)),
    "findings": list,
    "command": str,
    "started": str,
    "platform": str,
    "versions": dict,
    "sha256": str,
}
TEXTS = {"dataset": ("name", "library", "sha256", "task"), "split": ("kind", "sentence", "sha256")}
LISTS = ("features", "groups")


def seal(manifest: Mapping[str, Any]) -> str:
    """Hash a manifest, the hash itself left out: it detects an edit, and is no signature.

    Examples
    --------
    >>> seal({"seed": 1, "sha256": "x"}) == seal({"seed": 1})
    True
    """
    rest = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def problems(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a manifest."""
    if manifest.get("schema_version") != RUN_SCHEMA:
        yield f"Its schema is not {RUN_SCHEMA}."
    lacking = [name for name, kind in ENTRIES.items() if not isinstance(manifest.get(name, ...), kind)]
    lacking += [
        f"{entry} {name}"
        for entry, names in TEXTS.items()
        for name in names
        if entry not in lacking and not isinstance(manifest[entry].get(name), str)
    ]
    if lacking:
        yield f"Its manifest lacks {shown(lacking)}."
        return
    if seal(manifest) != manifest["sha256"]:
        yield "Its manifest has changed since it was written: the SHA-256 differs."
    wrong = [name for name in manifest["models"] if not is_file_name(name)]
    if wrong:
        yield f"A model has a name that is no name of a file: {shown(wrong)}."
    lists = [manifest["dataset"].get("labels"), *(manifest[name] for name in LISTS)]
    texts = [*manifest["models"].values(), *manifest["versions"].values(), *manifest["coordinates"].values()]
    if not all(map(_are_texts, [*lists, texts, *(list(finding.values()) for finding in manifest["findings"])])):
        yield "A list of names in its manifest has something else in it."
    if not all(map(_is_column, manifest["columns"])):
        yield "A column of its manifest has something else in it."
        return
    if {name for column in columns_of(manifest) for name in column.features} != {*manifest["features"]}:
        yield "Its columns do not become its features."
    source = manifest["source"]
    if source and not _are_options(source["rows"]):
        yield "Its source is no list of names."


def columns_of(manifest: Mapping[str, Any]) -> list[Column]:
    """Return how the columns of a table become the features of a run."""
    return [
        Column(**entry | {name: tuple(entry[name]) for name in ("levels", "codes")}) for entry in manifest["columns"]
    ]


def _are_options(rows: Mapping[str, Any]) -> bool:
    texts = [{name: value for name, value in rows.items() if name != "grouping"}, rows.get("grouping", {})]
    named = zip(texts, (("features", "drop"), ("group", "effects")), strict=True)
    return all(
        _are_texts(value) if name in lists else isinstance(value, str)
        for part, lists in named
        for name, value in part.items()
    )


def _is_column(entry: Any) -> bool:
    numbers = [*entry["codes"], *([] if entry["fill"] is None else [entry["fill"]])]
    texts = [entry["name"], entry["unit"], *entry["levels"]]
    return _are_texts(texts) and all(isinstance(value, int | float) for value in numbers)


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def is_file_name(name: str) -> bool:
    """Tell whether a model of this name can be a file of its own in every folder.

    Examples
    --------
    >>> is_file_name("my-forest_2"), is_file_name("../forest"), is_file_name("")
    (True, False, False)
    """
    return bool(name) and all(part.isalnum() or part in "-_." for part in name) and not name.startswith(".")
