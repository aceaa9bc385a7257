"""Effects with fields against dense algebra, simulated truth, and input that cannot be."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayesgeo import HierarchicalClassifier, HierarchicalRegression, MixedRegression, diagnose
from bayesgeo._check import InvalidInput
from bayesgeo.models.effects.covariance import GroupPrior
from bayesgeo.models.effects.fields import OWN, Field, FieldScales
from bayesgeo.models.effects.gaussian import MixedEquations, fewer_groups
from bayesgeo.models.effects.levels import Members
from bayesgeo.models.effects.marginal import GaussianMarginal
from bayesgeo.models.effects.prediction import absent_groups
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.spatial.scales import share_of
from bayesgeo.models.storage import load_model, save_model

SEED = 0


def correlation(points: np.ndarray, other: np.ndarray, length: float) -> np.ndarray:
    return np.exp(-np.linalg.norm(points[:, None] - other[None], axis=2) / length)


def a_table(rng: np.random.Generator, *, n: int = 60, stations: int = 8, events: int = 5) -> dict[str, np.ndarray]:
    table = {"x": rng.normal(size=n), "station": rng.integers(stations, size=n), "event": rng.integers(events, size=n)}
    table["station"][:stations], table["event"][:events] = np.arange(stations), np.arange(events)
    return table


class TestAgainstDenseAlgebra:
    """Marginal density and conditional effects, from the covariance of all rows."""

    effects = (Effect("event"), Effect("station", ("x",), smoothness=0.5))
    length, turns = np.array([1.5, 0.7]), np.array([4.0, 2.0])

    def values(self, log_sigma: float) -> np.ndarray:
        # log sigma; event: log sd; station: two log sds, a correlation, two log lengths, two turns
        return np.r_[log_sigma, -0.3, -0.2, 0.1, 0.4, np.log(self.length), self.turns]

    def covariance_of_station(self) -> tuple[np.ndarray, np.ndarray]:
        partial = np.tanh(0.4)
        root = np.exp([-0.2, 0.1])[:, None] * np.array([[1.0, 0.0], [partial, np.sqrt(1 - partial**2)]])
        return root, (1 - OWN) * share_of(self.turns)

    def setup_rows(self) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, GaussianMarginal]:
        rng = np.random.default_rng(SEED)
        table, places = a_table(rng), rng.uniform(0, 3, (8, 2))
        y, X = rng.normal(size=60), np.c_[np.ones(60), table["x"]]
        groups = [Members(table["event"], np.ones((60, 1))), Members(table["station"], X)]
        equations = MixedEquations(X, y, groups, [5, 8], np.full(2, 0.04), fields=[None, Field(places, 0.5)])
        return table, places, y, GaussianMarginal(equations, self.effects, GroupPrior("half-normal", 1.0))

    def dense_density(self, log_sigma: float) -> float:
        table, places, y, _ = self.setup_rows()
        sigma2, X = np.exp(2 * log_sigma), np.c_[np.ones(60), table["x"]]
        V = sigma2 * (np.eye(60) + X @ X.T / 0.04)
        V += np.exp(-0.6) * (table["event"][:, None] == table["event"])
        root, share = self.covariance_of_station()
        same = table["station"][:, None] == table["station"]
        for term in range(2):
            loading = X @ root[:, term]
            near = correlation(places, places, self.length[term])[np.ix_(table["station"], table["station"])]
            V += np.outer(loading, loading) * np.where(same, 1.0, share[term] * near)
        return float(stats.multivariate_normal(np.zeros(60), V).logpdf(y))

    def test_density_is_that_of_all_rows(self) -> None:
        *_, marginal = self.setup_rows()
        points = np.stack([self.values(one) for one in (-0.5, 0.2)])
        found = marginal.log_density(points) - marginal._log_prior(points)
        assert found == pytest.approx([self.dense_density(-0.5), self.dense_density(0.2)], abs=1e-7)

    def test_density_where_all_keys_have_fields(self) -> None:
        table, places, y, _ = self.setup_rows()
        X, own = np.c_[np.ones(60), table["x"]], Members(table["station"], np.ones((60, 1)))
        of_events = np.random.default_rng(3).uniform(0, 3, (5, 2))
        groups = [Members(table["event"], X), own]
        fields = [Field(of_events, 1.5), Field(places, 0.5)]
        equations = MixedEquations(X, y, groups, [5, 8], np.full(2, 0.04), fields=fields)
        V = np.exp(-0.4) * (np.eye(60) + X @ X.T / 0.04)
        root, share = self.covariance_of_station()
        scales = [FieldScales(self.length[None], share[None]), FieldScales(self.length[None, :1], share[None, :1])]
        for key, mixing, near_of in ((table["event"], X @ root, fields[0]), (table["station"], X[:, :1], fields[1])):
            of_key = near_of.roots(self.length[: mixing.shape[1]], share[: mixing.shape[1]])
            for term, one in enumerate(of_key):
                V += np.outer(mixing[:, term], mixing[:, term]) * (one @ one.T)[np.ix_(key, key)]
        sigma = np.exp(-0.2)
        _, solved = next(equations.solve([root[None] / sigma, np.ones((1, 1, 1)) / sigma], scales))
        dense = stats.multivariate_normal(np.zeros(60), V).logpdf(y)
        parts = 60 * np.log(2 * np.pi * sigma**2) + solved.log_determinant + solved.log_determinant_x
        found = -0.5 * (parts - 2 * np.log(0.04) + solved.squares / sigma**2)
        assert found[0] == pytest.approx(dense, abs=1e-7)

    def test_effects_are_those_of_the_dense_posterior(self) -> None:
        table, places, y, marginal = self.setup_rows()
        log_sigma, X = -0.5, np.c_[np.ones(60), table["x"]]
        root, share = self.covariance_of_station()
        prior = np.zeros((16, 16))
        for term in range(2):
            near = share[term] * correlation(places, places, self.length[term])
            np.fill_diagonal(near, 1.0)
            prior += np.kron(near, np.outer(root[:, term], root[:, term]))
        design = np.zeros((60, 16))
        for row, station in enumerate(table["station"]):
            design[row, 2 * station : 2 * station + 2] = X[row]
        sigma2 = np.exp(2 * log_sigma)
        rest = sigma2 * (np.eye(60) + X @ X.T / 0.04) + np.exp(-0.6) * (table["event"][:, None] == table["event"])
        expected = prior @ design.T @ np.linalg.solve(design @ prior @ design.T + rest, y)
        relative = [np.full((1, 1, 1), np.exp(-0.3)) / np.exp(log_sigma), root[None] / np.exp(log_sigma)]
        _, solved = next(marginal.equations.solve(relative, [None, FieldScales(self.length[None], share[None])]))
        found = marginal.equations.estimates(solved, [factor[0] for factor in relative])
        assert found.effects[1].ravel() == pytest.approx(expected, abs=1e-8)

    def test_new_groups_are_conditioned_on_known_ones(self) -> None:
        _, places, _, _ = self.setup_rows()
        root, share = self.covariance_of_station()
        rng = np.random.default_rng(1)
        known, new, z = rng.normal(size=(8, 2)), np.array([[1.0, 1.0]]), np.array([[1.0, 0.5]])
        of_table = np.array([[1.0, -0.8], [0.0, 0.3]])
        mixing = of_table @ root
        covariance = mixing @ mixing.T
        sd = np.sqrt(np.diag(covariance))
        p = {
            "station_effect": known[None, None],
            "station_sd": sd[None, None],
            "station_correlation": (covariance[1:2, 0] / sd.prod())[None, None],
            "station_length_scale": self.length[None, None],
            "station_field_share": share[None, None],
        }
        own = Members(np.array([-1]), z, new)
        found = absent_groups(self.effects[1], Field(places, 0.5), own, p, of_table)
        # Dense: the covariance of all effects, station after station and term after term.
        every = np.r_[places, new]
        joint = np.zeros((18, 18))
        for term in range(2):
            near = share[term] * correlation(every, every, self.length[term])
            np.fill_diagonal(near, 1.0)
            joint += np.kron(near, np.outer(mixing[:, term], mixing[:, term]))
        weights = np.linalg.solve(joint[:16, :16], joint[:16, 16:])
        mean, rest = weights.T @ known.ravel(), joint[16:, 16:] - weights.T @ joint[:16, 16:]
        assert found.mean[0, 0, 0] == pytest.approx((z @ mean).item(), abs=1e-8)
        assert found.variance[0, 0, 0] == pytest.approx((z @ rest @ z.T).item(), abs=1e-8)


def test_draws_of_the_prior_have_the_covariance_of_the_field() -> None:
    field = Field(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]]), 1.5)
    n = 20_000
    drawn = field.sample(FieldScales(np.full((n, 1), 2.0), np.full((n, 1), 0.8)), np.random.default_rng(SEED))[..., 0]
    root = field.roots(np.array([2.0]), np.array([0.8]))[0]
    assert np.cov(drawn.T) == pytest.approx(root @ root.T, abs=0.03)


def test_fewer_groups_are_those_of_their_rows() -> None:
    rng = np.random.default_rng(SEED)
    table, places, y = a_table(rng, n=80, stations=20), rng.uniform(0, 1, (20, 2)), rng.normal(size=80)
    X = np.c_[np.ones(80), table["x"]]
    groups = [Members(table["event"], np.ones((80, 1))), Members(table["station"], np.ones((80, 1)))]
    whole = MixedEquations(X, y, groups, [5, 20], np.ones(2), fields=[None, Field(places, 0.5)])
    few = fewer_groups(whole, 10)
    assert few is not None
    assert few.sizes[1] == 10
    kept = np.flatnonzero(np.isin(table["station"], np.linspace(0, 19, 10).round()))
    assert few.rows == (len(kept), 2)
    assert few.products[-1, -1] == pytest.approx(float(y[kept] @ y[kept]))
    assert fewer_groups(whole, 20) is None


def simulated(rng: np.random.Generator, *, stations: int = 60, n: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of stations whose effects have sd 1, 0.9 of the variance a field of length 30, and a noise of 0.3."""
    places = rng.uniform(0, 100, (stations, 2))
    covariance = 0.9 * correlation(places, places, 30.0) + 0.1 * np.eye(stations)
    effect = np.linalg.cholesky(covariance) @ rng.normal(size=stations)
    station = np.r_[np.arange(stations), rng.integers(stations, size=n - stations)]
    x = rng.normal(size=n)
    table = pd.DataFrame({"station": [f"s{k}" for k in station], "x": x})
    table[["station_easting", "station_northing"]] = places[station]
    return table, 2 + 0.5 * x + effect[station] + 0.3 * rng.normal(size=n)


PLACES = ["station_easting", "station_northing"]


@pytest.fixture(scope="module")
def fitted() -> tuple[HierarchicalRegression, pd.DataFrame, np.ndarray]:
    table, y = simulated(np.random.default_rng(SEED))
    model = HierarchicalRegression(formula="y ~ x + exponential(1 | station)", random_state=0)
    train = table["station"].str[1:].astype(int) < 45
    model.fit(table.loc[train, ["x", "station"]], y[train], coordinates=table.loc[train, PLACES])
    return model, table[~train], y[~train]


class TestFit:
    """Stations that were left out are predicted from their neighbours."""

    def test_the_posterior_holds(self, fitted: tuple[HierarchicalRegression, pd.DataFrame, np.ndarray]) -> None:
        model, _, _ = fitted
        draws = model.posterior_["posterior"].to_dataset()
        # A station whose rows weigh on the scales may be told; nothing else is.
        told = {check.code for check in diagnose(model.posterior_).checks if check.status in ("tip", "issue")}
        assert told <= {"loo_pareto_k"}
        low, high = draws["station_practical_range"].quantile([0.005, 0.995])
        assert low < 2.996 * 30 < high
        low, high = draws["station_field_share"].quantile([0.005, 0.995])
        assert low < 0.9 < high

    def test_new_stations_are_known_by_their_neighbours(
        self, fitted: tuple[HierarchicalRegression, pd.DataFrame, np.ndarray]
    ) -> None:
        model, table, y = fitted
        X, at = table[["x", "station"]], table[PLACES]
        error = model.predict(X, coordinates=at) - y
        plain = HierarchicalRegression("station", random_state=0)
        every, everything = simulated(np.random.default_rng(SEED))
        train = every["station"].str[1:].astype(int) < 45
        plain.fit(every.loc[train, ["x", "station"]], everything[train])
        assert np.mean(error**2) < 0.7 * np.mean((plain.predict(X) - y) ** 2)
        parts = model.predict_sd(X, coordinates=at)
        own = model.predictive(X, coordinates=at)
        total = own["sigma"] ** 2
        variance = total.mean(("chain", "draw")) + own["expected"].var(("chain", "draw"))
        assert parts["total"].to_numpy() == pytest.approx(np.sqrt(variance.values))
        assert np.mean(np.abs(error) < 1.645 * parts["total"]) > 0.7

    def test_a_new_station_at_a_known_place_is_nearly_known(
        self, fitted: tuple[HierarchicalRegression, pd.DataFrame, np.ndarray]
    ) -> None:
        model, _, _ = fitted
        table, _ = simulated(np.random.default_rng(SEED))
        one = table[table["station"] == "s3"].head(1)
        near = model.predict_sd(one.assign(station="new")[["x", "station"]], coordinates=one[PLACES])["station"]
        far = one.assign(station="new", station_easting=1e5)
        assert near.iloc[0] < 0.85 * model.predict_sd(far[["x", "station"]], coordinates=far[PLACES])["station"].iloc[0]

    def test_responses_of_a_new_station_are_drawn_with_its_variance(
        self, fitted: tuple[HierarchicalRegression, pd.DataFrame, np.ndarray]
    ) -> None:
        model, table, _ = fitted
        X, at = table[["x", "station"]], table[PLACES]
        drawn = model.predict_draws(X, coordinates=at, kind="response")
        sd = drawn.std(("chain", "draw")).values
        assert sd == pytest.approx(model.predict_sd(X, coordinates=at)["total"].to_numpy(), rel=0.25)


class TestPlacesOfRows:
    """The key ``place`` needs no labels: rows at one place are a group."""

    def fitted(self) -> tuple[pd.DataFrame, np.ndarray, HierarchicalRegression]:
        table, y = simulated(np.random.default_rng(2), stations=40, n=120)
        at = table[PLACES].set_axis(["easting", "northing"], axis=1)
        model = HierarchicalRegression(formula="y ~ x + exponential(1 | place)", random_state=0)
        return at, y, model.fit(table[["x"]], y, coordinates=at)

    def test_it_is_the_model_of_stations(self) -> None:
        at, y, model = self.fitted()
        table, _ = simulated(np.random.default_rng(2), stations=40, n=120)
        labelled = HierarchicalRegression(formula="y ~ x + exponential(1 | station)", random_state=0)
        labelled.fit(table[["x", "station"]], y, coordinates=table[PLACES])
        sd = [float(one.posterior_["posterior"]["noise_sd"].mean()) for one in (model, labelled)]
        assert sd[0] == pytest.approx(sd[1], rel=0.03)
        found = model.predict(table[["x"]], coordinates=at)
        assert found == pytest.approx(labelled.predict(table[["x", "station"]], coordinates=table[PLACES]), abs=0.1)

    def test_new_places_are_kriged_and_drawn(self) -> None:
        at, _, model = self.fitted()
        new = at.head(2) + np.array([[0.5, 0.5], [1e6, 0.0]])
        X = pd.DataFrame({"x": [0.0, 0.0]})
        parts = model.predict_sd(X, coordinates=new)
        assert 0 < parts["place"].iloc[0] < parts["place"].iloc[1]
        assert model.predict_draws(X, coordinates=new, kind="response").sizes["obs"] == 2
        assert list(model.group_status({})) == []


class TestKept:
    """What is saved, and what is told without places."""

    def test_a_saved_model_kriges_as_before(
        self, fitted: tuple[HierarchicalRegression, pd.DataFrame, np.ndarray], tmp_path: Path
    ) -> None:
        model, table, _ = fitted
        X, at = table[["x", "station"]], table[PLACES]
        again = load_model(save_model(model, tmp_path / "model"))
        assert again.predict(X, coordinates=at).tolist() == model.predict(X, coordinates=at).tolist()

    def test_a_known_station_needs_no_place(
        self, fitted: tuple[HierarchicalRegression, pd.DataFrame, np.ndarray]
    ) -> None:
        model = fitted[0]
        table, _ = simulated(np.random.default_rng(SEED))
        known = table[table["station"].isin(["s1", "s2"])]
        X = known[["x", "station"]]
        assert model.predict(X).tolist() == model.predict(X, coordinates=known[PLACES]).tolist()
        mixed, at = X.head(2).assign(station=["s1", "new"]), known[PLACES].head(2).copy()
        at.iloc[0] = np.nan
        assert np.isfinite(model.predict(mixed, coordinates=at)).all()
        with pytest.raises(InvalidInput, match="the rows have no station_easting"):
            model.predict(mixed)

    def test_known_and_new_are_told_by_labels(
        self, fitted: tuple[HierarchicalRegression, pd.DataFrame, np.ndarray]
    ) -> None:
        status = fitted[0].group_status({"station": ["s1", "elsewhere", ""]})
        assert status["station"].tolist() == ["known", "new", "unknown"]


class TestRefused:
    """What cannot be is named before anything is computed."""

    table, y = simulated(np.random.default_rng(SEED), stations=5, n=30)

    def fit(self, model: HierarchicalRegression, coordinates: pd.DataFrame | None) -> None:
        model.fit(self.table[["x", "station"]], self.y, coordinates=coordinates)

    def test_without_places(self) -> None:
        with pytest.raises(InvalidInput, match="station_longitude"):
            self.fit(HierarchicalRegression(Effect("station", smoothness=0.5)), None)

    def test_a_station_at_two_places(self) -> None:
        moved = self.table[PLACES].copy()
        moved.iloc[0, 0] += 1
        with pytest.raises(InvalidInput, match="'s0' are at several places"):
            self.fit(HierarchicalRegression(Effect("station", smoothness=0.5)), moved)

    def test_all_at_one_place(self) -> None:
        with pytest.raises(InvalidInput, match="at one place"):
            self.fit(HierarchicalRegression(Effect("station", smoothness=0.5)), 0 * self.table[PLACES])

    def test_another_smoothness(self) -> None:
        with pytest.raises(InvalidInput, match="Give one of these"):
            Effect("station", smoothness=1.0)

    def test_models_without_fields(self) -> None:
        effect, X, at = Effect("station", smoothness=0.5), self.table[["x", "station"]], self.table[PLACES]
        for model in (MixedRegression(effect), HierarchicalRegression(effect, noise="student-t")):
            with pytest.raises(InvalidInput, match="normal noise"):
                model.fit(X, self.y, coordinates=at)
        with pytest.raises(InvalidInput, match="normal noise"):
            HierarchicalClassifier(effect).fit(X, self.y > 2, coordinates=at)
