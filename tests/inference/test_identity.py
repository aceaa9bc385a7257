"""Problems share a compiled graph if their settings are equal, and never otherwise."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesgeo import BayesianLinearRegression, BayesianLogisticRegression, BayesianMLPRegressor
from bayesgeo.inference.base import Problem
from bayesgeo.inference.identity import identity
from tests.problems import problem_of


def graph(*settings, **named):
    return settings, named


def other_graph(*settings, **named):
    return settings, named


@dataclass(frozen=True)
class Frozen:
    width: object


@dataclass(unsafe_hash=True)
class Thawed:
    width: int


class Hashed:
    """Equal to all of its kind, as an estimator with ``__eq__`` by class would be."""

    def __init__(self, scale):
        self.scale = scale

    def __eq__(self, other):
        return isinstance(other, Hashed)

    def __hash__(self):
        return 0

    def build(self):
        return self.scale


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | inner.map(Frozen),
    max_leaves=6,
)


@pytest.mark.slow
@given(args=st.lists(plain, max_size=3), named=st.dictionaries(st.sampled_from("abc"), plain))
def test_equal_settings_are_one_graph(args, named):
    backwards = dict(reversed(named.items()))
    first, second = identity(partial(graph, *args, **named)), identity(partial(graph, *args, **backwards))
    assert first == second
    assert hash(first) == hash(second)
    assert first != identity(partial(other_graph, *args, **named))
    assert first != identity(partial(graph, *args, "another", **named))


@pytest.mark.slow
@given(first=plain, second=plain)
def test_other_settings_are_other_graphs(first, second):
    one, two = identity(partial(graph, first)), identity(partial(graph, second))
    assert repr(first) == repr(second) or one != two
    one, two = identity(partial(graph, width=first)), identity(partial(graph, width=second))
    assert repr(first) == repr(second) or one != two


@pytest.mark.parametrize(
    ("first", "second"), [(1, True), (1, 1.0), (0, False), ((1,), (True,)), (Frozen(1), Frozen(True))]
)
def test_equal_values_of_other_types_are_other_settings(first, second):
    assert first == second
    assert identity(partial(graph, first)) != identity(partial(graph, second))


@pytest.mark.parametrize(
    "setting",
    [np.zeros(3), [1], {"a": 1}, {1}, Hashed(1), Hashed(1).build, Thawed(1), Frozen(np.zeros(2)), (1, [2]), lambda: 1],
    ids=["array", "list", "dict", "set", "hashed", "method", "thawed", "array within", "list within", "lambda"],
)
def test_a_setting_that_may_change_is_never_taken_for_another(setting):
    first, second = partial(graph, setting), partial(graph, setting)
    if not (callable(setting) and setting.__name__ == "<lambda>"):
        assert identity(first) != identity(second)
        assert identity(first) == identity(first)
    assert identity(partial(graph, width=setting)) != identity(partial(graph, width=2))


def test_what_is_no_partial_is_known_by_itself_alone():
    scale = 2.0
    first, second = (lambda: scale), (lambda: scale)
    assert identity(first) == identity(first)
    assert identity(first) != identity(second)
    model = Hashed(1.0)
    assert identity(model.build) != identity(model.build)


def test_a_function_that_encloses_values_is_known_by_itself():
    def enclosing(scale):
        return lambda width: scale * width

    assert identity(partial(enclosing(1.0), 2)) != identity(partial(enclosing(2.0), 2))


def test_the_names_of_data_and_variables_are_part_of_a_problem():
    problem = Problem(partial(graph, 1), {"X": np.zeros((2, 1)), "y": np.zeros(2)}, {"a": ()})
    for other in ({"data": {"X": np.zeros((2, 1))}}, {"dims": {"b": ()}}, {"dims": {"a": ("feature",)}}):
        assert replace(problem, **other).key != problem.key
    assert replace(problem, data={"X": np.ones((9, 1)), "y": np.ones(9)}).key == problem.key


def rows(n=40, classes=False):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    return X, rng.integers(2, size=n) if classes else X[:, 0] + rng.normal(size=n)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (
            BayesianLinearRegression,
            [{}, {"prior": "laplace"}, {"prior_scale": 2.0}, {"noise": "student-t"}, {"prior": "flat"}],
        ),
        (BayesianLogisticRegression, [{}, {"prior": "laplace"}, {"prior_scale": 1.0}]),
        (
            BayesianMLPRegressor,
            [
                {},
                {"hidden": (3,)},
                {"activation": "relu"},
                {"prior_scale": 0.5},
                {"noise": "constant"},
                {"relevance": "equal"},
            ],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_models_with_other_settings_never_share_a_graph_and_folds_with_equal_ones_do(model, settings):
    classes = model is BayesianLogisticRegression
    keys = [[problem_of(model(**given), *rows(n, classes)).key for n in (40, 41)] for given in settings]
    assert all(first == second for first, second in keys)
    assert len({first for first, _ in keys}) == len(settings)
