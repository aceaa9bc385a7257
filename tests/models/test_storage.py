"""A saved model is data: it predicts bit for bit as before, and what was tampered with is refused."""

import json
import zipfile

import numpy as np
import pytest

from bayesgeo import Exact, catalog
from bayesgeo.models import baselines
from bayesgeo.models.bayesian import Bayesian
from bayesgeo.models.networks.base import MLP
from bayesgeo.models.networks.ensemble import DeepEnsemble
from bayesgeo.models.networks.tuned import TunedMLP
from bayesgeo.models.storage import load_model, save_model
from bayesgeo.models.students.base import Student
from bayesgeo.models.wrappers.calibrated import Wrapping
from tests.fake import FakePosterior

KINDS = {f"{task}-{name}": (task, kind) for task in ("classification", "regression")
         for name, kind in catalog.models(task).items()}  # fmt: skip


def fitted(task, kind, **parameters):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    y = X @ [1.0, -2.0] + rng.normal(size=30)
    if issubclass(kind, MLP):
        parameters |= {"hidden": (4,), "max_epochs": 3}
    if issubclass(kind, DeepEnsemble):
        parameters |= {"members": 2}
    if issubclass(kind, Wrapping):
        parameters |= {"estimator": kind.default(hidden=(4,), max_epochs=3)}
    if issubclass(kind, Student):
        teacher = kind()._default_teacher().set_params(hidden=(4,), members=2, max_epochs=3)
        parameters |= {"teacher": teacher, "hidden": (4,), "transfer": 2, "max_epochs": 3}
    if issubclass(kind, TunedMLP):
        parameters |= {"widths": (4,), "depths": (1,), "max_epochs": 3}
    if issubclass(kind, Bayesian):
        parameters |= {"inference": FakePosterior(draws=20)}
    target = y if task == "regression" else np.array(["sand", "salt", "shale"])[np.digitize(y, [-1, 1])]
    return kind(random_state=0, **parameters).fit(X, target), X


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(baselines, "TREES", 5)


@pytest.mark.parametrize(("task", "kind"), KINDS.values(), ids=KINDS)
def test_a_loaded_model_predicts_bit_for_bit_as_before(task, kind, tmp_path):
    model, X = fitted(task, kind)
    again = load_model(save_model(model, tmp_path / "model"))
    assert type(again) is kind
    for draws in ("expected", "response"):
        assert again.predict_draws(X, kind=draws).identical(model.predict_draws(X, kind=draws))
    assert np.array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize(("task", "kind"), KINDS.values(), ids=KINDS)
def test_nothing_in_the_folder_is_a_pickle(task, kind, tmp_path):
    model, _ = fitted(task, kind)
    files = [file for file in save_model(model, tmp_path / "model").rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if is_pickled(file)]


def is_pickled(file):
    """Tell a pickle by its first bytes, a stop at its end, or a zip member of that name."""
    if zipfile.is_zipfile(file):
        members = zipfile.ZipFile(file)
        return any(name.endswith((".pkl", ".pickle")) or pickled(members.read(name)) for name in members.namelist())
    return pickled(file.read_bytes())


def pickled(content):
    return content[:1] == b"\x80" and content[1:2] in b"\x02\x03\x04\x05" and content[-1:] == b"."


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
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


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


@pytest.mark.parametrize("changes", [{"format": 2}, {"format": None}])
def test_another_format_is_refused(saved, changes):
    edit(saved, **changes)
    with pytest.raises(ValueError, match=r"Invalid model .* Its format is not 1\. Save it again"):
        load_model(saved)


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_a_description_that_is_no_description_is_refused(saved, text):
    (saved / "model.json").write_text(text)
    with pytest.raises(ValueError, match=r"Invalid model .* (cannot be read|format is not 1)"):
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


@pytest.mark.parametrize("name", ["BoostingClassifer", "os.system", "Pipeline"])
def test_a_class_that_is_none_of_ours_is_refused(saved, name):
    edit(saved, **{"class": name})
    with pytest.raises(ValueError, match=rf"Invalid model class '{name}'\. It is not known"):
        load_model(saved)


def test_an_inference_that_is_none_of_ours_is_refused(saved):
    edit(saved, parameters={"random_state": {"inference": "system", "settings": {}}})
    with pytest.raises(ValueError, match=r"Invalid inference 'system'\. It is not known"):
        load_model(saved)


def test_a_parameter_that_the_class_does_not_have_is_refused(saved):
    edit(saved, parameters={"depth": 3})
    with pytest.raises(ValueError, match=r"Invalid model .* 'depth'"):
        load_model(saved)


def test_a_type_that_is_not_trusted_is_refused(saved):
    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    from bayesgeo.models.storage import _sha256

    part = saved / "estimator_.skops"
    skops.io.dump(FunctionTransformer(np.testing.measure), part)
    edit(saved, files={"estimator_": {"file": part.name, "sha256": _sha256(part)}})
    with pytest.raises(ValueError, match=r"It holds types that are not trusted: \['numpy\.testing"):
        load_model(saved)


def test_the_inference_is_kept_with_its_settings(tmp_path):
    kind = catalog.models("regression")["bayesian_linear"]
    model = kind(inference=Exact(draws=7), random_state=0).fit(np.arange(4.0)[:, None], np.arange(4.0) ** 2)
    assert load_model(save_model(model, tmp_path / "m")).inference == Exact(draws=7)


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
