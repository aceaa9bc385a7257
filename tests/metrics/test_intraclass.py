import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayesgeo.metrics import intraclass as module
from bayesgeo.metrics.intraclass import Design, intraclass
from bayesgeo.metrics.likeness import Residuals
from bayesgeo.metrics.residuals import dependence, design_of

GROUPS, ROWS = 12, 8
CODES = np.repeat(np.arange(GROUPS), ROWS)
FOLDS = CODES % 4


def features(rng: np.random.Generator) -> np.ndarray:
    """Draw two features of the group and one of the row."""
    return np.c_[rng.normal(size=(GROUPS, 2))[CODES], rng.normal(size=len(CODES))]


def drawn(rng: np.random.Generator, icc: float, uneven: float = 0.0) -> np.ndarray:
    noise = np.exp(uneven * rng.normal(size=GROUPS))[CODES] * rng.normal(size=len(CODES))
    return np.sqrt(icc) * rng.normal(size=GROUPS)[CODES] + np.sqrt(1 - icc) * noise


def left_out(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return residuals of least squares, each fold of groups predicted from the others."""
    columns, found = np.c_[np.ones(len(y)), X], np.empty(len(y))
    for fold in range(4):
        test = fold == FOLDS
        found[test] = y[test] - columns[test] @ np.linalg.lstsq(columns[~test], y[~test])[0]
    return found


def of(values: np.ndarray, X: np.ndarray, folds: np.ndarray = FOLDS, seed: int = 0) -> module.Intraclass:
    design = Design(X, np.ones((len(values), 1)), folds)
    rows = Residuals(values[:, None], np.zeros((len(values), 1)), CODES)
    return intraclass(rows, design, np.random.default_rng(seed))


def exact(X: np.ndarray, y: np.ndarray) -> float:
    """Return the F statistic of a variance component given the features, by two regressions."""
    columns = np.c_[np.ones(len(y)), X]
    both = np.c_[columns, np.eye(GROUPS)[CODES]]
    left = [float(np.sum((y - a @ np.linalg.lstsq(a, y)[0]) ** 2)) for a in (columns, both)]
    df = GROUPS - 3, len(y) - GROUPS - 1
    return (left[0] - left[1]) / df[0] / (left[1] / df[1])


def test_residuals_of_folds_left_out_tell_what_those_of_all_rows_do() -> None:
    rng = np.random.default_rng(0)
    X = features(rng)
    y = drawn(rng, 0.3)
    columns = np.c_[np.ones(len(y)), X]
    together = y - columns @ np.linalg.lstsq(columns, y)[0]
    by_fold, at_once = of(left_out(X, y), X), of(together, X, np.arange(len(y)) * 0)
    assert by_fold.value == pytest.approx(at_once.value, abs=1e-9)
    assert (by_fold.low, by_fold.high) == pytest.approx((at_once.low, at_once.high), abs=1e-9)
    assert by_fold.p == at_once.p


def test_features_of_the_group_alone_leave_the_analysis_of_variance_with_fewer_degrees_of_freedom() -> None:
    rng = np.random.default_rng(1)
    X = features(rng)[:, :2]
    y = drawn(rng, 0.3)
    found = of(left_out(X, y), X)
    columns = np.c_[np.ones(len(y)), X]
    residuals = y - columns @ np.linalg.lstsq(columns, y)[0]
    of_group = np.bincount(CODES, residuals) / ROWS
    between = ROWS * np.sum(of_group**2) / (GROUPS - 3)
    within = np.sum((residuals - of_group[CODES]) ** 2) / (len(y) - GROUPS)
    f = between / within
    assert found.value == pytest.approx((f - 1) / (f + ROWS - 1))
    df = GROUPS - 3, len(y) - GROUPS
    low, high = (f / stats.f.ppf(q, *df) for q in (0.95, 0.05))
    assert (found.low, found.high) == pytest.approx(((low - 1) / (low + ROWS - 1), (high - 1) / (high + ROWS - 1)))


@pytest.mark.slow
@pytest.mark.parametrize("uneven", [0.0, 0.5], ids=["even noise", "noise that differs between groups"])
def test_a_model_whose_groups_are_left_out_is_flagged_as_rarely_as_stated(uneven: float, monkeypatch) -> None:
    monkeypatch.setattr(module, "FLIPS", 111)
    rng, repeats, level = np.random.default_rng(2), 300, 0.05
    found, held = 0, 0
    for k in range(repeats):
        X = features(rng)
        one = of(left_out(X, drawn(rng, 0.0, uneven)), X, seed=k)
        found, held = found + (one.p <= level), held + (one.low <= 0 <= one.high)
    assert found <= stats.binom.ppf(0.999, repeats, level)
    if not uneven:
        assert abs(held - 0.9 * repeats) <= 3.3 * np.sqrt(0.09 * repeats)


@pytest.mark.slow
def test_group_effects_are_found_as_often_as_by_the_exact_f_test(monkeypatch) -> None:
    monkeypatch.setattr(module, "FLIPS", 333)
    rng, repeats = np.random.default_rng(3), 200
    ours, best, held = np.zeros(repeats, dtype=bool), np.zeros(repeats, dtype=bool), 0
    for k in range(repeats):
        X = features(rng)
        y = drawn(rng, 0.2)
        one = of(left_out(X, y), X, seed=k)
        ours[k], held = one.p <= 0.05, held + (one.low <= 0.2 <= one.high)
        best[k] = stats.f.sf(exact(X, y), GROUPS - 3, len(y) - GROUPS - 1) <= 0.05
    # They differ only where p is within its Monte Carlo error, sqrt(.05 * .95 / 333) = .012, of the level.
    assert abs(ours.mean() - best.mean()) <= 0.04
    assert abs(held - 0.9 * repeats) <= 3.3 * np.sqrt(0.09 * repeats)


@pytest.mark.slow
def test_what_a_posterior_knows_of_beyond_the_features_is_no_likeness() -> None:
    rng = np.random.default_rng(4)
    values = 0.5 * rng.normal(size=GROUPS)[CODES] + rng.normal(size=len(CODES))
    bare = dependence(values[:, None], group=CODES, seed=1)
    known = dependence(values[:, None], np.full((len(CODES), 1), 0.45), group=CODES, seed=1)
    assert float(bare["p"].sel(by="group")) < 0.05 < float(known["p"].sel(by="group"))


def test_missing_values_and_constant_features_take_nothing_out() -> None:
    rng = np.random.default_rng(5)
    predictions = xr.Dataset({"pit": ("obs", rng.random(96)), "fold": ("obs", FOLDS)})
    X = np.c_[np.full(96, 3.0), np.full(96, np.nan), rng.normal(size=96)]
    design = design_of(X, predictions)
    assert (design.features[:, :2] == 0).all()
    y = drawn(rng, 0.3)
    assert of(y, design.features).value == pytest.approx(of(y, X[:, 2:]).value)


def test_features_as_many_as_rows_are_not_taken_out() -> None:
    rng = np.random.default_rng(6)
    y = drawn(rng, 0.3)
    assert of(y, rng.normal(size=(96, 40))).value == pytest.approx(of(y, np.empty((96, 0))).value)


def test_groups_that_the_features_determine_have_no_interval() -> None:
    found = of(drawn(np.random.default_rng(7), 0.3), np.eye(GROUPS)[CODES])
    assert found.value == 0.0
    assert np.isnan([found.low, found.high]).all()


def test_classes_weigh_by_the_variance_of_their_probability() -> None:
    rng = np.random.default_rng(8)
    effect = rng.normal(size=GROUPS)[CODES]
    probability = 1 / (1 + np.exp(-rng.normal(size=len(CODES))))
    y = (rng.random(len(CODES)) < 1 / (1 + np.exp(-np.log(probability / (1 - probability)) - 2 * effect))).astype(int)
    both = np.stack([1 - probability, probability], axis=1)
    predictions = xr.Dataset({"probability": (("obs", "label"), both), "fold": ("obs", FOLDS)})
    design = design_of(np.log(probability / (1 - probability))[:, None], predictions)
    np.testing.assert_allclose(design.variance[:, 1], np.maximum(probability * (1 - probability), 0.01))
    residuals = np.eye(2)[y] - both
    found = dependence(residuals, None, design, group=CODES).sel(by="group")
    one = dependence(residuals[:, 1:], None, Design(design.features, design.variance[:, 1:], FOLDS), group=CODES)
    assert float(found["value"]) == pytest.approx(float(one["value"].sel(by="group")))
    assert float(found["p"]) <= 0.01
