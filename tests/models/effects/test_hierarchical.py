"""The engine, prior, sampler and predictions of hierarchical regression agree with dense algebra and closed forms."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

from bayesgeo.inference.base import Problem
from bayesgeo.inference.collapsed import Collapsed
from bayesgeo.inference.newton import maximise
from bayesgeo.models.effects.covariance import GroupPrior, correlation_factor, factors, log_prior
from bayesgeo.models.effects.formula import parse
from bayesgeo.models.effects.gaussian import MixedEquations, Noise
from bayesgeo.models.effects.levels import Members, codes_of, labels_of, levels_of
from bayesgeo.models.effects.marginal import GaussianMarginal
from bayesgeo.models.effects.mixed import MixedRegression
from bayesgeo.models.effects.regression import HierarchicalRegression
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.storage import save_model

QUICK = Collapsed(draws=50, chains=2)
N = 60


def crossed(rng):
    return np.r_[np.arange(8), rng.integers(8, size=N - 8)], np.r_[np.arange(5), rng.integers(5, size=N - 5)]


def nested(rng):
    inner = np.arange(N) % 15
    return inner, inner // 3


def a_level_a_row(rng):
    return np.arange(N), np.arange(N) % 4


def equations(layout, widths, penalty, seed=0):
    """Return equations of two keys, or of the first if one width is given, and the dense designs beside them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=N)
    X, y = np.c_[np.ones(N), x], rng.normal(size=N) + x
    codes = layout(rng)[: len(widths)]
    z = [X[:, :width] for width in widths]
    sizes = [int(own.max()) + 1 for own in codes]
    members = [Members(own, columns) for own, columns in zip(codes, z, strict=True)]
    dense = [
        np.einsum("ol,ot->olt", np.eye(size)[own], columns).reshape(N, -1)
        for own, columns, size in zip(codes, z, sizes, strict=True)
    ]
    return MixedEquations(X, y, members, sizes, np.full(2, penalty)), X, y, dense, sizes


def covariance_factors(widths, n, rng):
    return [np.linalg.cholesky(A @ A.transpose(0, 2, 1) + 0.3 * np.eye(q))
            for q in widths for A in [rng.normal(size=(n, q, q))]]  # fmt: skip


CASES = [
    (layout, widths, penalty)
    for layout in (crossed, nested, a_level_a_row)
    for widths in ((1,), (2,), (1, 1), (1, 2), (2, 1), (2, 2))
    for penalty in (0.0, 0.25)
]


@pytest.mark.parametrize(("layout", "widths", "penalty"), CASES)
def test_elimination_agrees_with_dense_algebra(layout, widths, penalty):
    own, X, y, dense, sizes = equations(layout, widths, penalty)
    drawn = covariance_factors(widths, 3, np.random.default_rng(1))
    (_, solved), *_ = list(own.solve(drawn))
    for k in range(3):
        prior = [np.kron(np.eye(size), f[k] @ f[k].T) for size, f in zip(sizes, drawn, strict=True)]
        V = np.eye(N) + sum(Z @ D @ Z.T for Z, D in zip(dense, prior, strict=True))
        precision = X.T @ np.linalg.solve(V, X) + penalty * np.eye(2)
        beta = np.linalg.solve(precision, X.T @ np.linalg.solve(V, y))
        weighted = np.linalg.solve(V, y - X @ beta)
        estimates = own.estimates(solved.at(k), [f[k] for f in drawn])
        # 1e-9: algebra whose condition numbers stay below 1e5.
        np.testing.assert_allclose(solved.log_determinant[k], np.linalg.slogdet(V)[1], rtol=1e-9)
        np.testing.assert_allclose(solved.log_determinant_x[k], np.linalg.slogdet(precision)[1], rtol=1e-9)
        squares = y @ weighted if penalty else (y - X @ beta) @ weighted
        np.testing.assert_allclose(solved.squares[k], squares, rtol=1e-9)
        np.testing.assert_allclose(estimates.coefficients[0], beta, rtol=1e-8, atol=1e-10)
        for Z, D, found in zip(dense, prior, estimates.effects, strict=True):
            np.testing.assert_allclose(found[0].ravel(), D @ Z.T @ weighted, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("widths", [(1, 1), (2, 1), (1, 2)])
def test_draws_have_the_mean_and_covariance_of_the_dense_posterior(widths):
    own, X, y, dense, sizes = equations(nested, widths, 0.25)
    drawn, n, sigma = covariance_factors(widths, 1, np.random.default_rng(1)), 20_000, 0.7
    (_, solved), *_ = list(own.solve(drawn))
    found = own.estimates(solved, [f[0] for f in drawn], Noise(n, sigma, np.random.default_rng(2)))
    draws = np.c_[found.coefficients, *(values.reshape(n, -1) for values in found.effects)]
    W = np.c_[X, *dense]
    precision = [0.25 * np.eye(2)]
    precision += [np.kron(np.eye(s), np.linalg.inv(f[0] @ f[0].T)) for s, f in zip(sizes, drawn, strict=True)]
    full = W.T @ W
    at = 0
    for part in precision:
        full[at : at + len(part), at : at + len(part)] += part
        at += len(part)
    covariance = sigma**2 * np.linalg.inv(full)
    sd = np.sqrt(np.diag(covariance))
    z = (draws - np.linalg.solve(full, W.T @ y)) / sd
    # 5 standard errors of a mean, and of a product of two standard normal values, whose variance is at most 2.
    assert np.abs(z.mean(axis=0)).max() < 5 / np.sqrt(n)
    assert np.abs(z.T @ z / n - covariance / np.outer(sd, sd)).max() < 5 * np.sqrt(2 / n)


@pytest.mark.parametrize("widths", [(1,), (2, 1)])
def test_the_marginal_density_is_that_of_a_multivariate_normal_with_its_priors(widths):
    own, X, y, dense, sizes = equations(crossed, widths, 0.25)
    effects = [Effect("ab"[k], ("x",)[: width - 1]) for k, width in enumerate(widths)]
    prior = GroupPrior("half-normal", 1.0)
    marginal = GaussianMarginal(own, effects, prior)
    points = marginal.start + 0.5 * np.random.default_rng(3).normal(size=(4, len(marginal.start)))
    expected = []
    for point in points:
        sigma, at, V = np.exp(point[0]), 1, np.eye(N) * np.exp(2 * point[0])
        log_density = stats.invgamma(0.5, scale=0.05).logpdf(sigma**2) + np.log(2 * sigma**2)
        for effect, Z, size in zip(effects, dense, sizes, strict=True):
            values = point[None, at : at + len(effect.terms) + effect.correlations]
            at += values.shape[1]
            factor = factors(effect, values)[0]
            V += Z @ np.kron(np.eye(size), factor @ factor.T) @ Z.T
            log_density += log_prior(effect, prior, values)[0]
        V += sigma**2 * X @ X.T / 0.25
        expected.append(log_density + stats.multivariate_normal(np.zeros(N), V).logpdf(y))
    # Priors are stated up to a constant.
    np.testing.assert_allclose(np.diff(marginal.log_density(points)), np.diff(expected), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("lkj", [0.5, 1.0, 3.0])
def test_a_correlation_of_two_terms_has_a_beta_prior(lkj):
    effect, w = Effect("k", ("x",), lkj=lkj), np.linspace(-9, 9, 4001)
    values = np.c_[np.zeros((len(w), 2)), w]
    log_density = log_prior(effect, GroupPrior("half-normal", 1.0), values)
    r = np.tanh(w)
    beta = stats.beta(lkj, lkj).logpdf((1 + r) / 2) + special.log1p(-(r**2))
    inner = np.abs(w) < 6  # beyond, 1 - r^2 has no digits left
    difference = (log_density - beta)[inner]
    np.testing.assert_allclose(difference, difference[0], atol=1e-6)


def test_correlations_of_three_terms_have_a_prior_that_is_a_power_of_the_determinant():
    effect, rng = Effect("k", ("x", "z"), lkj=2.5), np.random.default_rng(0)
    partial = rng.uniform(-0.9, 0.9, size=(5, 3))
    R = correlation_factor(list(partial.T), 3)
    R = R @ R.transpose(0, 2, 1)
    values = np.c_[np.zeros((5, 3)), np.arctanh(partial)]
    log_density = log_prior(effect, GroupPrior("half-normal", 1.0), values)
    # From partial correlations to correlations, by r31 = z31 and r32 = z31 r21 + z32 sqrt((1 - z31^2)(1 - r21^2)).
    jacobian = 0.5 * np.log((1 - partial[:, 1] ** 2) * (1 - partial[:, 0] ** 2))
    expected = 1.5 * np.linalg.slogdet(R)[1] + jacobian + np.log1p(-(partial**2)).sum(axis=1)
    np.testing.assert_allclose(np.diff(log_density), np.diff(expected), rtol=1e-9)


@pytest.mark.slow
def test_scales_of_one_key_agree_with_a_grid():
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(6), 5)
    y = 0.8 * rng.normal(size=6)[codes] + 0.5 * rng.normal(size=30)
    own = MixedEquations(np.ones((30, 1)), y, [Members(codes, np.ones((30, 1)))], [6], np.array([0.01]))
    marginal = GaussianMarginal(own, [Effect("a")], GroupPrior("half-normal", 1.0))
    dims = {"sigma": (), "a_sd": ("a_term",)}
    tree = Collapsed(draws=2_000).run(Problem(build=dict, data={"y": y}, dims=dims, marginal=marginal), 0)
    grid = np.stack(np.meshgrid(np.linspace(-2, 0.6, 200), np.linspace(-7, 2, 400)), axis=-1).reshape(-1, 2)
    weight = special.softmax(marginal.log_density(grid))
    for name, column in (("sigma", 0), ("a_sd", 1)):
        draws = np.log(tree["posterior"][name].values.ravel())
        mean = weight @ grid[:, column]
        sd = np.sqrt(weight @ (grid[:, column] - mean) ** 2)
        # 8,000 proposals of which more than half are effective; 5 standard errors.
        assert abs(draws.mean() - mean) < 5 * sd / np.sqrt(4_000)
        assert abs(draws.std() / sd - 1) < 0.12
    assert tree["sample_stats"]["acceptance_rate"].mean() > 0.6


@pytest.mark.parametrize(
    ("function", "start", "top"),
    [
        (lambda p: -((1 - p[:, 0]) ** 2) - 100 * (p[:, 1] - p[:, 0] ** 2) ** 2, [-1.2, 1.0], [1.0, 1.0]),
        (lambda p: -np.sum(p**4, axis=1), [3.0, -2.0], [0.0, 0.0]),
        (lambda p: -np.sum(np.log1p((p - 2) ** 2), axis=1), [8.0, -9.0], [2.0, 2.0]),
        (lambda p: np.where(p[:, 0] > 0, np.log(np.maximum(p[:, 0], 1e-300)) - p[:, 0], np.nan), [20.0], [1.0]),
    ],
    ids=["a curved valley", "no curvature at the top", "curved upwards at the start", "no value on one side"],
)
def test_the_climb_reaches_the_top_of_hard_functions(function, start, top):
    peak = maximise(function, np.array(start))
    # Differences over 3e-3 miss the slope by a sixth of the third derivative: up to .004 in the curved valley.
    assert function(np.array([top]))[0] - peak.value < 1e-4


NAMES = st.sampled_from(["m", "log_r", "vs30"])
KEYS = st.sampled_from(["event", "station", "region"])


@given(st.lists(NAMES, unique=True), st.dictionaries(KEYS, st.lists(NAMES, unique=True), max_size=3))
def test_a_formula_says_what_it_was_written_from(fixed, effects):
    groups = [f"(1{''.join(f' + {slope}' for slope in slopes)} | {key})" for key, slopes in effects.items()]
    found = parse("y ~ " + " + ".join(["1", *fixed, *groups]))
    assert found.fixed == tuple((name,) for name in fixed)
    assert found.effects == tuple(Effect(key, tuple(slopes)) for key, slopes in effects.items())


LABELS = st.lists(st.one_of(st.integers(-5, 5), st.sampled_from(["a", "ü/:", "b c"])), min_size=1, max_size=20)


@given(LABELS)
def test_codes_point_at_the_labels_they_stand_for(labels):
    groups = {"k": np.array(labels, dtype=object)}
    levels = levels_of(Effect("k"), groups, range(len(labels)))
    codes = codes_of(labels_of(Effect("k"), groups), levels)
    assert levels[codes].tolist() == [str(label) for label in labels]
    assert codes_of(np.array(["", "never"]), levels).tolist() == [-2, -1]


def test_a_whole_number_is_the_same_label_in_any_column():
    kinds = [np.array([1.0, 2.0]), np.array([1, 2]), np.array(["1", "2"]), np.array([1.0, "2"], dtype=object)]
    assert {tuple(labels_of(Effect("k"), {"k": labels}).tolist()) for labels in kinds} == {("1", "2")}
    assert labels_of(Effect("k"), {"k": np.array([3.0, None, np.nan], dtype=object)}).tolist() == ["3", "", ""]


def table(seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=40), "a": np.repeat(list("pqrs"), 10), "b": np.tile(np.arange(8), 5)})
    return frame, frame["x"] + 0.5 * (frame["b"] % 3) + 0.3 * rng.normal(size=40)


@pytest.fixture(scope="module")
def model():
    return HierarchicalRegression(effects=["a", "b"], inference=QUICK, random_state=0).fit(*table())


@pytest.mark.slow
def test_rows_of_one_new_label_share_its_draws_however_they_are_cut(model, monkeypatch):
    frame = table()[0].assign(x=0.0, a="new", b=0)
    frame.loc[frame.index % 2 == 0, "a"] = "other"
    whole = model.predict_draws(frame, "response")
    monkeypatch.setattr("bayesgeo._arrays.BUDGET", 7 * model._numbers_per_row())
    np.testing.assert_allclose(model.predict_draws(frame, "response"), whole, rtol=1e-12, atol=1e-12)
    variance = float((model.posterior_["posterior"]["noise_sd"] ** 2).mean())
    apart = whole[..., 2:].values - whole[..., :-2].values
    # What rows of one label differ by is noise alone; of two labels, their effects too, whose variance is about .25.
    assert abs(np.mean(apart**2) / (2 * variance) - 1) < 0.2
    assert np.mean((whole[..., 1:].values - whole[..., :-1].values) ** 2) > 2.5 * variance


@pytest.mark.slow
def test_a_group_not_seen_adds_the_variance_between_groups(model):
    frame, _ = table()
    rows = pd.concat([frame.iloc[[0]]] * 3).assign(b=[0, 99, ""], a=["p", "p", "new"])
    p, found = model.posterior_["posterior"].to_dataset(), model.predictive(rows)["sigma"]
    within, of_a, of_b = (p[name].squeeze() ** 2 for name in ("noise_sd", "a_sd", "b_sd"))
    for k, variance in enumerate((within, within + of_b, within + of_a + of_b)):
        np.testing.assert_allclose(found.isel(obs=k) ** 2, variance, rtol=1e-12)
    split = model.predict_sd(rows)
    np.testing.assert_allclose(split["b"], [0.0, *np.sqrt([of_b.mean().item()] * 2)], rtol=1e-12)
    np.testing.assert_allclose(split["total"] ** 2, (split.drop(columns="total") ** 2).sum(axis=1), rtol=1e-12)


def test_keys_that_begin_alike_are_told_apart():
    frame, y = table()
    named, alike = (frame.rename(columns={"b": b}) for b in ("b", "a_b"))
    found = [
        HierarchicalRegression(effects=list(rows.columns[1:]), inference=QUICK, random_state=0).fit(rows, y)
        for rows in (named, alike)
    ]
    assert np.array_equal(*(model.variance_components().values for model in found))
    for name in ("a", "a_b"):
        assert set(found[1].posterior_["prior"][f"{name}_sd"].dims) == {"chain", "draw", f"{name}_term"}


def test_the_status_of_groups_is_told(model):
    status = model.group_status({"a": ["p", "zz", ""], "b": [0, 99, np.nan]})
    assert status["a"].tolist() == status["b"].tolist() == ["known", "new", "unknown"]


@pytest.mark.slow
def test_the_mean_prediction_is_the_mean_of_the_draws(model):
    frame = table()[0].assign(a=["p", "new"] * 20)
    np.testing.assert_allclose(model.predict(frame), model.predict_draws(frame).mean(("chain", "draw")), rtol=1e-10)


@pytest.mark.slow
def test_a_table_with_labels_works_in_a_pipeline_and_in_cross_validation():
    frame, y = table()
    estimator = HierarchicalRegression(effects=["a", "b"], inference=QUICK, random_state=0)
    assert make_pipeline(estimator).fit(frame, y).predict(frame).shape == (40,)
    assert cross_validate(estimator, frame, y, cv=3)["test_score"].min() > 0.5


@pytest.mark.slow
def test_a_saved_model_predicts_bit_for_bit_in_a_fresh_process(model, tmp_path):
    frame = table()[0].assign(a=["p", "new"] * 20)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    save_model(model, tmp_path / "model")
    program = (
        "import sys, numpy as np, pandas as pd; from bayesgeo.models.storage import load_model;"
        "m, f = load_model(sys.argv[1] + '/model'), pd.read_csv(sys.argv[1] + '/rows.csv');"
        "np.savez(sys.argv[1] + '/found', **{k: m.predict_draws(f, k).values for k in ('expected', 'response')})"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    for kind, found in np.load(tmp_path / "found.npz").items():
        assert np.array_equal(found, model.predict_draws(frame, kind))


@pytest.mark.slow
def test_new_groups_are_refused_if_asked():
    frame, y = table()
    model = HierarchicalRegression(effects=["a", "b"], new_groups="refuse", inference=QUICK).fit(frame, y)
    with pytest.raises(ValueError, match=r"Invalid groups 'a'\. The training rows have no such group: zz"):
        model.predict(frame.assign(a="zz"))


@pytest.mark.slow
@pytest.mark.parametrize("y", [np.zeros(40), np.full(40, 1e6)], ids=["zero", "large"])
def test_a_constant_target_is_predicted(y):
    model = HierarchicalRegression(effects=["a", "b"], inference=QUICK).fit(table()[0], y)
    # The prior of the noise has a scale of about .05 standard deviations, here units.
    np.testing.assert_allclose(model.predict(table()[0]), y, atol=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_the_unit_of_the_target_does_not_matter(model, unit):
    frame, y = table()
    again = HierarchicalRegression(effects=["a", "b"], inference=QUICK, random_state=0).fit(frame, unit * y)
    np.testing.assert_allclose(again.predict(frame) / unit, model.predict(frame), rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"effects": (key for key in "ab")}, "Invalid effects .* nor a list of these"),
        ({"effects": 3}, "Invalid effects 3. .* nor a list of these"),
        ({"effects": {"a": 1}}, "Invalid effects .* nor a list of these"),
        ({"effects": "y ~ x + (1 | a)"}, "Invalid key .* It is a formula"),
        ({"effects": ["aa", "b"]}, "Invalid key 'aa'. The table has no such column. Did you mean 'a'"),
        ({"formula": 3}, "Invalid formula 3. It is no text"),
        ({"formula": "y ~ x + (1 | a", "effects": None}, "Invalid formula .* not of the form"),
        ({"effects": ["a", "a_sd"]}, "Invalid key 'a_sd'. The posterior has that name beside the key 'a'"),
        ({"effects": ["a", "b"], "prior": "flat", "y": "x"}, "Invalid prior 'flat'. .* explain the target without"),
    ],
)
def test_what_is_wrong_is_said(settings, message):
    frame, y = table()
    y = frame[settings.pop("y")] if "y" in settings else y
    frame = frame.assign(a_sd=frame["b"]) if "a_sd" in str(settings) else frame
    with pytest.raises(ValueError, match=message):
        HierarchicalRegression(**settings, inference=QUICK).fit(frame, y)


@pytest.mark.parametrize("key", ["sigma", "noise", "nu", "feature", "a/b", ""])
def test_a_key_that_cannot_name_a_dimension_is_refused(key):
    with pytest.raises(ValueError, match="It cannot name a dimension"):
        Effect(key)


def test_the_rival_leaves_an_effect_at_zero_without_an_interval_and_the_others_with_theirs():
    frame, y = table()
    # Groups of the first key have the same mean: less unlike than chance makes them.
    y, frame["x"] = (column - column.groupby(frame["a"]).transform("mean") for column in (y, frame["x"]))
    found = MixedRegression(effects=["a", "b"]).fit(frame, y).variance_components()
    assert found["mean"]["a"] < 1e-2
    assert np.isnan(found["high"]["a"])
    assert found["low"]["b"] < found["mean"]["b"] < found["high"]["b"] < 1.5


def test_the_rival_refuses_features_that_repeat_each_other():
    frame, y = table()
    with pytest.raises(ValueError, match="40 rows do not determine 3 coefficients"):
        MixedRegression(effects=["a", "b"]).fit(frame.assign(x2=frame["x"]), y)
