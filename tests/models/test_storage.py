"""A saved model is data: it predicts bit for bit as before, and what was tampered with is refused."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bayesgeo import NUTS, BayesianLogisticRegression, Exact, catalog
from bayesgeo.models import baselines
from bayesgeo.models.baselines import RidgeRegressor
from bayesgeo.models.networks.ensemble import DeepEnsembleRegressor
from bayesgeo.models.networks.mlp import MLPClassifier, MLPRegressor
from bayesgeo.models.storage import _seal, _sha256, load_model, save_model
from bayesgeo.models.training.recipe import Recipe
from bayesgeo.models.wrappers.calibrated import CalibratedClassifier
from bayesgeo.models.wrappers.conformal import ConformalRegressor
from bayesgeo.models.wrappers.sklearn import SklearnClassifier
from tests.fake import FakePosterior
from tests.models.small import small
from tests.pickles import is_pickled

KINDS = {f"{task}-{name}": (task, kind) for task in ("classification", "regression")
         for name, kind in catalog.models(task).items()}  # fmt: skip


def fitted(task, kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    y = X @ [1.0, -2.0] + rng.normal(size=30)
    target = y if task == "regression" else np.array(["sand", "salt", "shale"])[np.digitize(y, [-1, 1])]
    return small(kind, hidden=(4,), max_epochs=3, draws=20, random_state=0).fit(X, target), X


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(baselines, "TREES", 5)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "kind"), KINDS.values(), ids=KINDS)
def test_a_loaded_model_predicts_bit_for_bit_as_before(task, kind, tmp_path):
    model, X = fitted(task, kind)
    again = load_model(save_model(model, tmp_path / "model"))
    assert type(again) is kind
    for draws in ("expected", "response"):
        assert again.predict_draws(X, kind=draws).identical(model.predict_draws(X, kind=draws))
    assert np.array_equal(again.predict(X), model.predict(X))


@pytest.mark.slow
@pytest.mark.parametrize(("task", "kind"), KINDS.values(), ids=KINDS)
def test_nothing_in_the_folder_is_a_pickle(task, kind, tmp_path):
    model, _ = fitted(task, kind)
    files = [file for file in save_model(model, tmp_path / "model").rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if is_pickled(file)]


def test_the_search_for_pickles_finds_one(tmp_path):
    import pickle

    (tmp_path / "a.bin").write_bytes(pickle.dumps([1, 2]))
    assert is_pickled(tmp_path / "a.bin")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("x", pickle.dumps([1, 2]))
    assert is_pickled(tmp_path / "b.zip")


@pytest.fixture
def saved(tmp_path):
    model, _ = fitted("classification", catalog.models("classification")["boosting"])
    return save_model(model, tmp_path / "model")


def edit(folder, **changes):
    """Change a description and seal it again, as a forger would."""
    path = folder / "model.json"
    description = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(description | {"sha256": _seal(description)}))


@pytest.mark.slow
def test_an_altered_part_is_refused(saved):
    part = saved / "estimator_.skops"
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(ValueError, match=r"Invalid model part .*\. Its content has changed since it was saved"):
        load_model(saved)


def test_a_missing_part_is_refused(saved):
    (saved / "estimator_.skops").unlink()
    with pytest.raises(ValueError, match=r"Invalid model part 'estimator_\.skops'\. It is not a file of the model"):
        load_model(saved)


@pytest.mark.parametrize("name", ["../outside.skops", "/etc/hostname", "sub/part.skops"])
def test_a_path_that_leaves_the_folder_is_refused(saved, name):
    (saved.parent / "outside.skops").write_bytes((saved / "estimator_.skops").read_bytes())
    (saved / "sub").mkdir()
    (saved / "sub" / "part.skops").write_bytes((saved / "estimator_.skops").read_bytes())
    edit(saved, files={"estimator_": {"file": name, "sha256": "0"}})
    with pytest.raises(ValueError, match=r"Invalid model part .* It is not a file of the model's folder"):
        load_model(saved)


def test_a_link_out_of_the_folder_is_refused(saved):
    part = saved / "estimator_.skops"
    part.rename(saved.parent / "elsewhere.skops")
    part.symlink_to(saved.parent / "elsewhere.skops")
    with pytest.raises(ValueError, match=r"Invalid model part .* It is not a file of the model's folder"):
        load_model(saved)


@pytest.mark.parametrize("changes", [{"format": 1}, {"format": None}])
def test_another_format_is_refused(saved, changes):
    edit(saved, **changes)
    with pytest.raises(ValueError, match=r"Invalid model .* Its format is not 3\. Save it again"):
        load_model(saved)


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_a_description_that_is_no_description_is_refused(saved, text):
    (saved / "model.json").write_text(text)
    with pytest.raises(ValueError, match=r"Invalid model .* (cannot be read|format is not 3)"):
        load_model(saved)


@pytest.mark.parametrize("missing", ["class", "files", "fitted", "parameters"])
def test_a_description_that_lacks_an_entry_is_refused(saved, missing):
    path = saved / "model.json"
    description = json.loads(path.read_text())
    del description[missing]
    path.write_text(json.dumps(description))
    with pytest.raises(ValueError, match=rf"Invalid model .* It lacks '{missing}'"):
        load_model(saved)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Invalid model .* It has no model\.json\. Give a folder that a run saved"):
        load_model(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["BoostingClassifer", "os.system", "Pipeline", "os:system", "sklearn.pipeline:Pipeline"]
)
def test_a_class_that_is_none_of_ours_is_refused(saved, name):
    edit(saved, **{"class": name})
    with pytest.raises(ValueError, match=rf"Invalid model class '{name}'\. Unknown model class"):
        load_model(saved)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"value": "system", "of": "inference"}, r"Invalid value 'system'\. Unknown value"),
        ({"value": "distill", "of": "models"}, r"Invalid value 'distill'\. It is not a value that a model keeps"),
        ({"value": "RidgeRegressor", "of": "models"}, r"Invalid value 'RidgeRegressor'\. It is not a value"),
        ({"value": "study", "of": "runs"}, r"Invalid kind of value 'runs'"),
    ],
)
def test_a_value_that_is_no_inference_and_no_recipe_is_refused(saved, value, message):
    edit(saved, parameters={"random_state": {**value, "settings": {}}})
    with pytest.raises(ValueError, match=message):
        load_model(saved)


def test_a_class_of_another_package_that_is_no_entry_point_is_never_imported(saved, tmp_path, monkeypatch):
    (tmp_path / "strange_package.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    remedy = r"Unknown model class\. Install the package that registers it in bayesgeo\.models"
    edit(saved, **{"class": "strange_package:Model"})
    with pytest.raises(ValueError, match=remedy):
        load_model(saved)
    assert "strange_package" not in sys.modules


def test_a_parameter_that_the_class_does_not_have_is_refused(saved):
    edit(saved, parameters={"depth": 3})
    with pytest.raises(ValueError, match=r"Invalid model .* 'depth'"):
        load_model(saved)


def test_a_type_that_is_not_trusted_is_refused(saved):
    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    part = saved / "estimator_.skops"
    skops.io.dump(FunctionTransformer(np.testing.measure), part)
    edit(saved, files={"estimator_": {"file": part.name, "sha256": _sha256(part)}})
    with pytest.raises(ValueError, match=r"It holds types that are not trusted: \['numpy\.testing"):
        load_model(saved)


def again(model, tmp_path):
    return load_model(save_model(model, tmp_path / "m"))


def test_the_inference_is_kept_with_its_settings(tmp_path):
    kind = catalog.models("regression")["bayesian_linear"]
    model = kind(inference=Exact(draws=7), random_state=0).fit(np.arange(4.0)[:, None], np.arange(4.0) ** 2)
    assert again(model, tmp_path).inference == Exact(draws=7)


def test_the_recipe_is_kept_with_its_settings(tmp_path):
    recipe = Recipe(optimiser="nesterov", learning_rate=0.01, max_epochs=3)
    model = MLPRegressor((4,), recipe=recipe, random_state=0).fit(*values())
    assert again(model, tmp_path).recipe == recipe


def values(n=40):
    X = np.random.default_rng(0).normal(size=(n, 2))
    return X, X @ [1.0, -2.0]


def classes(n=40):
    X, y = values(n)
    return X, np.where(y > 0, "sand", "shale")


INSIDE = {
    "a Bayesian model": (
        CalibratedClassifier(BayesianLogisticRegression(prior_scale=0.7, inference=NUTS(draws=9))),
        classes,
    ),
    "a network": (CalibratedClassifier(MLPClassifier((5,), recipe=Recipe(l1=0.1, max_epochs=3))), classes),
    "an ensemble": (DeepEnsembleRegressor(MLPRegressor((5,), recipe=Recipe(max_epochs=3)), members=2), values),
    "an estimator of scikit-learn": (SklearnClassifier(RandomForestClassifier(5, max_depth=2)), classes),
    "a pipeline": (SklearnClassifier(make_pipeline(StandardScaler(), LogisticRegression(C=0.3))), classes),
    "scikit-learn's two levels down": (CalibratedClassifier(SklearnClassifier(RandomForestClassifier(5))), classes),
    "scikit-learn's in a conformal one": (ConformalRegressor(Ridge(alpha=0.3)), values),
}


@pytest.mark.slow
@pytest.mark.parametrize(("model", "rows"), INSIDE.values(), ids=INSIDE)
def test_an_estimator_among_the_parameters_is_kept_and_can_be_fitted_again(model, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(NUTS, "run", FakePosterior(draws=9).run)
    model = clone(model).set_params(random_state=0).fit(*rows())
    loaded = again(model, tmp_path)
    assert repr(loaded) == repr(model)
    refitted = clone(loaded).fit(*rows())
    assert refitted.predict_draws(rows()[0]).identical(model.predict_draws(rows()[0]))


def test_a_fitted_model_among_the_parameters_is_kept_without_its_fit(tmp_path):
    X, y = values()
    start = MLPRegressor((4,), recipe=Recipe(max_epochs=2), random_state=0).fit(X, y)
    model = MLPRegressor((4,), recipe=Recipe(max_epochs=2), start=start, random_state=0).fit(X, y)
    loaded = again(model, tmp_path)
    assert loaded.start.get_params() == start.get_params()
    assert not hasattr(loaded.start, "weights_")
    assert np.array_equal(loaded.predict(X), model.predict(X))


HEAVY = "[name for name in ('pymc', 'pytensor', 'jax', 'torch', 'nutpie', 'blackjax') if name in sys.modules]"
PREDICT = f"""
import sys
import numpy as np
from bayesgeo.models.storage import load_model, save_model
model = load_model(sys.argv[1])
print(model.predict(np.eye(2)).tolist())
print({HEAVY})
save_model(model, sys.argv[2])
print({HEAVY})
"""


@pytest.mark.slow
def test_a_ridge_is_saved_and_loaded_without_a_heavy_library(tmp_path, repository):
    model = RidgeRegressor(random_state=0).fit(*values())
    save_model(model, tmp_path / "ridge")
    command = [sys.executable, "-c", PREDICT, tmp_path / "ridge", tmp_path / "again"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    predicted, heavy, still = done.stdout.splitlines()
    assert predicted == str(model.predict(np.eye(2)).tolist())
    assert heavy == still == "[]"


def test_saving_again_replaces_and_a_failed_save_leaves_the_old_one(saved, monkeypatch):
    before = (saved / "model.json").read_bytes()
    model, _ = fitted("classification", catalog.models("classification")["majority"])
    with monkeypatch.context() as patch:
        patch.setattr("bayesgeo.models.storage._sha256", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError, match="division"):
            save_model(model, saved)
    assert (saved / "model.json").read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
    save_model(model, saved)
    assert type(load_model(saved)).__name__ == "MajorityClassifier"


@pytest.fixture
def nested(tmp_path):
    model, X = fitted("regression", catalog.models("regression")["calibrated"])
    return save_model(model, tmp_path / "model"), model, X


def test_an_estimator_inside_is_kept_in_a_folder_of_its_own(nested):
    folder, model, X = nested
    assert (folder / "estimator_" / "model.json").is_file()
    again = load_model(folder)
    assert type(again.estimator_) is type(model.estimator_)
    assert np.array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize("part", ["model.json", "weights_.safetensors"])
def test_an_altered_estimator_inside_is_refused(nested, part):
    file = nested[0] / "estimator_" / part
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(ValueError, match=r"Its content has changed since it was saved"):
        load_model(nested[0])


@pytest.mark.parametrize("name", ["..", ".", "../model", "/tmp"])
def test_an_estimator_outside_the_folder_is_refused(nested, name):
    edit(nested[0], files={"estimator_": {"file": name, "sha256": "0"}})
    with pytest.raises(ValueError, match=r"Invalid model part .* It is not a file of the model's folder"):
        load_model(nested[0])


def test_an_estimator_inside_that_is_no_folder_of_the_model_is_refused(nested):
    (nested[0] / "estimator_").rename(nested[0] / "moved")
    (nested[0] / "estimator_").symlink_to(nested[0] / "moved")
    with pytest.raises(ValueError, match=r"It is not a file of the model's folder"):
        load_model(nested[0])
    (nested[0] / "estimator_").unlink()
    (nested[0] / "estimator_").mkdir()
    with pytest.raises(ValueError, match=r"Invalid model part .* It holds no model"):
        load_model(nested[0])
