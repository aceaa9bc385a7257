"""Saved models changed by someone who knows the format: every hash is computed again."""

import json

import numpy as np
import skops.io

from bayesgeo.models.sklearn_parts import TRUSTED
from bayesgeo.models.storage import _seal, _sha256


def describe(folder, change):
    """Let ``change(description)`` alter a description, and seal it again."""
    path = folder / "model.json"
    description = json.loads(path.read_text())
    change(description)
    path.write_text(json.dumps(description | {"sha256": _seal(description)}))


def fitted(folder, **values):
    """Put encoded fitted values into a description; None removes one."""

    def change(description):
        kept = {name: value for name, value in (description["fitted"] | values).items() if value is not None}
        description["fitted"] = kept

    describe(folder, change)


def part(folder, file, content):
    """Replace a part and its hash."""
    (folder / file).write_bytes(content)
    name = file.split(".")[0]
    describe(folder, lambda d: d["files"].update({name: {"file": file, "sha256": _sha256(folder / file)}}))


def estimator(folder, change):
    """Let ``change(estimator)`` alter what scikit-learn fitted."""
    inside = skops.io.loads((folder / "estimator_.skops").read_bytes(), trusted=TRUSTED)
    changed = change(inside)
    part(folder, "estimator_.skops", skops.io.dumps(inside if changed is None else changed))


def nodes(tree, change):
    """Let ``change(nodes)`` alter the nodes of a tree of a forest."""
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    change(state["nodes"])
    kept = type(tree)(tree.n_features, np.asarray(tree.n_classes, dtype=np.intp), tree.n_outputs)
    kept.__setstate__(state)
    return kept
