"""A student as an ONNX graph, for programs without Python."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bayesgeo._check import invalid
from bayesgeo._files import atomic_file
from bayesgeo.models.architecture import LEAK
from bayesgeo.models.students.base import Student
from bayesgeo.models.students.students import StudentClassifier
from bayesgeo.models.students.teacher import PRECISION

OPSET, IR = 18, 10
SHIFT = 8  # above which the asymptotic series of digamma is exact to 1e-13
# Coefficients of x^-2, x^-4, ... in log x - 1/(2x) - psi(x) (Abramowitz & Stegun 1964, 6.3.18).
SERIES = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132)


def export_onnx(student: Student, path: str | Path) -> Path:
    """Write a fitted student as an ONNX graph, from double precision to double precision.

    Parameters
    ----------
    student : StudentClassifier or StudentRegressor
        Fitted.
    path : path
        The file, customarily ``.onnx``.

    Returns
    -------
    pathlib.Path
        The file. Its input is ``X (obs, feature)`` in the units of the table; its outputs are ``probability (obs,
        label)`` or ``mean (obs,)``, and ``aleatoric`` and ``epistemic (obs,)`` as :meth:`Student.uncertainty` gives
        them. Names of features and classes are among its metadata, as JSON.

    Raises
    ------
    InvalidInput
        If this is not a fitted student, or onnx is not installed.
    """
    if not isinstance(student, Student) or not hasattr(student, "weights_"):
        raise invalid("student", type(student).__name__, "It is not a fitted student.", "Give one from distill.")
    try:
        import onnx
    except ImportError:
        raise invalid("export", "onnx", "It is not installed.", 'Run: pip install "bayesgeo[onnx]"') from None
    graph = _Graph(onnx)
    write = _write_classes if isinstance(student, StudentClassifier) else _write_values
    write(graph, student, _answers(graph, student))
    classifier = isinstance(student, StudentClassifier)
    shapes = {"probability": ["obs", len(student.classes_)]} if classifier else {"mean": ["obs"]}
    shapes |= {"aleatoric": ["obs"], "epistemic": ["obs"]}
    model = graph.model({"X": ["obs", student.n_features_in_]}, shapes)
    classes = getattr(student, "classes_", np.array([])).tolist()
    features = [str(name) for name in getattr(student, "feature_names_in_", ())]
    onnx.helper.set_model_props(model, {"classes": json.dumps(classes), "features": json.dumps(features)})
    onnx.checker.check_model(model, full_check=True)
    with atomic_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return Path(path)


class _Graph:
    """Nodes and constants as they are added; every value has a name."""

    def __init__(self, onnx: Any):
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.kind: type = np.float64

    def constant(self, values: Any, kind: type | None = None) -> str:
        """Add a constant, of the precision in force."""
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(values, dtype=kind or self.kind), name))
        return name

    def cast(self, value: str, kind: type) -> str:
        """Cast to another precision."""
        self.kind = kind
        return self.op("Cast", value, to=self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def op(self, kind: str, *inputs: Any, output: str = "", **attributes: Any) -> str:
        """Add a node; inputs are names of values, or numbers."""
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        output = output or f"v{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, names, [output], **attributes))
        return output

    def columns(self, value: str, at: Any) -> str:
        """Pick columns, or one as ``(obs,)``."""
        return self.op("Gather", value, self.constant(at, np.int64), axis=1)

    def total(self, value: str) -> str:
        """Sum over the last dimension."""
        return self.op("ReduceSum", value, self.constant([-1], np.int64), keepdims=0)

    def model(self, inputs: dict[str, list[Any]], outputs: dict[str, list[Any]]) -> Any:
        """Close the graph."""
        helper, double = self.onnx.helper, self.onnx.TensorProto.DOUBLE
        ends = [
            [helper.make_tensor_value_info(name, double, shape) for name, shape in part.items()]
            for part in (inputs, outputs)
        ]
        graph = helper.make_graph(self.nodes, "student", *ends, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


def _softplus(g: _Graph, z: str) -> str:
    small = g.op("Exp", g.op("Neg", g.op("Abs", z)))
    return g.op("Add", g.op("Max", z, 0.0), g.op("Log", g.op("Add", small, 1.0)))


ACTIVATIONS: dict[str, Callable[[_Graph, str], str]] = {
    "identity": lambda g, z: z,
    "sigmoid": lambda g, z: g.op("Sigmoid", z),
    "tanh": lambda g, z: g.op("Tanh", z),
    "relu": lambda g, z: g.op("Max", z, 0.0),
    "leaky_relu": lambda g, z: g.op("Max", z, g.op("Mul", z, LEAK)),
    "softplus": _softplus,
    "silu": lambda g, z: g.op("Mul", z, g.op("Sigmoid", z)),
    "gelu": lambda g, z: g.op("Mul", g.op("Mul", z, 0.5), g.op("Add", g.op("Erf", g.op("Mul", z, 2**-0.5)), 1.0)),
}


def _answers(g: _Graph, student: Student) -> str:
    h = g.cast(g.op("Div", g.op("Sub", "X", student.center_), student.scale_), np.float32)
    network = student.network_
    for k in range(network.layers):
        weights = (student.weights_[f"{part}_{k}"] for part in ("weight", "bias"))
        h = g.op("Add", g.op("MatMul", h, next(weights)), next(weights))
        if k < network.layers - 1:
            h = ACTIVATIONS[network.activation](g, h)
    return g.op("Add", g.op("Mul", g.cast(h, np.float64), student.answer_scale_), student.answer_center_)


def _write_classes(g: _Graph, student: Any, answers: str) -> None:
    labels = len(student.classes_)
    logits = g.columns(answers, range(labels))
    p = g.op("Softmax", logits, axis=-1, output="probability")
    entropy = g.op("Neg", g.total(g.op("Mul", p, g.op("LogSoftmax", logits, axis=-1))))
    if student.spread_:
        low, high = np.log1p(PRECISION)
        doubt = g.op("Min", g.op("Max", g.columns(answers, labels), low), high)
        a0 = g.op("Sub", g.op("Exp", doubt), 1.0)
        by_label = g.op("Mul", p, g.op("Unsqueeze", a0, g.constant([1], np.int64)))
        known = g.total(g.op("Mul", p, _digamma_above_one(g, by_label)))
        gap = g.op("Sub", known, _digamma_above_one(g, a0))
        epistemic = g.op("Min", g.op("Max", g.op("Add", entropy, gap), 0.0), entropy)
    else:
        epistemic = g.op("Mul", entropy, 0.0)
    g.op("Identity", epistemic, output="epistemic")
    g.op("Sub", entropy, epistemic, output="aleatoric")


def _digamma_above_one(g: _Graph, x: str) -> str:
    """Return psi(x + 1) for x >= 0: shifted up by the recurrence, then by the asymptotic series."""
    below = [g.op("Reciprocal", g.op("Add", x, float(i))) for i in range(1, SHIFT + 1)]
    y = g.op("Add", x, float(SHIFT + 1))
    inverse = g.op("Reciprocal", y)
    square = g.op("Mul", inverse, inverse)
    series = g.op("Mul", square, SERIES[-1])
    for coefficient in SERIES[-2::-1]:
        series = g.op("Mul", square, g.op("Add", series, coefficient))
    rest = g.op("Add", g.op("Mul", inverse, 0.5), series)
    return g.op("Sub", g.op("Sub", g.op("Log", y), rest), g.op("Sum", *below))


def _write_values(g: _Graph, student: Any, answers: str) -> None:
    g.op("Identity", g.columns(answers, 0), output="mean")
    variance = g.op("Exp", g.op("Mul", answers, 2.0 * np.arange(len(student.answer_center_)).clip(max=1)))
    g.op("Identity", g.columns(variance, 1), output="aleatoric")
    if student.spread_:
        g.op("Identity", g.columns(variance, 2), output="epistemic")
    else:
        g.op("Mul", g.columns(variance, 1), 0.0, output="epistemic")
