"""Moran's I: exact over all orders, true to its level, found where neighbours are alike, on the plane and the globe."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from bayesgeo.metrics import morans_i
from bayesgeo.metrics.residuals import dependence
from bayesgeo.metrics.spatial import nearest, points


def plane(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    return {"easting": rng.uniform(0, 10, n), "northing": rng.uniform(0, 10, n)}


def test_mean_and_variance_are_those_of_all_orders_of_the_values() -> None:
    rng = np.random.default_rng(0)
    places, values = plane(rng, 6), rng.exponential(size=6)
    every = [morans_i(values[list(order)], places, 2).value for order in permutations(range(6))]
    found = morans_i(values, places, 2)
    half = stats.norm.ppf(0.975) * np.std(every)
    assert found.expected == pytest.approx(np.mean(every), abs=1e-12) == pytest.approx(-0.2)
    assert (found.low, found.high) == pytest.approx((-0.2 - half, -0.2 + half), abs=1e-12)
    assert found.p == pytest.approx(stats.norm.sf((found.value + 0.2) / np.std(every)), abs=1e-12)


def test_a_chequerboard_and_halves_are_as_unlike_and_as_alike_as_can_be() -> None:
    easting, northing = (axis.ravel().astype(float) for axis in np.meshgrid(np.arange(20), np.arange(20)))
    places = {"easting": easting, "northing": northing}
    board = morans_i((easting + northing) % 2, places, 4)
    halves = morans_i(easting < 10, places, 4)
    assert board.value < -0.85
    assert halves.value > 0.85
    assert halves.p < 0.001
    assert board.p > 0.999


def test_a_change_of_unit_or_of_the_scale_of_values_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    places, values = plane(rng, 80), rng.normal(size=80)
    found = morans_i(values, places)
    again = morans_i(5 - 2 * values, {name: 1000 * axis + 7 for name, axis in places.items()})
    assert again.value == pytest.approx(found.value, abs=1e-12)
    assert again.p == pytest.approx(found.p, abs=1e-10)


def test_values_in_random_order_are_called_alike_as_rarely_as_stated() -> None:
    rng, repeats = np.random.default_rng(2), 300
    found = [morans_i(rng.standard_t(4, size=120), plane(rng, 120)) for _ in range(repeats)]
    low, high = stats.binom.interval(0.999, repeats, 0.05)
    assert low <= sum(one.p <= 0.05 for one in found) <= high
    assert sum(one.low <= one.value <= one.high for one in found) >= stats.binom.ppf(0.001, repeats, 0.95)


def test_neighbours_on_the_globe_are_those_of_great_circles() -> None:
    # At 80 degrees north a degree of longitude is a sixth of one of latitude: neighbours lie along the parallel.
    longitude, latitude = (axis.ravel() for axis in np.meshgrid(np.arange(175.0, 186.0), np.array([79.0, 80.0, 81.0])))
    longitude = np.where(longitude > 180, longitude - 360, longitude)
    globe = points({"longitude": longitude, "latitude": latitude})
    one, other = nearest(globe, 2, rng=np.random.default_rng(0))
    assert (latitude[one] == latitude[other]).all()
    angle = np.arccos(np.clip((globe[one] * globe[other]).sum(axis=1), -1, 1))
    assert np.degrees(angle).max() < 0.4


def test_rows_at_one_place_are_neighbours_and_none_is_its_own() -> None:
    places = np.repeat([[0.0, 0.0], [50.0, 0.0]], 30, axis=0)
    one, other = nearest(places, 8, rng=np.random.default_rng(0))
    assert (np.bincount(one) == 8).all()
    assert (one != other).all()
    assert (places[one] == places[other]).all()
    values = np.repeat([0.0, 1.0], 30)
    assert morans_i(values, {"x": places[:, 0], "y": places[:, 1]}).value == pytest.approx(1.0, abs=1e-12)


def test_the_evidence_of_rows_without_groups_holds_the_same_value() -> None:
    rng = np.random.default_rng(3)
    places, values = plane(rng, 150), rng.normal(size=150)
    row = dependence(values[:, None], places=places).sel(by="place")
    found = morans_i(values, places)
    assert float(row["value"]) == pytest.approx(found.value, abs=1e-12)
    assert float(row["expected"]) == pytest.approx(found.expected, abs=1e-15)
    # Flips and orders of values of even spread agree: 90 % and 95 % ends, each of 999 flips.
    ratio = float(row["chance_high"] - row["chance_low"]) / (found.high - found.low)
    assert ratio == pytest.approx(stats.norm.ppf(0.95) / stats.norm.ppf(0.975), abs=0.12)


def test_rows_without_a_place_or_a_value_are_left_out() -> None:
    rng = np.random.default_rng(4)
    places, values = plane(rng, 60), rng.normal(size=60)
    holes = {name: np.r_[axis, np.nan, 1.0] for name, axis in places.items()}
    assert morans_i(np.r_[values, 1.0, np.nan], holes).value == pytest.approx(morans_i(values, places).value, abs=1e-12)


@pytest.mark.parametrize(
    ("values", "places", "neighbours", "says"),
    [
        (
            np.arange(5.0),
            {"x": np.arange(5.0)},
            8,
            "Invalid neighbours 8. 5 rows have a value and a place; 9 are needed",
        ),
        (np.ones(20), {"x": np.arange(20.0)}, 8, "Invalid values 1.0. They are all the same"),
        (np.arange(5.0), {"x": np.arange(4.0)}, 2, r"Invalid coordinates 'x'. x has shape \(4,\) for 5 values"),
        (np.arange(5.0), {}, 2, "Invalid coordinates {}. There are none"),
        (np.ones((3, 2)), {"x": np.arange(3.0)}, 2, r"Invalid values \(3, 2\). It must have one dimension"),
        (np.arange(9.0), {"x": np.arange(9.0)}, 0, "Invalid neighbours 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(values, places, neighbours, says) -> None:
    with pytest.raises(ValueError, match=says):
        morans_i(values, places, neighbours)
