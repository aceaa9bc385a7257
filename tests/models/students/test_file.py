"""A student in one file: it predicts bit for bit as before, and a file that is not as it was written is refused."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, save

from bayesgeo._check import InvalidInput
from bayesgeo.models.architecture import ACTIVATIONS
from bayesgeo.models.students.description import KEY
from bayesgeo.models.students.file import ARRAYS, _sha256, load_student, save_student
from bayesgeo.models.students.onnx import export_onnx
from bayesgeo.models.students.students import StudentClassifier, StudentRegressor, distill
from tests.models.students.known_teachers import KnownClassifier, KnownRegressor, class_rows, value_rows

QUICK = {"hidden": (6, 5), "transfer": 1, "max_epochs": 10, "random_state": 0}
NAMES = ["GR (API)", "Vp/Vs"]


def taught(task, **settings):
    X, y = (class_rows if task == "classification" else value_rows)(60)
    frame = pd.DataFrame(X, columns=NAMES)
    teacher = (KnownClassifier if task == "classification" else KnownRegressor)(random_state=0).fit(frame, y)
    return distill(teacher, frame, y, **QUICK | settings), frame


@pytest.fixture(scope="module", params=["classification", "regression"])
def student(request):
    return taught(request.param)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return save_student(taught("classification")[0], tmp_path_factory.mktemp("student") / "student.safetensors")


def answers(model, frame):
    """Return every prediction of a student."""
    parts = [model.predict(frame), model.predict_draws(frame), model.predict_draws(frame, kind="response")]
    parts += [model.uncertainty(frame)[name] for name in ("aleatoric", "epistemic")]
    return [np.asarray(part) for part in parts]


@pytest.mark.slow
def test_a_loaded_student_predicts_bit_for_bit_as_before(student, tmp_path):
    model, frame = student
    again = load_student(save_student(model, tmp_path / "s.safetensors"))
    assert type(again) is type(model)
    for before, after in zip(answers(model, frame), answers(again, frame), strict=True):
        assert np.array_equal(before, after)
    assert again.get_params()["hidden"] == (6, 5)
    with pytest.raises(ValueError, match="feature names should match"):
        again.predict(frame.rename(columns={"Vp/Vs": "PE"}))


@pytest.mark.slow
def test_a_fresh_process_loads_it_without_heavy_libraries(student, tmp_path):
    model, frame = student
    save_student(model, tmp_path / "s.safetensors")
    frame.to_pickle(tmp_path / "rows.pkl")
    np.savez(tmp_path / "before.npz", *answers(model, frame))
    code = f"""
import sys
sys.path[:0] = {[str(path) for path in sys.path]!r}
from bayesgeo.models.students.file import load_student
model = load_student({str(tmp_path / "s.safetensors")!r})
import pandas as pd, numpy as np
from tests.models.students.test_file import answers
frame = pd.read_pickle({str(tmp_path / "rows.pkl")!r})
with np.load({str(tmp_path / "before.npz")!r}) as before:
    assert all(np.array_equal(before[f"arr_{{k}}"], part) for k, part in enumerate(answers(model, frame)))
heavy = ("pymc", "pytensor", "torch", "jax", "nutpie", "arviz")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("classes", [[3, 1], [True, False], [2.0, 1.0], ["b", "a"]], ids=str)
def test_classes_keep_their_kind(classes, tmp_path):
    X, _ = class_rows(40)
    y = np.array(classes)[(X[:, 0] > 0).astype(int)]
    teacher = KnownClassifier(random_state=0).fit(X, y)
    model = distill(teacher, X, y, **QUICK)
    again = load_student(save_student(model, tmp_path / "s.safetensors"))
    assert again.classes_.dtype.kind == np.array(classes).dtype.kind
    assert np.array_equal(again.predict(X), model.predict(X))


def test_the_file_is_small(student, tmp_path):
    model, _ = student
    n_numbers = model.network_.parameters + sum(getattr(model, name).size for name in ARRAYS)
    assert save_student(model, tmp_path / "s").stat().st_size < 8 * n_numbers + 3000


def header(content):
    """Split a safetensors file into its header and its tensors."""
    size = int.from_bytes(content[:8], "little")
    return content[8 : 8 + size], content[8 + size :]


def joined(head, tensors):
    return len(head).to_bytes(8, "little") + head + tensors


def forged(content, change):
    """Let ``change(description, arrays)`` alter what is in a file, and give it the hash of what it then holds."""
    description = json.loads(json.loads(header(content)[0])["__metadata__"][KEY])
    arrays = dict(load(content))
    change(description, arrays)
    description["sha256"] = _sha256(description, arrays)
    return save(arrays, {KEY: json.dumps(description)})


def put(part, **changes):
    """Return a change of one part of the description, or of the description itself."""

    def change(description, arrays):
        (description[part] if part else description).update(changes)

    return lambda content: forged(content, change)


def with_array(name, edit):
    def change(description, arrays):
        arrays[name] = edit(arrays[name])

    return lambda content: forged(content, change)


def without(name):
    return lambda content: forged(content, lambda description, arrays: arrays.pop(name))


def named(name):
    """Return a change that adds a tensor of that name."""

    def change(description, arrays):
        arrays[name] = np.zeros(2)

    return lambda content: forged(content, change)


def flipped(content):
    return content[:-1] + bytes([content[-1] ^ 1])


def twice_in_header(content):
    head, tensors = header(content)
    return joined(head.rstrip()[:-1] + b',"bias_0":{"dtype":"F64","shape":[0],"data_offsets":[0,0]}}', tensors)


def twice_in_description(content):
    metadata = json.loads(header(content)[0])["__metadata__"][KEY]
    return save(load(content), {KEY: metadata[:-1] + ', "class": "StudentRegressor"}'})


class Bomb:
    """A file that a loader running code would create."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


BAD = {
    "cut short": (lambda c: c[:-9], "cannot be read"),
    "cut in the header": (lambda c: c[:40], "cut short"),
    "empty": (lambda c: b"", "not a safetensors file"),
    "a flipped bit": (flipped, "SHA-256 differs"),
    "huge header": (lambda c: (2**40).to_bytes(8, "little") + c[8:], "too many, or the file is cut short"),
    "large header": (lambda c: joined(header(c)[0] + b" " * 2**21, header(c)[1]), "too many"),
    "NaN weights": (with_array("weight_0", lambda w: w * np.nan), "weight_0 has values that are missing or infinite"),
    "infinite scale": (with_array("scale_", lambda s: s + np.inf), "scale_ has values"),
    "zero scale": (with_array("scale_", lambda s: 0 * s), "A scale is not above zero"),
    "wrong shape": (with_array("weight_1", lambda w: w.T.copy()), r"weight_1 is float32 \(5, 6\)"),
    "double precision": (with_array("bias_0", lambda b: b.astype("f8")), "bias_0 is float64"),
    "a weight missing": (without("weight_1"), r"missing or unknown: weight_1"),
    "tensor that escapes": (named("../../bias_9"), r"missing or unknown: \.\./\.\./bias_9"),
    "class that escapes": (put("", **{"class": "../../os.system"}), r"Invalid student class"),
    "feature that escapes": (put("", features=["GR", "../../etc/passwd"]), "a path out of its folder"),
    "absolute feature": (put("", features=["GR", "/etc/passwd"]), "a path out of its folder"),
    "label that escapes": (put("classes", values=["..\\x", "a", "b"]), "a path out of its folder"),
    "feature that the terminal obeys": (put("", features=["GR", "\x1b[2J"]), "unprintable characters"),
    "other schema": (put("", schema_version=2), "schema version is 2, not 1"),
    "another part": (put("", code="import os"), "missing, unknown or of another type"),
    "part of another type": (put("", units="API"), "unknown or of another type"),
    "wrong number of features": (put("", n_features=3), "does not name 3 features"),
    "no number": (put("fitted", correction_=float("nan")), "NaN is not a finite number"),
    "seed of another type": (put("fitted", seed_="7"), "of another type"),
    "other layers": (put("parameters", hidden=[6]), "missing or unknown: bias_2, weight_2"),
    "layers of another type": (put("parameters", hidden=[6.0, 5]), "not a list of widths"),
    "unknown activation": (put("parameters", activation="os.system"), "Invalid activation"),
    "classes out of order": (put("classes", values=["sand", "clay", "silt"]), "not in order"),
    "classes too few": (put("classes", values=["clay"]), "fewer than two"),
    "class twice in the header": (twice_in_header, "occurs twice"),
    "class twice in the description": (twice_in_description, "occurs twice"),
    "another safetensors file": (lambda c: save({"weight": np.zeros(3)}), "without a student"),
    "other metadata": (lambda c: save(load(c), {"format": "pt"}), "without a student"),
    "no JSON": (lambda c: joined(b"{" * 5000, b""), "cannot be read"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_a_file_that_is_not_as_it_was_written_is_refused(change, message, file, tmp_path):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(change(file.read_bytes()))
    with pytest.raises(InvalidInput, match=message):
        load_student(bad)


def test_a_pickle_is_refused_and_not_run(tmp_path):
    for content in (pickle.dumps(Bomb(tmp_path / "ran")), joined(b"{}", pickle.dumps(Bomb(tmp_path / "ran")))):
        (tmp_path / "bad.safetensors").write_bytes(content)
        with pytest.raises(InvalidInput, match=r"not a safetensors file|without a student"):
            load_student(tmp_path / "bad.safetensors")
    assert not (tmp_path / "ran").exists()


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="There is no such file"):
        load_student(tmp_path / "none")


def test_only_a_fitted_student_is_saved_and_only_under_names_that_are_read_back(student, tmp_path):
    for thing in (StudentClassifier(), KnownRegressor(), "student"):
        with pytest.raises(InvalidInput, match="It is not a fitted student"):
            save_student(thing, tmp_path / "s")
    X, y = value_rows(40)
    frame = pd.DataFrame(X, columns=["a", "../b"])
    model = distill(KnownRegressor(random_state=0).fit(frame, y), frame, y, **QUICK)
    with pytest.raises(InvalidInput, match="out of its folder"):
        save_student(model, tmp_path / "s")
    assert not list(tmp_path.iterdir())


# The network computes in single precision on both sides, its sums in another order.
@pytest.mark.slow
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_graph_says_what_the_student_says(task, activation, tmp_path):
    pytest.importorskip("onnx", reason="the onnx extra is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
    model, frame = taught(task, activation=activation)
    session = runtime.InferenceSession(export_onnx(model, tmp_path / "s.onnx"), providers=["CPUExecutionProvider"])
    X = 3 * frame.to_numpy()
    first = "probability" if task == "classification" else "mean"
    found = dict(zip([output.name for output in session.get_outputs()], session.run(None, {"X": X}), strict=True))
    assert list(found) == [first, "aleatoric", "epistemic"]
    rows = pd.DataFrame(X, columns=NAMES)
    split = model.uncertainty(rows)
    expected = {first: model.predict_proba(rows) if task == "classification" else model.predict(rows)}
    expected |= {name: split[name].values for name in ("aleatoric", "epistemic")}
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, err_msg=name)
    described = session.get_modelmeta().custom_metadata_map
    assert json.loads(described["features"]) == NAMES
    assert json.loads(described["classes"]) == getattr(model, "classes_", np.array([])).tolist()


def test_a_student_of_a_teacher_with_one_draw_is_exported(tmp_path):
    pytest.importorskip("onnx", reason="the onnx extra is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
    from sklearn.linear_model import LinearRegression, LogisticRegression

    for rows, kind, teacher in (
        (class_rows, StudentClassifier, LogisticRegression()),
        (value_rows, StudentRegressor, LinearRegression()),
    ):
        X, y = rows(60)
        model = kind(teacher, **QUICK).fit(X, y)
        session = runtime.InferenceSession(export_onnx(model, tmp_path / "s.onnx"), providers=["CPUExecutionProvider"])
        _, aleatoric, epistemic = session.run(None, {"X": X})
        np.testing.assert_allclose(aleatoric, model.uncertainty(X)["aleatoric"], rtol=1e-5)
        assert not epistemic.any()


def test_without_onnx_the_way_out_is_said(monkeypatch, tmp_path, student):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InvalidInput, match=r'pip install "bayesgeo\[onnx\]"'):
        export_onnx(student[0], tmp_path / "s.onnx")
    with pytest.raises(InvalidInput, match="It is not a fitted student"):
        export_onnx(StudentRegressor(), tmp_path / "s.onnx")
