"""Groups computed from draws and rows are known for those of other draws and rows, and stiff ones are left in peace."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayesgeo import BayesianLinearRegression, diagnose
from bayesgeo.diagnostics.belonging import fingerprint
from bayesgeo.testing import layouts, unmatched
from bayesgeo.testing.draws import network, regression
from bayesgeo.testing.unmatched import observed
from tests.diagnostics.test_broken import found


@pytest.mark.parametrize("apart", [1e-2, 1e-5])
def test_a_likelihood_of_the_sum_of_two_coefficients_follows_draws_that_vary_along_their_difference(apart):
    rng = np.random.default_rng(0)
    both, difference = rng.normal(size=(2, 4, 1000))
    tree = layouts.plain({"beta": np.stack([difference + apart * both, -difference + apart * both], axis=2)}, rng)
    x, y = rng.normal(size=(2, 30))
    density = stats.norm.logpdf(y, 0.2 * both[..., None] * x)
    tree["log_likelihood"] = xr.DataTree(xr.Dataset({"y": (("chain", "draw", "row"), density)}))
    assert found(tree, "of_draws").status == "passed"


@pytest.mark.slow
def test_a_likelihood_of_which_every_coefficient_tells_little_follows_the_draws():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 40))
    model = BayesianLinearRegression(random_state=0).fit(X, rng.normal(size=90))
    assert found(model.posterior_, "of_draws").status == "passed"


def test_which_chain_a_likelihood_does_not_follow_is_told():
    tree = unmatched.reordered(observed, "log_likelihood", unmatched.exchanged)(np.random.default_rng(0))
    check = found(tree, "of_draws")
    assert check.status == "issue"
    assert "it does not follow chain" in check.advice


def test_a_likelihood_one_draw_late_is_told_from_one_of_other_draws():
    tree = unmatched.reordered(observed, "log_likelihood", unmatched.late)(np.random.default_rng(0))
    assert "draws before or after" in found(tree, "of_draws").advice


def test_checks_of_a_model_are_not_asked_of_a_likelihood_of_other_draws():
    tree = unmatched.reordered(regression, "log_likelihood", unmatched.permuted)(np.random.default_rng(0))
    assert {check.status for check in diagnose(tree).checks if check.code.startswith("loo")} == {"skipped"}


@pytest.mark.parametrize("number", [30, 50])
def test_rows_are_counted_against_those_observed(number):
    tree = observed(np.random.default_rng(0))
    tree["log_likelihood"] = xr.DataTree(tree["log_likelihood"].to_dataset().isel(y_dim_0=slice(number)))
    check = found(tree, "of_rows")
    assert check.status == "issue"
    assert f"{number} rows of y, 80 observed" in check.advice


def test_a_fingerprint_changes_with_each_value_and_not_with_the_order_of_dimensions():
    tree = network(np.random.default_rng(0))
    functions, posterior = (tree[name].to_dataset() for name in ("functions", "posterior"))
    first = fingerprint(functions, posterior)
    assert fingerprint(functions.transpose(..., "chain"), posterior.transpose(..., "chain")) == first
    for group in (functions.copy(deep=True), posterior.copy(deep=True)):
        values = next(iter(group.data_vars.values())).values
        values.flat[7] = np.nextafter(values.flat[7], np.inf)
        assert fingerprint(*((group, posterior) if "expected" in group else (functions, group))) != first


def test_a_tree_of_which_draws_were_left_out_says_that_its_functions_are_of_others():
    tree = network(np.random.default_rng(0))
    thinned = tree.map_over_datasets(lambda group: group.isel(draw=slice(0, 60)) if "draw" in group.dims else group)
    assert "fingerprint" in found(thinned, "of_draws").advice
