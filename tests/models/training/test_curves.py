"""The verdict on a training curve is the one that the curve was made for."""

import numpy as np
import pytest
import xarray as xr

from bayesgeo.models.architecture import Network
from bayesgeo.models.training.curves import NEGATIVE_LOG_DENSITY, training_verdict
from tests.models.training.training import rows, trained


def curve(training, validation, **more):
    return xr.Dataset({"training": ("epoch", training), "validation": ("epoch", validation)} | more)


EPOCHS = np.arange(100)
FALLING = 0.1 + 0.9 * np.exp(-EPOCHS / 10)
CURVES = {
    "fits": curve(FALLING, FALLING + 0.02),
    "overfitting": curve(FALLING, np.where(EPOCHS < 30, FALLING, FALLING[30] + 0.005 * (EPOCHS - 30))),
    "underfitting": curve(FALLING, FALLING, constant=0.1),
}


@pytest.mark.parametrize("verdict", CURVES)
def test_clean_curves_are_named(verdict):
    assert training_verdict(CURVES[verdict]) == verdict


def test_a_loss_still_falling_at_the_end_is_underfitting_and_one_that_rests_is_not():
    assert training_verdict(curve(1 - EPOCHS / 200, 1.1 - EPOCHS / 200)) == "underfitting"
    assert training_verdict(curve(np.ones(100), 1.1 - EPOCHS / 1e5)) == "fits"


def test_validation_that_rises_while_training_does_not_fall_is_no_overtraining_verdict():
    rising = np.where(EPOCHS < 30, FALLING, FALLING[30] + 0.005 * (EPOCHS - 30))
    assert training_verdict(curve(rising, rising)) == "fits"


@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e3])
@pytest.mark.parametrize("verdict", CURVES)
def test_densities_get_the_verdict_of_the_variances_that_they_amount_to(verdict, unit):
    # Half the logarithm of the variance, in another unit: below zero, above it, or on both sides.
    nats = (0.5 * np.log(CURVES[verdict]) + np.log(unit)).assign_attrs(loss=NEGATIVE_LOG_DENSITY)
    assert training_verdict(nats) == verdict


def test_noise_on_the_curves_does_not_change_the_verdict():
    rng = np.random.default_rng(0)
    for verdict, clean in CURVES.items():
        noisy = clean * (1 + 0.03 * rng.normal(size=100)) if verdict != "underfitting" else clean
        assert training_verdict(noisy) == verdict


def test_of_several_members_most_decide():
    together = xr.concat([CURVES["fits"], CURVES["overfitting"], CURVES["overfitting"]], "member", join="outer")
    assert training_verdict(together) == "overfitting"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verdict", "hidden", "noise", "recipe"),
    [
        ("overfitting", (64, 64), 1.0, {"max_epochs": 300, "patience": 300, "weight_decay": 0.0}),
        ("underfitting", (8,), 0.1, {"max_epochs": 10, "patience": 10, "learning_rate": 1e-3}),
        ("fits", (16, 16), 0.3, {"max_epochs": 500, "patience": 25}),
    ],
)
def test_networks_that_were_made_to_are_found_to(verdict, hidden, noise, recipe):
    data = rows(n=400, noise=noise)
    cut = 100 if verdict == "overfitting" else 300
    found = trained(1, Network(3, hidden, 1), [(np.arange(cut), np.arange(300, 400))], data, **recipe)
    assert training_verdict(found.curve.isel(member=0)) == verdict
