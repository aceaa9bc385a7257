"""R-hat, effective sizes and constant elements agree with ArviZ, with theory, and with the definition of matrices."""

import arviz_stats as az
import numpy as np
import pytest
import xarray as xr

from bayesgeo import diagnose
from bayesgeo.diagnostics.draws import effective_within, given, rhat, rhat_within
from bayesgeo.testing import layouts, shapes
from bayesgeo.testing.draws import walked
from tests.diagnostics.test_broken import found


def by_arviz(values):
    with np.errstate(all="ignore"):
        return az.rhat(xr.DataArray(values, dims=("chain", "draw", "quantity")), method="rank").values


@pytest.mark.parametrize("draws", [100, 101])
def test_rhat_is_that_of_arviz_also_with_ties_constants_and_chains_apart(draws):
    values = np.random.default_rng(0).normal(size=(4, draws, 7))
    values[..., 1] = values[..., 1].round()
    values[..., 2] = values[..., 2] > 0
    values[0, :, 3] += 2.0
    values[..., 4] = 1.0
    values[0, :, 5] = 0.3
    values[..., 6] = np.arange(4)[:, None]
    np.testing.assert_allclose(rhat(values), by_arviz(values), rtol=1e-12)


def test_rhat_within_a_chain_is_that_of_its_halves():
    values = np.random.default_rng(0).normal(size=(3, 200, 2))
    halves = [by_arviz(np.stack([chain[:100], chain[100:]])) for chain in values]
    np.testing.assert_allclose(rhat_within(values), halves, rtol=1e-12)


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_the_effective_size_within_chains_is_that_of_an_autoregression(memory):
    sizes = effective_within(walked(np.random.default_rng(0), memory, quantities=60))
    # The mean of 60 estimates; each is off by a tenth or a fifth, and a little low as lags are summed while positive.
    assert np.mean(sizes) == pytest.approx(4000 * (1 - memory) / (1 + memory), rel=0.1)


def test_chains_apart_do_not_lower_the_effective_size_within_them():
    values = walked(np.random.default_rng(0), 0.5)
    apart = values + 10.0 * np.arange(4)[:, None, None]
    np.testing.assert_allclose(effective_within(apart), effective_within(values), rtol=1e-9)


def test_only_the_diagonal_and_the_zeros_of_matrices_that_vary_are_given():
    variables = shapes.correlations(np.random.default_rng(0))
    posterior = layouts.plain(variables | {"fixed": np.ones((4, 1000, 2, 2))}, np.random.default_rng(0))["posterior"]
    of_chol = np.triu(np.ones((3, 3), dtype=bool), 1).ravel()
    wanted = [*of_chol, *np.eye(3, dtype=bool).ravel(), *[False] * (3 + 4)]
    assert given(posterior.to_dataset()).tolist() == wanted


@pytest.mark.parametrize(("value", "status"), [(0.0, "passed"), (0.3, "issue")])
def test_a_constant_element_off_the_diagonal_fails_unless_it_is_zero(value, status):
    rng = np.random.default_rng(0)
    variables = shapes.correlations(rng)
    variables["chol_corr"][..., 2, 0] = variables["chol_corr"][..., 0, 2] = value
    tree = layouts.plain({"chol_corr": variables["chol_corr"]}, rng)
    assert found(tree, "constant").status == status


def test_a_matrix_that_never_varies_fails():
    rng = np.random.default_rng(0)
    tree = layouts.plain({"level": rng.normal(size=(4, 1000)), "corr": np.ones((4, 1000, 2, 2))}, rng)
    assert diagnose(tree).verdict == "failed"
    assert found(tree, "constant").status == "issue"


@pytest.mark.parametrize(("shift", "status"), [(0.0, "passed"), (0.4, "tip"), (0.8, "issue")])
def test_rhat_passes_what_the_largest_of_many_reaches_by_chance_and_no_more(shift, status):
    # A shift d of two of four chains makes R-hat about (1 + 2 d^2 / 7)^.5: 1.02 and 1.09.
    values = np.random.default_rng(0).normal(size=(4, 1000, 60))
    values[:2, :, 7] += shift
    assert found(layouts.plain({"beta": values}, np.random.default_rng(0)), "rhat").status == status


def test_many_slow_quantities_are_allowed_a_larger_rhat():
    values = walked(np.random.default_rng(2), 0.8, quantities=100)
    tree = layouts.plain({"beta": values}, np.random.default_rng(0))
    check = found(tree, "rhat")
    assert check.value > 1.01
    assert check.status == "passed"
