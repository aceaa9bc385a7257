"""Manifests, model folders and Evidence changed at random: each is refused in a sentence or read, nothing else happens.

Run ``python -m tests.files.fuzzing --examples 12000``; it prints how many were refused and how many read, by kind. What
is changed gets the hashes of what it then holds, so that the checks behind the hashes are reached.
"""

import argparse
import copy
import io
import json
import shutil
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from bayesgeo import BayesianLinearRegression, Exact, catalog, split
from bayesgeo._check import InvalidInput
from bayesgeo.evaluation.evidence import load_evidence
from bayesgeo.evaluation.integrity import write_sealed
from bayesgeo.models.baselines import RidgeRegressor
from bayesgeo.models.networks.mlp import MLPClassifier
from bayesgeo.models.storage import load_model, save_model
from bayesgeo.models.wrappers.sklearn import SklearnClassifier
from bayesgeo.runs.folder import MANIFEST, read_manifest, write_manifest
from bayesgeo.runs.reading import new_rows
from bayesgeo.runs.source import source_of
from bayesgeo.runs.study import study
from tests.models import forging
from tests.models.small import perceptron
from tests.tables import shaking, write_csv

ROWS = np.random.default_rng(0).normal(size=(40, 3)).round(3)
CLASSES = np.array(["salt", "sand", "shale"])[np.digitize(ROWS[:, 0], [-0.5, 0.5])]
WHOLE = st.one_of(st.integers(-3, 5), st.sampled_from([2**31, 2**63, -(2**63), 10**12]))
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), WHOLE, st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=4,
)


def places(value, at=()):
    """Yield the path of everything inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield (*at, key)
        yield from places(part, (*at, key))


@st.composite
def changes(draw, value):
    """Return a JSON value with one or two parts replaced, removed or added."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 2))):
        *way, last = draw(st.sampled_from(list(places(value))))
        inside = value
        for key in way:
            inside = inside[key]
        how = draw(st.sampled_from(["replace", "remove", "add"]))
        if how == "remove":
            del inside[last]
        elif how == "add" and isinstance(inside, dict):
            inside[draw(st.text(max_size=6))] = draw(JUNK)
        else:
            inside[last] = draw(JUNK)
    return value


def outcome(read):
    """Return how a reading ended; whatever is neither a value nor a refusal is raised."""
    try:
        read()
    except InvalidInput:
        return "refused"
    return "read"


class Shelf:
    """Saved models and a run, made once; each reader gets a copy of its own to change."""

    def __init__(self, folder):
        self.folder = Path(folder)
        y = ROWS @ [1.0, -2.0, 0.5]
        models = {
            "ridge": RidgeRegressor().fit(ROWS, y),
            "mlp": perceptron(MLPClassifier, (4,), max_epochs=2, random_state=0).fit(ROWS, CLASSES),
            "forest": SklearnClassifier(RandomForestClassifier(2), random_state=0).fit(ROWS, CLASSES),
            "boosting": SklearnClassifier(HistGradientBoostingClassifier(max_iter=2)).fit(ROWS, CLASSES),
        }
        for name, model in models.items():
            save_model(model, self.folder / name)
        bayes = BayesianLinearRegression(inference=Exact(draws=250))
        chosen = {"mean": catalog.model("mean", "regression"), "bayes": bayes}
        study(shaking(), chosen, out=self.folder / "run", by=split(shaking(), folds=3))
        self.evidence = load_evidence(self.folder / "run" / "evidence" / "bayes.nc")
        self.manifest = read_manifest(self.folder / "run")
        shutil.rmtree(self.folder / "run" / "evidence")

    def copied(self, folder):
        """Return a shelf of the same things in another folder."""
        again = copy.copy(self)
        again.folder = shutil.copytree(self.folder, folder)
        return again

    def description(self, name):
        """Return the description of a model."""
        return json.loads((self.folder / name / "model.json").read_text())

    def predict(self, folder):
        """Load a model and predict."""
        model = load_model(folder)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            rows = np.zeros((3, model.n_features_in_))
            names = getattr(model, "feature_names_in_", None)
            model.predict(rows if names is None else pd.DataFrame(rows, columns=names))


def manifests(shelf):
    """Manifests, sealed again, and the rows of a table as they say."""
    table = write_csv(shaking(n=5, seed=1), shelf.folder / "new.csv")

    def read(manifest):
        write_manifest(shelf.folder / "run", manifest)
        found = read_manifest(shelf.folder / "run")
        if found["source"] is not None:
            source_of(found, "run")
        new_rows(shelf.folder / "run", table)

    return changes(shelf.manifest), read


def manifest_bytes(shelf):
    """Manifests of other bytes."""
    write_manifest(shelf.folder / "run", shelf.manifest)
    raw = (shelf.folder / "run" / MANIFEST).read_bytes()

    def read(content):
        (shelf.folder / "run" / MANIFEST).write_bytes(content)
        read_manifest(shelf.folder / "run")

    return mutated(raw), read


@st.composite
def mutated(draw, raw):
    """Return bytes with some replaced, removed or added."""
    start = draw(st.integers(0, len(raw)))
    end = min(len(raw), start + draw(st.integers(0, 40)))
    return raw[:start] + draw(st.binary(max_size=40)) + raw[end:]


def descriptions(name, shelf):
    """Descriptions of a model, sealed again."""

    def read(description):
        forging.describe(shelf.folder / name, lambda old: (old.clear(), old.update(description)))
        shelf.predict(shelf.folder / name)

    return changes(shelf.description(name)), read


def weights(shelf):
    """Weights of other shapes and kinds."""
    raw = load((shelf.folder / "mlp" / "weights_.safetensors").read_bytes())

    def read(changed):
        name, shape, kind = changed
        forging.part(shelf.folder / "mlp", "weights_.safetensors", save(raw | {name: np.ones(shape, kind)}))
        shelf.predict(shelf.folder / "mlp")

    shapes = st.lists(st.integers(0, 5), max_size=4).map(tuple)
    return st.tuples(st.sampled_from([*raw, "other"]), shapes, st.sampled_from(["f4", "f8", "i8", "u1", "?"])), read


def tree_nodes(shelf):
    """Nodes of a forest with any numbers in them."""
    before = (shelf.folder / "forest" / "estimator_.skops").read_bytes()
    fields = st.sampled_from(["left_child", "right_child", "feature", "threshold", "n_node_samples"])

    def read(changed):
        (shelf.folder / "forest" / "estimator_.skops").write_bytes(before)

        def alter(inside):
            def put(nodes):
                for field, place, value in changed:
                    nodes[field][place % len(nodes)] = value

            inside.estimators_[0].tree_ = forging.nodes(inside.estimators_[0].tree_, put)

        forging.estimator(shelf.folder / "forest", alter)
        shelf.predict(shelf.folder / "forest")

    number = st.one_of(st.integers(-5, 40), st.integers(-(2**62), 2**62))
    return st.lists(st.tuples(fields, st.integers(0, 99), number), min_size=1, max_size=3), read


def boosted_nodes(shelf):
    """Nodes of a boosting with any numbers in them."""
    before = (shelf.folder / "boosting" / "estimator_.skops").read_bytes()
    fields = st.sampled_from(["left", "right", "feature_idx", "is_leaf", "is_categorical", "bitset_idx"])

    def read(changed):
        (shelf.folder / "boosting" / "estimator_.skops").write_bytes(before)

        def alter(inside):
            nodes = inside._predictors[0][0].nodes
            for field, place, value in changed:
                nodes[field][place % len(nodes)] = value

        forging.estimator(shelf.folder / "boosting", alter)
        shelf.predict(shelf.folder / "boosting")

    return st.lists(st.tuples(fields, st.integers(0, 99), st.integers(0, 200)), min_size=1, max_size=3), read


def skops_members(shelf):
    """The schema of an estimator, changed."""
    file = shelf.folder / "ridge" / "estimator_.skops"
    raw = file.read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}

    def read(schema):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as new:
            for name, content in members.items():
                new.writestr(name, json.dumps(schema) if name == "schema.json" else content)
        forging.part(shelf.folder / "ridge", file.name, out.getvalue())
        shelf.predict(shelf.folder / "ridge")

    return changes(json.loads(members["schema.json"])), read


def evidences(shelf):
    """Evidence with another value, kind, shape or attribute in it, sealed again."""
    tree = shelf.evidence
    variables = [(node.path, str(name)) for node in tree.subtree for name in node.to_dataset(inherit=False).variables]
    other = st.sampled_from([np.nan, np.inf, -1.0, 1e300, 7, -(2**62), "text", True])

    def read(changed):
        (path, name), value, attribute, junk = changed
        altered = tree.copy(deep=True)
        data = altered[path].to_dataset(inherit=False)
        variable = data.variables[name]
        if value is not None and not variable.size:
            return
        new = variable.values.astype(object if isinstance(value, str) else variable.dtype)
        if value is None:
            data = data.drop_vars(name)
        else:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                new.flat[-1] = np.asarray(value).astype(new.dtype) if new.dtype.kind in "biuf" else str(value)
            data = data.assign({name: (variable.dims, new.astype(str) if new.dtype == object else new)})
        altered[path] = xr.DataTree(data) if path != "/" else altered
        altered.attrs = tree.attrs | ({attribute: junk} if attribute else {})
        write_sealed(altered, shelf.folder / "e.nc")
        load_evidence(shelf.folder / "e.nc")

    attributes = st.one_of(st.none(), st.sampled_from([*map(str, tree.attrs)]))
    junk = st.one_of(st.text('ab{["0', max_size=5), st.integers(-5, 5), st.floats(allow_nan=True))
    return st.tuples(st.sampled_from(variables), st.one_of(st.none(), other), attributes, junk), read


# Kind, its share of the examples, and how it is made.
KINDS: dict[str, tuple[float, Callable]] = {
    "manifests": (0.3, manifests),
    "bytes of a manifest": (0.1, manifest_bytes),
    "descriptions of a network": (0.25, partial(descriptions, "mlp")),
    "descriptions of a ridge": (0.06, partial(descriptions, "ridge")),
    "weights": (0.1, weights),
    "nodes of a forest": (0.05, tree_nodes),
    "nodes of a boosting": (0.05, boosted_nodes),
    "schemas of an estimator": (0.06, skops_members),
    "Evidence": (0.03, evidences),
}


def fuzz(kind, shelf, examples):
    """Read ``examples`` changed files of a kind, and count how the readings ended."""
    strategy, read = KINDS[kind][1](shelf)
    found = Counter()

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=HealthCheck)
    @given(strategy)
    def each(changed):
        found[outcome(lambda: read(changed))] += 1

    each()
    return found


def main():
    """Print the endings by kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=12000)
    examples = parser.parse_args().examples
    total = Counter()
    for kind, (share, _) in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            shelf = Shelf(folder)
            begun = time.perf_counter()
            found = fuzz(kind, shelf, max(1, round(share * examples)))
        total += found
        seconds = time.perf_counter() - begun
        print(f"{kind:30} {found['refused']:6} refused {found['read']:6} read {seconds:6.1f} s", flush=True)  # noqa: T201
    print(f"{'all':30} {total['refused']:6} refused {total['read']:6} read, 0 anything else")  # noqa: T201


if __name__ == "__main__":
    main()
