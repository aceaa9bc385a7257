"""A model folder that someone changed is refused in a sentence, or predicts as before: no traceback, signal or wait."""

import io
import os
import shutil
import zipfile

import h5py
import numpy as np
import pytest
from safetensors.numpy import load, save
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.svm import SVR

from bayesgeo import BayesianLinearRegression, Exact
from bayesgeo._check import InvalidInput
from bayesgeo.models.baselines import LogisticClassifier, RidgeRegressor
from bayesgeo.models.networks.mlp import MLPClassifier, MLPRegressor
from bayesgeo.models.storage import load_model, save_model
from bayesgeo.models.wrappers.calibrated import CalibratedRegressor
from bayesgeo.models.wrappers.sklearn import SklearnClassifier, SklearnRegressor
from tests.models import forging
from tests.models.small import perceptron

ROWS = np.random.default_rng(0).normal(size=(60, 3)).round(3)
VALUES = ROWS @ [1.0, -2.0, 0.5]
CLASSES = np.array(["salt", "sand", "shale"])[np.digitize(VALUES, [-1.0, 1.0])]

MODELS = {
    "ridge": (RidgeRegressor(), ROWS, VALUES),
    "logistic": (LogisticClassifier(), ROWS, CLASSES),
    "forest": (SklearnClassifier(RandomForestClassifier(2)), ROWS, CLASSES),
    "boosting": (SklearnClassifier(HistGradientBoostingClassifier(max_iter=2)), ROWS, CLASSES),
    "gradient": (SklearnClassifier(GradientBoostingClassifier(n_estimators=2)), ROWS, CLASSES),
    "vectors": (SklearnRegressor(SVR()), ROWS, VALUES),
    "mlp": (perceptron(MLPClassifier, (4,), max_epochs=2), ROWS, CLASSES),
    "bayes": (BayesianLinearRegression(inference=Exact(draws=20)), ROWS, VALUES),
    "calibrated": (CalibratedRegressor(perceptron(MLPRegressor, (4,), max_epochs=2)), ROWS, VALUES),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return, by name, the folder of a model, rows and what it predicts for them."""
    shelf = tmp_path_factory.mktemp("models")
    found = {}
    for name, (model, X, y) in MODELS.items():
        model.set_params(random_state=0).fit(X, y)
        found[name] = save_model(model, shelf / name), X, model.predict_draws(X)
    return found


def text(folder, change):
    """Alter the text of a description without sealing it again."""
    path = folder / "model.json"
    path.write_bytes(change(path.read_bytes()))


def resealed(**changes):
    return lambda folder: forging.describe(folder, lambda d: d.update(changes))


def fitted(**values):
    return lambda folder: forging.fitted(folder, **values)


def array(values, dtype="<f8"):
    return {"array": values, "dtype": dtype}


def instead(make):
    """Put something else where ``model.json`` was."""

    def change(folder):
        (folder / "model.json").rename(folder.parent / "moved.json")
        make(folder / "model.json")

    return change


def tree(change):
    """Alter the nodes of the first tree of a forest or of gradient boosting."""

    def apply(inside):
        first = np.ravel(inside.estimators_)[0]
        first.tree_ = forging.nodes(first.tree_, change)

    return lambda folder: forging.estimator(folder, apply)


def boosted(change):
    """Alter the first tree of the boosting."""
    return lambda folder: forging.estimator(folder, lambda inside: change(inside._predictors[0][0]))


def put(field, value, which=0):
    def change(nodes):
        nodes[field][which] = value

    return change


def splits(predictor):
    return np.flatnonzero(predictor.nodes["is_leaf"] == 0)


def boosted_node(field, value):
    def change(predictor):
        predictor.nodes[field][splits(predictor)[0]] = value

    return boosted(change)


def categorical_node(**values):
    def change(predictor):
        where = splits(predictor)[0]
        for name, value in ({"is_categorical": 1} | values).items():
            predictor.nodes[name][where] = value

    return boosted(change)


def skops_with(change):
    """Rewrite the members of a skops file."""

    def apply(folder):
        packed, out = io.BytesIO((folder / "estimator_.skops").read_bytes()), io.BytesIO()
        with zipfile.ZipFile(packed) as old, zipfile.ZipFile(out, "w") as new:
            for member in old.infolist():
                new.writestr(member.filename, change(member.filename, old.read(member)))
        forging.part(folder, "estimator_.skops", out.getvalue())

    return apply


def wide_text(name, content):
    if not name.endswith(".npy"):
        return content
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "<U500000000", "fortran_order": False, "shape": (1,)})
    return out.getvalue()


def weights(**changes):
    def apply(folder):
        arrays = load((folder / "weights_.safetensors").read_bytes()) | changes
        forging.part(folder, "weights_.safetensors", save(arrays))

    return apply


def posterior(change):
    def apply(folder):
        file = folder / "posterior_.nc"
        with h5py.File(file, "r+") as opened:
            change(opened)
        forging.part(folder, file.name, file.read_bytes())

    return apply


def replace(group, name, value):
    def change(file):
        del file[group][name]
        file[group][name] = value

    return change


def header(length):
    return lambda folder: forging.part(folder, "weights_.safetensors", length.to_bytes(8, "little") + b'{"a":1}')


def cut(file):
    return lambda folder: forging.part(folder, file, (folder / file).read_bytes()[:-50])


def linked_part(folder):
    (folder / "estimator_.skops").rename(folder.parent / "elsewhere")
    (folder / "estimator_.skops").symlink_to(folder.parent / "elsewhere")


def piped_part(folder):
    (folder / "estimator_.skops").unlink()
    os.mkfifo(folder / "estimator_.skops")


DEEP = "[" * 100_000 + "]" * 100_000
CRAFTED = {
    "description: empty": ("ridge", lambda f: text(f, lambda _: b"")),
    "description: cut": ("ridge", lambda f: text(f, lambda t: t[:-20])),
    "description: not UTF-8": (
        "ridge",
        lambda f: text(f, lambda t: t.replace(b"ridge", b"\xff").replace(b"class", b"\xff")),
    ),
    "description: UTF-16": ("ridge", lambda f: text(f, lambda t: t.decode().encode("utf-16"))),
    "description: a list": ("ridge", lambda f: text(f, lambda _: b"[]")),
    "description: endless levels": ("ridge", lambda f: text(f, lambda _: DEEP.encode())),
    "description: levels in a value": (
        "ridge",
        lambda f: text(f, lambda t: t.replace(b'"fitted": {', f'"fitted": {{"a_": {DEEP},'.encode())),
    ),
    "description: a name twice": (
        "ridge",
        lambda f: text(f, lambda t: t.replace(b'"format"', b'"format": 3, "format"')),
    ),
    "description: NaN": ("ridge", lambda f: text(f, lambda t: t.replace(b'"sigma_": ', b'"sigma_": NaN, "x_": '))),
    "description: beyond double": (
        "ridge",
        lambda f: text(f, lambda t: t.replace(b'"sigma_": ', b'"sigma_": 1e999, "x_": ')),
    ),
    "description: another number": ("ridge", lambda f: text(f, lambda t: t.replace(b'"sigma_": ', b'"sigma_": 1'))),
    "description: a number of 5,000 digits": (
        "ridge",
        lambda f: text(f, lambda t: t.replace(b'"sigma_": ', b'"sigma_": ' + b"1" * 5000)),
    ),
    "description: a link": ("ridge", instead(lambda path: path.symlink_to(path.parent.parent / "moved.json"))),
    "description: a link to itself": ("ridge", instead(lambda path: path.symlink_to(path))),
    "description: a pipe": ("ridge", instead(os.mkfifo)),
    "description: a folder": ("ridge", instead(lambda path: path.mkdir())),
    "description: too large": (
        "ridge",
        instead(lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 2**31)),
    ),
    "entries: of other types": ("ridge", resealed(fitted=[], files="x")),
    "entries: files is no mapping of mappings": ("ridge", resealed(files={"estimator_": 7})),
    "entries: a file without a hash": ("ridge", resealed(files={"estimator_": {"file": "estimator_.skops"}})),
    "entries: a file whose name is a number": ("ridge", resealed(files={"estimator_": {"file": 7, "sha256": 7}})),
    "entries: no part": ("ridge", resealed(files={})),
    "class: another task's": ("ridge", resealed(**{"class": "LogisticClassifier"})),
    "class: a base": ("ridge", resealed(**{"class": "SklearnModelRegressor"})),
    "parameters: of another type": ("mlp", resealed(parameters={"hidden": "many"})),
    "parameters: a thousand million units": ("mlp", resealed(parameters={"hidden": {"tuple": [10**9, 10**9]}})),
    "names: a method": ("ridge", fitted(predict="mine")),
    "names: a property": ("ridge", fitted(noise_=1.0)),
    "names: double underscores": ("ridge", fitted(__class__="x")),
    "names: double underscores with a part": ("ridge", fitted(__dict__={})),
    "names: a class attribute": ("ridge", fitted(kind="baseline")),
    "names: one that nobody reads": ("ridge", fitted(remark_="mine")),
    "features: one too few": ("ridge", fitted(n_features_in_=2)),
    "features: none": ("ridge", fitted(n_features_in_=0)),
    "features: a text": ("ridge", fitted(n_features_in_="3")),
    "features: more than memory": ("bayes", fitted(n_features_in_=10**12)),
    "features: names too few": ("ridge", fitted(feature_names_in_=array(["a"], "str"))),
    "seed: below zero": ("bayes", fitted(seed_=-1)),
    "noise: below zero": ("ridge", fitted(sigma_=-1.0)),
    "noise: a text": ("ridge", fitted(sigma_="wide")),
    "noise: not there": ("ridge", fitted(sigma_=None)),
    "classes: one too many": ("logistic", fitted(classes_=array(["a", "b", "c", "d"], "str"))),
    "classes: one twice": ("logistic", fitted(classes_=array(["a", "a", "b"], "str"))),
    "classes: out of order": ("logistic", fitted(classes_=array(["sand", "salt", "shale"], "str"))),
    "classes: a table": ("logistic", fitted(classes_=array([["a", "b", "c"]], "str"))),
    "classes: a text of 2 GB": ("logistic", fitted(classes_=array(["a", "b", "c"], "<U500000000"))),
    "classes: objects": ("logistic", fitted(classes_=array(["a", "b", "c"], "O"))),
    "classes: ragged": ("logistic", fitted(classes_=array(["a", ["b"], "c"], "str"))),
    "scale: one for all": ("mlp", fitted(scale_=array([1.0]))),
    "scale: zero": ("mlp", fitted(scale_=array([1.0, 0.0, 1.0]))),
    "scale: not a number": ("bayes", fitted(scale_=array(["1.0", "nan", "1.0"]))),
    "scale: of an unknown type": ("bayes", fitted(scale_=array([1.0, 1.0, 1.0], "nonsense"))),
    "weights: another width": ("mlp", weights(weight_0=np.zeros((3, 5), np.float32))),
    "weights: one bias for all": ("mlp", weights(bias_0=np.zeros(1, np.float32))),
    "weights: more draws of one": ("mlp", weights(weight_0=np.zeros((1, 2, 3, 4), np.float32))),
    "weights: a header beyond the file": ("mlp", header(2**60)),
    "weights: a header that is none": ("mlp", header(7)),
    "weights: cut": ("mlp", cut("weights_.safetensors")),
    "posterior: cut": ("bayes", cut("posterior_.nc")),
    "posterior: no netCDF": ("bayes", lambda f: forging.part(f, "posterior_.nc", b"not netCDF")),
    "posterior: empty": ("bayes", lambda f: forging.part(f, "posterior_.nc", b"")),
    "posterior: an external link": (
        "bayes",
        posterior(replace("posterior", "weight", h5py.ExternalLink("o.nc", "/x"))),
    ),
    "posterior: another shape": ("bayes", posterior(replace("posterior", "weight", np.zeros((4, 20, 9))))),
    "posterior: texts": ("bayes", posterior(replace("posterior", "weight", "none"))),
    "posterior: without the draws": ("bayes", posterior(lambda file: file.pop("posterior"))),
    "skops: no archive": ("ridge", lambda f: forging.part(f, "estimator_.skops", b"PK")),
    "skops: cut": ("ridge", cut("estimator_.skops")),
    "skops: a text of 2 GB": ("ridge", skops_with(wide_text)),
    "skops: endless levels": ("ridge", skops_with(lambda n, c: DEEP if n == "schema.json" else c)),
    "skops: an empty schema": ("ridge", skops_with(lambda n, c: "{}" if n == "schema.json" else c)),
    "skops: a link": ("ridge", linked_part),
    "skops: a pipe": ("ridge", piped_part),
    "skops: a model of another kind": (
        "ridge",
        lambda f: forging.estimator(f, lambda _: RandomForestClassifier(2).fit(ROWS, CLASSES)),
    ),
    "skops: a mapping": ("ridge", lambda f: forging.estimator(f, lambda _: {"a": 1})),
    "skops: not fitted": ("ridge", lambda f: forging.estimator(f, lambda _: RandomForestClassifier(2))),
    "tree: a child far away": ("forest", tree(put("left_child", 10**7))),
    "tree: a child below zero": ("forest", tree(put("right_child", -5))),
    "tree: its own child": ("forest", tree(put("left_child", 0))),
    "tree: a feature far away": ("forest", tree(put("feature", 10**7))),
    "tree: a feature below zero": ("forest", tree(put("feature", -7))),
    "tree: features of its own": ("forest", lambda f: forging.estimator(f, lambda e: setattr(e, "n_features_in_", 2))),
    "forest: no trees": ("forest", lambda f: forging.estimator(f, lambda e: setattr(e, "estimators_", []))),
    "gradient: a child far away": ("gradient", tree(put("right_child", 10**7))),
    "gradient: another number of classes": (
        "gradient",
        lambda f: forging.estimator(f, lambda e: setattr(e, "n_trees_per_iteration_", 1)),
    ),
    "boosting: a child far away": ("boosting", boosted_node("left", 4 * 10**9)),
    "boosting: its own child": ("boosting", boosted_node("right", 0)),
    "boosting: a feature far away": ("boosting", boosted_node("feature_idx", 10**6)),
    "boosting: categories far away": ("boosting", categorical_node(bitset_idx=10**6, feature_idx=2)),
    "boosting: categories of a number": ("boosting", categorical_node(bitset_idx=0, feature_idx=0)),
    "vectors: more than there are": (
        "vectors",
        lambda f: forging.estimator(f, lambda e: setattr(e, "_n_support", e._n_support + 10**6)),
    ),
    "vectors: fewer coefficients": (
        "vectors",
        lambda f: forging.estimator(f, lambda e: setattr(e, "_dual_coef_", e._dual_coef_[:, :1])),
    ),
    "inside: gone": ("calibrated", lambda f: shutil.rmtree(f / "estimator_")),
    "inside: a link": (
        "calibrated",
        lambda f: ((f / "estimator_").rename(f.parent / "m"), (f / "estimator_").symlink_to(f.parent / "m")),
    ),
    "inside: the folder itself": (
        "calibrated",
        lambda f: forging.describe(f, lambda d: d["files"]["estimator_"].update(file=".")),
    ),
}


# What needs a netCDF file or a second model is for make test-long; a case of every other check is in each run.
LONG = ("posterior", "vectors", "gradient", "weights", "inside", "entries", "skops", "scale", "seed")
CASES = [
    pytest.param(*case, id=name, marks=pytest.mark.long if name.startswith(LONG) else ())
    for name, case in CRAFTED.items()
]


def test_there_are_forty_crafted_folders():
    assert len(CRAFTED) >= 40


@pytest.mark.slow
@pytest.mark.parametrize(("name", "change"), CASES)
def test_a_crafted_folder_is_refused_or_predicts_as_before(name, change, saved, tmp_path):
    folder, X, expected = saved[name]
    copy = shutil.copytree(folder, tmp_path / name)
    change(copy)
    try:
        model = load_model(copy)
    except InvalidInput as error:
        assert str(error).startswith("Invalid ")  # noqa: PT017
        return
    assert model.predict_draws(X).identical(expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_what_nobody_changed_is_loaded(name, saved):
    folder, X, expected = saved[name]
    assert load_model(folder).predict_draws(X).identical(expected)


@pytest.mark.slow
def test_a_folder_with_other_files_is_never_replaced(saved, tmp_path):
    folder = shutil.copytree(saved["ridge"][0], tmp_path / "model")
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match=r"Invalid folder .* would be lost: thesis\.tex\. Give a new folder"):
        save_model(MODELS["ridge"][0], folder)
    assert (folder / "thesis.tex").read_text() == "years of work"
    with pytest.raises(ValueError, match=r"Invalid folder .* It is a file"):
        save_model(MODELS["ridge"][0], folder / "thesis.tex")
