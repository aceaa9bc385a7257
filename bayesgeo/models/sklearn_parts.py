"""Fitted scikit-learn estimators on disk: read through skops, and their trees looked through before they predict."""

import importlib
import io
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from bayesgeo._check import invalid
from bayesgeo._files.reading import read_bytes

# The only types beyond skops' own list that a saved forest or boosting holds; both are plain arrays of nodes.
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "sklearn.tree._tree.Tree"]
LEAF = -1
LARGEST_PART = 2**32  # bytes, unpacked


def dumped(estimator: BaseEstimator) -> bytes:
    """Return the bytes of a skops file."""
    return _skops().dumps(estimator)


def read_skops(file: Path) -> Any:
    """Read a fitted estimator.

    Compiled code follows the nodes of trees without looking at bounds; an index beyond them would end the process.

    Raises
    ------
    InvalidInput
        If it holds a type that is not trusted, an array that is larger than what the file holds, or a tree whose
        children, features or categories are not there.
    """
    content = read_bytes(file, "model part", largest=LARGEST_PART)
    try:
        _check_arrays(content)
        skops = _skops()
        unknown = set(skops.get_untrusted_types(data=content)) - set(TRUSTED)
        estimator = None if unknown else skops.loads(content, trusted=TRUSTED)
        problem = next(_problems(estimator), "")
    except Exception as error:  # skops and the classes that it builds raise of every kind
        problem = f"It cannot be read: {type(error).__name__}: {error}."
        raise invalid("model part", file.name, problem, "Save it again.") from error
    if unknown:
        raise invalid("model part", file.name, f"It holds types that are not trusted: {sorted(unknown)}.")
    if problem:
        raise invalid("model part", file.name, problem, "Save it again.")
    return estimator


def _skops() -> Any:
    """Import skops without the packages that its scan of scikit-learn would also import: torch, JAX, dask, cupy."""
    blocked = dict.fromkeys(name for name in ("torch", "jax", "dask", "cupy") if name not in sys.modules)
    sys.modules.update(blocked)  # type: ignore[arg-type]
    try:
        return importlib.import_module("skops.io")
    finally:
        for name in blocked:
            del sys.modules[name]


def _check_arrays(content: bytes) -> None:
    """Compare what each array declares with what it holds, before memory is asked for."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > LARGEST_PART:
            raise ValueError("it unpacks to more than 4 GiB")
        for member in archive.infolist():
            if not member.filename.endswith(".npy"):
                continue
            with archive.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, kind = read(stream)
                if int(np.prod(shape, dtype=object)) * kind.itemsize + stream.tell() != member.file_size:
                    raise ValueError(f"the array {member.filename} declares another size than it has")


def _problems(estimator: Any) -> Iterator[str]:
    """Yield what would make compiled code read beyond its arrays."""
    for part in _walk(estimator, set()):
        if sparse.issparse(part):
            part.check_format(full_check=True)
        elif hasattr(part, "tree_"):
            yield from _of_tree(part.tree_, part.n_features_in_)
        elif hasattr(part, "_predictors"):
            yield from _of_boosting(part)
        elif hasattr(part, "estimators_"):
            yield from _of_ensemble(part)
        elif hasattr(part, "support_vectors_"):
            yield from _of_support_vectors(part)


def _walk(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield every estimator and sparse matrix that a value holds."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, BaseEstimator) or sparse.issparse(value):
        yield value
    if isinstance(value, Mapping):
        inside: Any = value.values()
    elif isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
        inside = np.ravel(value) if isinstance(value, np.ndarray) else value
    else:
        inside = vars(value).values() if isinstance(value, BaseEstimator) else ()
    for part in inside:
        yield from _walk(part, seen)


def _of_tree(tree: Any, features: int) -> Iterator[str]:
    nodes = tree.__getstate__()["nodes"]
    left, right = nodes["left_child"], nodes["right_child"]
    split = left != LEAF
    if tree.n_features != features or not len(nodes):
        yield f"A tree is for {tree.n_features} features, its model for {features}."
    yield from _of_nodes(np.where(split, left, LEAF), right, nodes["feature"], features)


def _of_nodes(left: np.ndarray, right: np.ndarray, feature: np.ndarray, features: int) -> Iterator[str]:
    """Yield what is wrong with nodes; children come after their parents, or following them would never end."""
    split, place = left != LEAF, np.arange(len(left))
    for child in (left[split], right[split]):
        if ((child <= place[split]) | (child >= len(left))).any():
            yield "A tree has a node whose child does not exist."
    if ((feature[split] < 0) | (feature[split] >= features)).any():
        yield "A tree has a node that asks for a feature that does not exist."


def _of_boosting(model: Any) -> Iterator[str]:
    for predictor in (tree for trees in model._predictors for tree in trees):
        nodes = predictor.nodes
        left = np.where(nodes["is_leaf"] != 0, LEAF, nodes["left"].astype(np.int64))
        yield from _of_nodes(left, nodes["right"].astype(np.int64), nodes["feature_idx"], model.n_features_in_)
        # The encoder that boosting needs for categories is no trusted type, so no saved one has them.
        if nodes["is_categorical"].any():
            yield "A tree has a node that asks for categories that do not exist."


def _of_ensemble(model: Any) -> Iterator[str]:
    """Yield where an ensemble gives its trees rows of another width or adds more outputs than it has."""
    from sklearn.ensemble._forest import BaseForest
    from sklearn.ensemble._gb import BaseGradientBoosting

    if not isinstance(model, BaseForest | BaseGradientBoosting):
        return
    trees = list(np.ravel(model.estimators_))
    if any(not hasattr(tree, "tree_") or tree.n_features_in_ != model.n_features_in_ for tree in trees):
        yield f"A tree is not one of {model.n_features_in_} features."
        return
    outputs = {(tree.tree_.n_outputs, tree.tree_.max_n_classes) for tree in trees}
    if len(outputs) != 1:
        yield "Its trees have different outputs."
    if isinstance(model, BaseGradientBoosting) and (
        np.shape(model.estimators_)[1:] != (model.n_trees_per_iteration_,) or outputs != {(1, 1)}
    ):
        yield "Its trees do not fit its number of classes."


def _of_support_vectors(model: Any) -> Iterator[str]:
    counts = np.asarray(model.n_support_)
    n, features = int(counts.sum()), model.n_features_in_
    pairs = max(len(counts) * (len(counts) - 1) // 2, 1)
    fits = (
        (counts >= 0).all()
        and model.support_vectors_.shape == (n, features)
        and model.shape_fit_[1] == features
        and model._dual_coef_.shape == (max(len(counts) - 1, 1), n)
        and np.shape(model._intercept_) == (pairs,)
    )
    if not fits:
        yield "Its support vectors do not fit together."
