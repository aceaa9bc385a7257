"""What a model states about itself fits the posterior that it leaves."""

import json

import numpy as np
import pandas as pd
import pytest

from bayesgeo import catalog
from bayesgeo.models.bayesian import Bayesian
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.networks.tuned import TunedMLPRegressor
from bayesgeo.models.networks.values import TorchRegressor
from tests.fake import FakePosterior

LINEAR = [{"prior": prior, "noise": noise} for prior in ("normal", "laplace", "horseshoe", "flat")
          for noise in ("normal", "student-t")]  # fmt: skip
LOGISTIC = [{"prior": prior} for prior in ("normal", "laplace", "horseshoe", "flat")]
NETWORKS = [{"relevance": relevance, "hidden": (5, 4)} for relevance in (None, "equal")]
NOISES = [{"noise": noise, **network} for noise in ("heteroscedastic", "constant", "student-t") for network in NETWORKS]
GROUPS = [{}, {"effects": [Effect("well", ("x1",))]}, {"prior": "laplace", "group_prior": "pc"}]
CASES = {
    ("regression", "bayesian_linear"): LINEAR,
    ("regression", "hierarchical"): [*GROUPS, {"noise": "student-t"}, {"prior": "flat"}],
    ("classification", "hierarchical"): GROUPS,
    ("regression", "spatial"): [{}, {"smoothness": (1.5, 0.5)}],
    ("classification", "spatial"): [{}, {"smoothness": 0.5, "basis_functions": 50, "field_scale": 1.0}],
    ("regression", "bayesian_mlp"): NOISES,
    ("classification", "bayesian_logistic"): LOGISTIC,
    ("classification", "bayesian_mlp"): NETWORKS,
}
EVERY = [(task, name, settings) for (task, name), cases in CASES.items() for settings in cases]
PRIORS = {"sigma": ("σ", "σ²"), "nu": ("ν",), "intercept": ("α",), "weight": ("βⱼ",)}


def fitted(task, name, n_labels=2, **settings):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = X @ [1.0, -2.0, 0.0] + rng.normal(size=60)
    if task == "classification":
        y = np.array(["sand", "shale", "silt"])[np.digitize(y, np.quantile(y, np.arange(1, n_labels) / n_labels))]
    inference, wells = FakePosterior(draws=5), pd.Series(np.arange(60) // 8, name="well")
    return catalog.model(name, task, inference=inference, random_state=0, **settings).fit(X, y, wells)


def test_every_bayesian_model_of_the_catalog_is_tested_here():
    known = {(task, name) for task in ("classification", "regression")
             for name, kind in catalog.models(task).items() if issubclass(kind, Bayesian)}  # fmt: skip
    assert known == set(CASES)


@pytest.mark.parametrize(("task", "name", "settings"), EVERY, ids=str)
def test_what_is_stated_is_in_the_posterior(task, name, settings):
    model = fitted(task, name, **settings)
    posterior, stated = model.posterior_["posterior"].to_dataset(), model.specification()
    assert stated.likelihood
    assert stated.scale.endswith("standardised")
    variables = {str(name) for name in posterior}
    assert set(stated.quantities) <= variables
    assert set(stated.weights) <= variables
    assert not stated.effects or stated.effects in variables
    # Every parameter that was sampled is shown in some way: tabulated, drawn, or named as a weight.
    of_groups = model.posterior_["group_effects"]["key"].values if "group_effects" in model.posterior_ else ()
    shown = {*stated.quantities, *stated.weights, stated.effects, "intercept", "sigma"}
    shown |= {f"{key}_effect" for key in of_groups}
    # Weights of basis functions stand for a field, whose scales are shown.
    shown |= {name for name in variables if "function" in posterior[name].dims}
    assert variables <= shown
    assert stated.quantities or stated.weights


@pytest.mark.parametrize(("task", "name", "settings"), EVERY, ids=str)
def test_each_prior_has_a_reason_and_each_sampled_parameter_a_prior(task, name, settings):
    model = fitted(task, name, **settings)
    stated = model.specification()
    assert all(prior.parameter and prior.prior and prior.why.endswith((".", ")")) for prior in stated.priors)
    parameters = [prior.parameter for prior in stated.priors]
    assert len(set(parameters)) == len(parameters)
    sampled = [name for name in PRIORS if name in model.posterior_["posterior"]]
    assert all(set(PRIORS[name]) & set(parameters) for name in sampled)


@pytest.mark.parametrize(("task", "name", "settings"), EVERY, ids=str)
def test_edges_of_the_graph_join_its_names_from_left_to_right(task, name, settings):
    graph = fitted(task, name, **settings).specification().graph
    column = {name: k for k, names in enumerate(graph.columns) for name in names}
    assert all(column[start] < column[end] for start, end in graph.edges)
    assert set(graph.observed) <= set(column)
    assert set(column) == {name for edge in graph.edges for name in edge}


def test_the_statement_is_plain_values_that_json_keeps():
    for task, name, settings in EVERY:
        stated = fitted(task, name, **settings).specification().to_dict()
        assert json.loads(json.dumps(stated))["priors"] == stated["priors"]


@pytest.mark.parametrize(
    ("settings", "kind"), [({}, "default"), ({"prior_scale": 0.3}, "informed"), ({"prior": "flat"}, "broad")]
)
@pytest.mark.parametrize(("task", "name"), [("regression", "bayesian_linear"), ("classification", "bayesian_logistic")])
def test_the_kind_of_prior_follows_the_settings(task, name, settings, kind):
    assert fitted(task, name, **settings).specification().prior_kind == kind


def test_a_scale_that_the_caller_gave_is_stated():
    priors = fitted("regression", "bayesian_linear", prior_scale=0.3).specification().priors
    assert any("0.3" in prior.prior for prior in priors)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_names_of_classes_are_those_of_the_caller(n_labels):
    model = fitted("classification", "bayesian_logistic", n_labels=n_labels)
    names = ("no", "yes", "maybe")[:n_labels]
    assert ("yes" in model.specification(names).likelihood) == (n_labels == 2)
    assert ("shale" in model.specification().likelihood) == (n_labels == 2)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_model_without_a_posterior_states_how_it_predicts_and_no_prior(task):
    for kind in catalog.models(task).values():
        if not issubclass(kind, Bayesian):
            stated = kind().specification()
            by_likelihood = issubclass(kind, TorchRegressor | TunedMLPRegressor)
            first = "yᵢ ~ Normal(f₁(xᵢ), σ(xᵢ)²)" if by_likelihood else kind.__doc__.split("\n")[0]
            assert stated.likelihood.startswith(first)
            assert (stated.priors, stated.quantities, stated.weights, stated.effects) == ((), (), (), "")
