"""Evidence: the same numbers whatever the cores and the process, scored on rows that were held out."""

import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
import sklearn.metrics as skl
import xarray as xr

from bayesgeo import BayesianLinearRegression, catalog, evaluate, split
from bayesgeo.datasets.split import Split
from bayesgeo.evaluation.evaluate import fit_and_score
from bayesgeo.evaluation.evidence import load_evidence, save_evidence
from bayesgeo.evaluation.fingerprints import fingerprint, preprocessing_sha256, rows_sha256
from bayesgeo.evaluation.fold import training_curve
from bayesgeo.evaluation.training import EVERY_ROW, training_group
from bayesgeo.metrics.by_draw import areas_by_draw
from bayesgeo.metrics.classification import FROM_CONFUSION
from bayesgeo.models.training.recipe import Recipe
from tests.fake import FakePosterior
from tests.tables import events, shaking

# The hash of a saved model includes the seconds that its inference took.
TIMES = ("compile_seconds", "fit_seconds", "predict_seconds", "model_sha256")


def same_numbers(first, second):
    """Tell whether two Evidences are equal bit for bit but for the clock."""
    groups = all(first[name].to_dataset().identical(second[name].to_dataset()) for name in first.children)
    attrs = [{k: v for k, v in tree.attrs.items() if k not in TIMES} for tree in (first, second)]
    return groups and set(first.children) == set(second.children) and attrs[0] == attrs[1]


def run(name, data, **options):
    quick = {"mlp": {"hidden": (4,), "recipe": Recipe(max_epochs=5)}}.get(name, {})
    model = catalog.model(name, data.task, **quick)
    return evaluate(model, data, split(data, folds=3), **options)


CASES = {
    "logistic": events,
    "boosting": events,
    "mlp": events,
    "bayesian_linear": shaking,
    "ridge": shaking,
}


@pytest.mark.slow  # nothing is compiled, but each worker process opens every library anew
@pytest.mark.parametrize(("name", "data"), CASES.items(), ids=CASES)
def test_the_number_of_jobs_changes_no_number(name, data):
    data = data()
    assert same_numbers(run(name, data, jobs=1, seeds=2), run(name, data, jobs=2, seeds=2))


@pytest.mark.slow
def test_another_seed_gives_other_draws():
    data = shaking()
    assert not same_numbers(run("bayesian_linear", data, seed=0), run("bayesian_linear", data, seed=1))


FRESH = """
from bayesgeo.evaluation.evidence import save_evidence
from tests.evaluation.test_evidence import CASES, run
for name in {names!r}:
    save_evidence(run(name, CASES[name]()), f"{folder}/{{name}}.nc")
"""


@pytest.mark.slow
@pytest.mark.parametrize("names", [("boosting", "bayesian_linear"), ("mlp",)])
def test_a_fresh_process_gives_the_same_numbers(names, tmp_path, repository):
    code = FRESH.format(names=names, folder=tmp_path)
    subprocess.run([sys.executable, "-c", code], cwd=repository, check=True)
    for name in names:
        here = save_evidence(run(name, CASES[name]()), tmp_path / "here.nc")
        assert same_numbers(load_evidence(here), load_evidence(tmp_path / f"{name}.nc"))


def test_scores_are_those_of_rows_held_out():
    data = events()
    by = split(data, folds=3)
    tree = evaluate(catalog.model("logistic", data.task), data, by)
    p = tree["predictions"]["probability"].values
    truth = data.y.values[np.concatenate([test for _, test in by.folds])]
    table = tree["metrics"].to_dataset()["value"]
    assert float(table.sel(metric="log_loss")) == pytest.approx(skl.log_loss(truth, p), abs=1e-10)
    assert float(table.sel(metric="f1")) == pytest.approx(skl.f1_score(truth, p.argmax(axis=1)), abs=1e-10)
    confusion = tree["metrics"]["confusion"].values
    assert np.array_equal(confusion, skl.confusion_matrix(truth, p.argmax(axis=1)))
    assert np.array_equal(tree["observed_data"]["y"], truth)


@pytest.mark.slow
def test_each_interval_holds_its_score():
    table = run("bayesian_linear", shaking())["metrics"].to_dataset()
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()


@pytest.mark.slow
def test_an_exact_linear_model_finds_the_noise_that_was_simulated():
    # The noise has deviation 0.5: so has the error of prediction, within 4 / sqrt(2 n) = 0.19 of itself at n = 225,
    # and the log score is that of the Gaussian, -0.726, within 4 standard deviations of its mean, 0.7 / sqrt(n).
    table = run("bayesian_linear", shaking(n=225))["metrics"]["value"]
    assert float(table.sel(metric="rmse")) == pytest.approx(0.5, rel=0.19)
    assert float(table.sel(metric="log_score")) == pytest.approx(-0.726, abs=0.19)


def placed(data, **places):
    """Give a data set coordinates."""
    rows = {"obs": data.X["obs"].values}
    return replace(data, coordinates=xr.Dataset({name: ("obs", values) for name, values in places.items()}, rows))


GROUPS = {"metrics", "calibration", "selective", "diagnostics", "observed_data", "predictions", "residuals"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic", "ridge"])
def test_the_groups_are_those_of_the_schema(name):
    tree = run(name, CASES[name]())
    assert set(tree.children) == GROUPS | ({"decision"} if name == "logistic" else set())


@pytest.mark.parametrize(("kind", "unit"), [("spatial", "block of the map"), ("temporal", "stretch of time")])
def test_where_places_or_times_are_split_their_blocks_are_what_is_resampled(kind, unit):
    rng = np.random.default_rng(0)
    spread = {"easting": rng.uniform(0, 9, 90), "northing": rng.uniform(0, 9, 90)}
    places = xr.Dataset({name: ("obs", values) for name, values in spread.items()})
    places["time"] = ("obs", np.datetime64("2020-01-01", "ns") + np.arange(90) * np.timedelta64(1, "D"))
    data = replace(shaking(), coordinates=places.assign_coords(obs=shaking().X["obs"]))
    by = split(data, kind, folds=3)
    evidence = evaluate(catalog.model("mean", data.task), data, by)
    metrics, block = evidence["metrics"].to_dataset(), evidence["observed_data"].to_dataset()["block"]
    tested = by.blocks[np.concatenate([test for _, test in by.folds])]
    assert (metrics.attrs["resampled"], block.attrs["name"]) == (unit, unit)
    assert metrics.attrs["blocks"] == len(np.unique(tested)) == len(np.unique(block))
    assert len({*zip(tested, block.values, strict=True)}) == len(np.unique(tested))


def test_the_groups_judge_the_same_rows_as_the_scores():
    tree = run("logistic", events())
    value = tree["metrics"].to_dataset()["value"]
    parts = tree["calibration"].to_dataset().sel(score="brier_score")
    assert float(parts["value"]) == pytest.approx(float(value.sel(metric="brier_score")), abs=1e-12)
    total = parts["miscalibration"] - parts["discrimination"] + parts["uncertainty"]
    assert float(total) == pytest.approx(float(parts["value"]), abs=1e-12)
    selective = tree["selective"].to_dataset()
    assert float(selective["risk_of_all"]) == pytest.approx(1 - float(value.sel(metric="accuracy")), abs=1e-12)
    assert tree["decision"]["event"].values.tolist() == ["blast"]


@pytest.mark.slow
def test_coverage_by_transforms_is_that_by_intervals():
    tree = run("bayesian_linear", shaking())
    curve = tree["calibration"].to_dataset()["coverage"]
    counted = tree["metrics"].to_dataset()["value"].sel(metric="coverage_80")
    # The ends of an interval lie between draws: rows that fall there are counted apart. There are 90 rows.
    assert float(curve.sel(level=0.8)) == pytest.approx(float(counted), abs=1.5 / 90)


@pytest.mark.slow
def test_the_size_of_a_model_is_that_of_its_arrays():
    sizes = {name: run(name, CASES[name]()).attrs["size_bytes"] for name in ("ridge", "bayesian_linear", "boosting")}
    # Four weights, and as many in each of 4,000 or so draws.
    assert 32 <= sizes["ridge"] < 1000 < sizes["bayesian_linear"]
    assert sizes["boosting"] > 1000


def test_places_of_the_test_rows_are_kept_in_their_order():
    data = events()
    x = np.where(np.arange(90) == 4, np.nan, np.arange(90.0))
    data = placed(data, easting=x, northing=x + 1, depth=x)
    data.coordinates["easting"].attrs["units"] = "km"
    by = split(data, folds=3)
    observed = evaluate(catalog.model("majority", data.task), data, by)["observed_data"].to_dataset()
    order = np.concatenate([test for _, test in by.folds])
    np.testing.assert_array_equal(observed["easting"], x[order])
    np.testing.assert_array_equal(observed["northing"], x[order] + 1)
    assert (observed["easting"].attrs["units"], observed["northing"].attrs["units"]) == ("km", "")
    assert "depth" not in observed


@pytest.mark.slow
def test_a_network_leaves_the_curves_of_every_fit_and_another_model_none():
    tree = run("mlp", events())
    group = tree["training"].to_dataset()
    assert group["fold"].values.tolist() == ["0", "1", "2", EVERY_ROW]
    assert group.sizes["epoch"] == 5
    assert np.isfinite(group["loss"]).all()
    assert set(group["verdict"].values) <= {"fits", "overfitting", "underfitting"}
    assert group.attrs["members"] == 1
    assert "training" not in run("logistic", events()).children


def test_the_curves_are_those_of_the_fitted_network():
    data = events()
    given = catalog.model("mlp", data.task, hidden=(4,), recipe=Recipe(max_epochs=5))
    found = fit_and_score(given, data, split(data, folds=3))
    group, model = found.evidence["training"].to_dataset().sel(fold=EVERY_ROW), found.model
    np.testing.assert_array_equal(group["loss"].sel(part="training"), model.curve_["training"])
    np.testing.assert_array_equal(group["loss"].sel(part="validation"), model.curve_["validation"])
    assert int(group["best_epoch"]) == int(model.curve_["best_epoch"])


def test_a_member_that_has_stopped_stays_at_its_last_loss():
    loss = ("draw", "epoch"), np.array([[4.0, 2.0, np.nan], [2.0, 2.0, 0.0]])
    curve = xr.Dataset({"training": loss, "validation": loss, "best_epoch": ("draw", [1, 2])})
    short = curve.isel(epoch=slice(0, 2))
    group = training_group([short, curve])
    np.testing.assert_array_equal(group["loss"].sel(part="training"), [[3.0, 2.0, np.nan], [3.0, 2.0, 1.0]])
    assert group.attrs["members"] == 2
    assert np.isnan(group["constant"]).all()
    assert group["best_epoch"].values.tolist() == [1.5, 1.5]


def test_the_curve_of_a_network_inside_another_model_is_found():
    data = events()
    tuned = catalog.model("tuned_mlp", data.task, widths=(4,), depths=(1,), weight_decays=(0.01,), max_epochs=3)
    tuned.fit(data.X, data.y.values)
    assert training_curve(tuned) is tuned.estimator_.curve_
    assert training_curve(catalog.model("logistic", data.task).fit(data.X, data.y.values)) is None


@pytest.mark.slow
def test_seeds_measure_what_chance_in_the_fit_does_and_leave_the_rest_alone():
    data = events()
    once, thrice = (run("mlp", data, seeds=k) for k in (1, 3))
    assert "seeds" not in once.children
    group = thrice["seeds"].to_dataset()
    assert dict(group.sizes) == {"seed": 3, "metric": once["metrics"].sizes["metric"]}
    np.testing.assert_allclose(group["value"].isel(seed=0), once["metrics"]["value"], rtol=1e-12)
    np.testing.assert_allclose(group["sd"], group["value"].std("seed", ddof=1), atol=1e-12)
    assert float(group["sd"].sel(metric="log_loss")) > 0
    assert group.attrs["stochastic"] == 1
    for name in once.children:
        assert once[name].to_dataset().identical(thrice[name].to_dataset()), name


@pytest.mark.slow
@pytest.mark.parametrize(("name", "data"), [("logistic", events), ("ridge", shaking)])
def test_a_fit_that_does_not_depend_on_the_seed_is_not_repeated(name, data, monkeypatch):
    data, fits = data(), []
    model = catalog.model(name, data.task)
    fit = type(model).fit
    monkeypatch.setattr(type(model), "fit", lambda self, *given, **more: fits.append(1) or fit(self, *given, **more))
    group = evaluate(model, data, split(data, folds=3), seeds=5)["seeds"].to_dataset()
    assert len(fits) == 5  # three folds, every row, and one under another seed
    assert (group["sd"] == 0).all()
    assert group.attrs["stochastic"] == 0


def test_no_seed_at_all_is_refused():
    with pytest.raises(ValueError, match=r"Invalid seeds 0\. It must be a whole number above zero"):
        run("logistic", events(), seeds=0)


@pytest.mark.slow
def test_the_posterior_of_a_score_of_ranks_is_that_of_its_draws():
    model = catalog.model("bayesian_logistic", "classification", inference=FakePosterior(draws=20))
    data = events(n_labels=3)
    by = split(data, folds=3)
    metrics = evaluate(model, data, by)["metrics"].to_dataset()
    draws = metrics["roc_auc_by_draw"].values
    assert draws.shape == (80,)
    low, high = np.quantile(draws, [0.025, 0.975])
    row = metrics.sel(metric="roc_auc")
    np.testing.assert_allclose([row["posterior_low"], row["posterior_high"]], [low, high], atol=1e-12)
    assert "roc_auc_by_draw" not in run("logistic", data)["metrics"].to_dataset()


@pytest.mark.parametrize("n_labels", [2, 4])
def test_areas_by_draw_are_those_of_scikit_learn(n_labels):
    rng = np.random.default_rng(0)
    y = rng.integers(n_labels, size=60)
    probability = rng.dirichlet(np.ones(n_labels), size=(5, 60)).round(2)  # with ties
    found = areas_by_draw(probability, y)
    events_of = [1] if n_labels == 2 else range(n_labels)
    for name, score in {"roc_auc": skl.roc_auc_score, "average_precision": skl.average_precision_score}.items():
        wanted = [np.mean([score(y == k, draw[:, k]) for k in events_of]) for draw in probability]
        np.testing.assert_allclose(found[name], wanted, atol=1e-10)


def test_the_hash_of_the_rows_knows_rows_and_that_of_the_preprocessing_features():
    data = events()
    fewer, other = data.with_features(["a", "b"]), data.rows(np.arange(89))
    assert rows_sha256(data) == rows_sha256(events()) == rows_sha256(fewer)
    assert preprocessing_sha256(data) == preprocessing_sha256(events())
    assert preprocessing_sha256(fewer) != preprocessing_sha256(data)
    assert rows_sha256(other) != rows_sha256(data)
    renamed = replace(data, y=data.y.assign_coords(obs=data.y["obs"].values + 1))
    assert rows_sha256(renamed) != rows_sha256(data)


@pytest.mark.slow
def test_evidence_proves_what_was_the_same():
    data = events()
    whole, fewer = run("logistic", data), run("logistic", data.with_features(["a", "b"]))
    assert fingerprint(whole) == fingerprint(fewer)
    assert whole.attrs["rows_sha256"] == rows_sha256(data)
    assert whole.attrs["preprocessing_sha256"] != fewer.attrs["preprocessing_sha256"]


@pytest.mark.slow
def test_a_posterior_gives_label_scores_an_interval_of_its_own():
    model = catalog.model("bayesian_logistic", "classification", inference=FakePosterior())
    data = events()
    tree = evaluate(model, data, split(data, folds=3))
    table = tree["metrics"].to_dataset().sel(metric=list(FROM_CONFUSION))
    assert (table["posterior_low"] <= table["posterior_high"]).all()
    assert np.isfinite(table["posterior_low"]).all()
    assert tree["diagnostics"].attrs["verdict"] == "sound"
    assert {"posterior", "sample_stats"} <= set(tree.children)


def test_a_deterministic_model_has_no_posterior_and_no_verdict():
    tree = run("ridge", shaking())
    assert tree["diagnostics"].attrs["verdict"] == "not applicable"
    assert "posterior" not in tree.children


class Broken(FakePosterior):
    """A posterior of which one fit is broken: that of a training part, not that of all rows."""

    def run(self, problem, seed):
        tree = super().run(problem, seed)
        if len(problem.data["y"]) < 90:
            tree["posterior"]["intercept"].values[0, 0] = np.nan
        return tree


def test_one_broken_fit_on_a_training_part_fails_the_whole():
    data = shaking()
    tree = evaluate(BayesianLinearRegression(inference=Broken()), data, split(data, folds=3))
    table = tree["diagnostics"].to_dataset()
    checks = dict(zip(table["code"].values, table["status"].values, strict=True))
    assert checks["folds"] == "issue"
    assert checks["finite"] == "passed"
    assert tree["diagnostics"].attrs["verdict"] == "failed"


@dataclass(frozen=True)
class Interrupted(FakePosterior):
    """A run that is stopped early when it has at least so many rows."""

    rows: int = 0

    def run(self, problem, seed):
        tree = super().run(problem, seed)
        tree.attrs["interrupted"] = int(len(problem.data["X"]) >= self.rows)
        return tree


def test_a_last_fit_cut_short_is_kept_says_so_and_is_not_sound():
    data = shaking()
    model = BayesianLinearRegression(inference=Interrupted(rows=data.n_rows))
    tree = evaluate(model, data, split(data, folds=3))
    assert tree.attrs["interrupted"] == 1
    assert tree["diagnostics"].attrs["verdict"] == "doubtful"


def test_an_interrupt_among_the_folds_stops_at_once():
    data = shaking()
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        evaluate(BayesianLinearRegression(inference=Interrupted()), data, split(data, folds=3))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic", "majority", "boosting", "forest"])
def test_a_class_that_the_training_part_lacks_scores_a_finite_log_loss(name):
    data = events(n_labels=3)
    slides = np.flatnonzero(data.y.values == 2)
    others = np.flatnonzero(data.y.values != 2)
    test = np.sort(np.concatenate([slides[:5], others[:10]]))
    train = others[10:]
    by = Split("holdout", ((train, test),), None, "One class is new.")
    tree = evaluate(catalog.model(name, data.task), data, by)
    loss = float(tree["metrics"]["value"].sel(metric="log_loss"))
    assert np.isfinite(loss)
    # Five of fifteen rows cost -log(machine epsilon) each.
    assert loss > 5 / 15 * 36
    assert (tree["predictions"]["probability"].sel(label=2) == 0).all()


@pytest.mark.slow
def test_the_optimism_gap_compares_the_same_rows():
    data = events()
    honest = split(data, folds=3)
    tree = evaluate(catalog.model("logistic", data.task), data, honest, random_rows=honest)
    # The first fold of the same split again: the gap is zero, bit for bit.
    table = tree["metrics"].to_dataset()
    assert np.array_equal(table["random_rows"], table["same_rows"])


def test_a_model_for_another_task_is_refused():
    data = shaking()
    with pytest.raises(ValueError, match=r"Invalid estimator 'LogisticClassifier'\. The data set is for regression"):
        evaluate(catalog.model("logistic", "classification"), data, split(data))


@pytest.mark.slow
def test_evidence_survives_its_file(tmp_path):
    tree = run("bayesian_linear", shaking())
    again = load_evidence(save_evidence(tree, tmp_path / "e.nc"))
    assert same_numbers(tree, again)
    assert again.attrs == tree.attrs


def test_a_file_that_is_no_evidence_is_refused(tmp_path):
    (tmp_path / "e.nc").write_text("no evidence")
    with pytest.raises(ValueError, match=r"Invalid evidence .* It cannot be read: .* Make it again"):
        load_evidence(tmp_path / "e.nc")


def test_evidence_of_another_schema_is_refused(tmp_path):
    save_evidence(xr.DataTree(xr.Dataset(attrs={"schema_version": 99})), tmp_path / "e.nc")
    with pytest.raises(ValueError, match=r"Invalid evidence .* Its schema is not 7\. Run the comparison again"):
        load_evidence(tmp_path / "e.nc")
