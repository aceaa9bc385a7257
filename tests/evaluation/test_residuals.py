import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayesgeo import catalog
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import split
from bayesgeo.evaluation.evaluate import evaluate
from bayesgeo.evaluation.residuals import believed, residuals_group
from bayesgeo.models.baselines import RidgeRegressor
from bayesgeo.models.regression.linear import BayesianLinearRegression

EVENTS, RECORDS, TRUTH = 40, 10, np.array([0.8, -1.2])


def records(tau: float, seed: int = 0) -> Dataset:
    """Draw values with event terms on a feature of the event and one of the record."""
    rng = np.random.default_rng(seed)
    event = np.repeat(np.arange(EVENTS), RECORDS)
    X = np.c_[rng.normal(size=EVENTS)[event], rng.normal(size=len(event))]
    y = X @ TRUTH + tau * rng.normal(size=EVENTS)[event] + 0.5 * rng.normal(size=len(event))
    places = {name: ("obs", rng.uniform(0, 5, EVENTS)[event]) for name in ("longitude", "latitude")}
    coords = {"feature": ["magnitude", "log_distance"], "obs": np.arange(len(event))}
    return Dataset(
        name="records",
        X=xr.DataArray(X, dims=("obs", "feature"), coords=coords),
        y=xr.DataArray(y, dims="obs", name="log_pga"),
        groups=xr.Dataset({"event": ("obs", event.astype(str)), "station": ("obs", (event % 7).astype(str))}),
        coordinates=xr.Dataset(places | {"time": ("obs", np.datetime64("2020-01-01", "ns") + event * 10**15)}),
    )


def scored(name: str, dataset: Dataset, seed: int = 0) -> xr.DataTree:
    return evaluate(catalog.model(name, "regression"), dataset, split(dataset, folds=3, seed=seed), seed=seed)


def statuses(evidence: xr.DataTree) -> dict[str, str]:
    table = evidence["diagnostics"].to_dataset()
    return dict(zip(table["code"].values.tolist(), table["status"].values.tolist(), strict=True))


@pytest.mark.slow
def test_event_terms_make_a_posterior_doubtful_and_the_cluster_robust_deviations_believed() -> None:
    evidence = scored("bayesian_linear", records(0.4))
    found = statuses(evidence)
    assert found["residuals_by_group"] == "tip"
    assert {found["residuals_by_place"], found["residuals_in_order"]} == {"passed"}
    assert evidence["diagnostics"].attrs["verdict"] == "doubtful"
    table = evidence["cluster_robust"].to_dataset()
    assert table.attrs["believe"] == "cluster-robust"
    # Event terms of .4 among records of .5 make the variance of an event's mean 1 + 10 x .64 times as large.
    assert float(table["ratio"].sel(feature="magnitude")) > 1.5
    assert (evidence["residuals"]["name"] == ["event", "longitude, latitude", "time"]).all()


@pytest.mark.slow
def test_without_event_terms_a_posterior_is_sound_and_believed() -> None:
    evidence = scored("bayesian_linear", records(0.0))
    assert evidence["diagnostics"].attrs["verdict"] == "sound"
    assert evidence["cluster_robust"].attrs["believe"] == "posterior"


@pytest.mark.slow
def test_a_model_without_a_posterior_has_the_checks_and_no_verdict() -> None:
    for tau, status in ((0.4, "tip"), (0.0, "passed")):
        evidence = scored("ridge", records(tau))
        assert statuses(evidence)["residuals_by_group"] == status
        assert evidence["diagnostics"].attrs["verdict"] == "not applicable"
        assert "cluster_robust" not in evidence.children


class _WithEffects(RidgeRegressor):
    """Claim effects of groups, as a model of their population does."""

    unseen_groups = "population"


@pytest.mark.slow
def test_a_model_with_effects_of_groups_is_not_asked_whether_they_are_alike() -> None:
    drawn = records(0.4)
    found = statuses(evaluate(_WithEffects(), drawn, split(drawn, folds=3)))
    assert found["residuals_by_group"] == "not applicable"
    assert found["residuals_by_place"] == "passed"


def test_depth_orders_rows_only_within_long_groups() -> None:
    rng = np.random.default_rng(0)
    predictions = xr.Dataset({name: ("obs", rng.random(400)) for name in ("pit", "epistemic", "aleatoric")})
    predictions["fold"] = ("obs", np.zeros(400, dtype=int))
    drawn = records(0.0)
    depth = xr.Dataset({"depth": ("obs", np.tile(np.arange(10.0), EVENTS))})
    for group, ordered_by in ((drawn.groups, ""), (drawn.groups[["station"]], "depth")):
        tested = Dataset(drawn.name, X=drawn.X, y=drawn.y, groups=group, coordinates=depth)
        found = residuals_group(tested, predictions, probability=np.empty(0), seed=0)
        assert str(found["name"].sel(by="order").values) == ordered_by
        assert (str(found["reason"].sel(by="order").values) == "") == (ordered_by != "")


@pytest.mark.long
@pytest.mark.parametrize("tau", [0.4, 0.12, 0.0], ids=["event terms", "weak ones", "no event terms"])
def test_the_believed_intervals_hold_the_truth_as_often_as_stated(tau: float) -> None:
    held, sets = [], 60
    for seed in range(sets):
        drawn = records(tau, seed)
        model = BayesianLinearRegression("flat", random_state=seed)
        alike = residuals_group(drawn, held_out(drawn), probability=np.empty(0), seed=seed)
        model.fit(drawn.X, drawn.y.values, groups=drawn.group_labels())
        posterior = {name: node.to_dataset() for name, node in model.posterior_.children.items()}
        table = believed(posterior, alike)["cluster_robust"]
        low, high = (table[end].values for end in ("low", "high"))
        if table.attrs["believe"] == "posterior":
            draws = posterior["posterior"]["coefficient"]
            low, high = draws.quantile([0.05, 0.95], ("chain", "draw")).transpose("quantile", "feature").values
        held.append((low <= TRUTH) & (high >= TRUTH))
    assert 0.85 <= np.mean(held) <= 0.95


def held_out(drawn: Dataset) -> xr.Dataset:
    """Return what least squares predict for each row from the four fifths of the events without it."""
    names = ("pit", "epistemic", "aleatoric", "fold")
    found = xr.Dataset({name: ("obs", np.empty(drawn.n_rows)) for name in names})
    design = np.c_[np.ones(drawn.n_rows), drawn.X.values]
    for fold, (train, test) in enumerate(split(drawn).folds):
        A, y = design[train], drawn.y.values[train]
        bread = np.linalg.inv(A.T @ A)
        theta = bread @ A.T @ y
        variance = np.sum((y - A @ theta) ** 2) / (len(y) - A.shape[1])
        leverage = np.sum(design[test] @ bread * design[test], axis=1)
        score = (drawn.y.values[test] - design[test] @ theta) / np.sqrt(variance * (1 + leverage))
        found["pit"][test], found["aleatoric"][test] = stats.norm.cdf(score), variance
        found["epistemic"][test], found["fold"][test] = variance * leverage, fold
    return found
