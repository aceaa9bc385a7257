"""The contract of a model, as a test that its author runs."""

import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from bayesgeo._check import InvalidInput
from bayesgeo.models.base import Classifier, Estimator
from bayesgeo.models.bayesian import Bayesian
from bayesgeo.models.specification import Specification
from bayesgeo.models.storage import load_model, save_model

ROWS, GROUPS = 40, 8
KINDS = ("Bayesian", "deterministic", "baseline")
UNSEEN = ("ignored", "population", "refused")
STANDARD_ERRORS = 5.0  # exceeded by chance by one of 40 rows in 40,000 runs
# scikit-learn skips it unless SciPy was imported with its experimental array interface switched on.
SKIPPED = {"check_array_api_input"}


@dataclass
class Broken(AssertionError):
    """A rule of the contract that a model breaks.

    Parameters
    ----------
    rule : str
        Name of the rule.
    message : str
        Expected and found values.
    """

    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}"


@dataclass(frozen=True, eq=False)
class _Case:
    """A fitted model and its training rows."""

    model: Any
    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray
    fitted: Any = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fitted", self.again())

    def again(self, seed: int = 0) -> Any:
        """Fit a clone."""
        return clone(self.model).set_params(random_state=seed).fit(self.X, self.y, self.groups)

    @property
    def classifier(self) -> bool:
        return isinstance(self.model, Classifier)


def check_model(model: Any, *, sklearn: bool = True) -> None:
    """Check that a model keeps the contract that the models of bayesgeo keep.

    Parameters
    ----------
    model : Estimator
        An instance that fits 40 rows of three features, in eight groups, within seconds: give it few draws, trees or
        epochs.
    sklearn : bool
        Whether to run scikit-learn's own ``check_estimator`` too, some fifty fits.

    Raises
    ------
    Broken
        Naming the first rule that is broken, what was expected and what was found.

    Examples
    --------
    >>> from bayesgeo.models.baselines import RidgeRegressor
    >>> check_model(RidgeRegressor(), sklearn=False)
    >>> class Nameless(RidgeRegressor):
    ...     name = ""
    >>> check_model(Nameless(), sklearn=False)
    Traceback (most recent call last):
    ...
    bayesgeo.testing.model.Broken: name: State the class attribute name, a short word such as 'ridge'; found ''.
    """
    _states(model)
    case = _case(model)
    for rule in RULES:
        for message in rule(case):
            raise Broken(rule.__name__.removeprefix("_"), message)
    if sklearn:
        _scikit_learn(model)


def _states(model: Any) -> None:
    if isinstance(model, type) or not isinstance(model, Estimator):
        raise Broken("class", f"Give an instance of a subclass of bayesgeo's Classifier or Regressor; found {model!r}.")
    if not isinstance(getattr(model, "name", None), str) or not model.name.isidentifier():
        text = f"State the class attribute name, a short word such as 'ridge'; found {getattr(model, 'name', None)!r}."
        raise Broken("name", text)
    if model.kind not in KINDS:
        raise Broken("kind", f"State the class attribute kind, one of {', '.join(KINDS)}; found {model.kind!r}.")
    if isinstance(model, Bayesian) != (model.kind == "Bayesian"):
        raise Broken("kind", "A model derives from Bayesian, as its first base, exactly if its kind is 'Bayesian'.")
    if model.unseen_groups not in UNSEEN:
        raise Broken("unseen_groups", f"State one of {', '.join(UNSEEN)}; found {model.unseen_groups!r}.")


def _case(model: Any) -> _Case:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, 3))
    groups = np.array([f"g{k % GROUPS}" for k in range(ROWS)])
    signal = (
        X @ [1.0, -2.0, 0.0] + 0.3 * rng.normal(size=ROWS) + 0.5 * rng.normal(size=GROUPS)[np.arange(ROWS) % GROUPS]
    )
    if isinstance(model, Classifier):
        y = np.array(["clay", "sand", "silt"])[np.digitize(signal, np.quantile(signal, [1 / 3, 2 / 3]))]
        return _Case(model, X, y, groups)
    return _Case(model, X, 50.0 + 7.0 * signal, groups)


def _draws(case: _Case) -> Iterator[str]:
    """Check: expected draws have named dimensions, and the prediction is their mean."""
    draws = case.fitted.predict_draws(case.X, groups=case.groups)
    wanted = ("chain", "draw", "obs", "label")[: 4 if case.classifier else 3]
    if draws.dims != wanted or draws.sizes["obs"] != ROWS:
        yield f"predict_draws(X) must have dimensions {wanted} and {ROWS} rows; found {dict(draws.sizes)}."
    predict = case.fitted.predict_proba if case.classifier else case.fitted.predict
    mean = draws.mean(("chain", "draw")).values
    if not np.allclose(predict(case.X, case.groups), mean, rtol=1e-9, atol=1e-12):
        yield "The prediction must be the mean of the expected draws."
    if case.classifier and not np.allclose(mean.sum(axis=1), 1.0, atol=1e-9):
        yield "Probabilities must add up to one."
    names = [f"r{k}" for k in range(ROWS)]
    labelled = pd.DataFrame(case.X, index=names).rename(columns=str)
    found = clone(case.model).set_params(random_state=0).fit(labelled, case.y, case.groups)
    if found.predict_draws(labelled, groups=case.groups)["obs"].values.tolist() != names:
        yield "The coordinate obs of draws must hold the names of the rows."


def _response(case: _Case) -> Iterator[str]:
    """Check: response draws scatter around the expected outcome."""
    expected, response = (
        case.fitted.predict_draws(case.X, kind=kind, groups=case.groups) for kind in ("expected", "response")
    )
    if case.classifier:
        expected, response = expected.isel(label=-1), response == len(case.fitted.classes_) - 1
    n = response.sizes["chain"] * response.sizes["draw"]
    if n == 1:
        expected, response, n = expected.mean("obs"), response.mean("obs"), ROWS
    spread = np.sqrt(0.25 / n) if case.classifier else response.std(("chain", "draw")) / np.sqrt(n)
    gap = np.abs(response.mean(("chain", "draw")) - expected.mean(("chain", "draw")))
    if not bool((gap <= STANDARD_ERRORS * spread).all()):
        yield f"Response draws must have the mean of the expected draws, within {STANDARD_ERRORS:g} standard errors."


def _seeds(case: _Case) -> Iterator[str]:
    """Check: the same seed gives the same draws, and NumPy's global state is left alone."""
    before = _global_state()
    again = case.again().predict_draws(case.X, groups=case.groups)
    if not np.array_equal(again, case.fitted.predict_draws(case.X, groups=case.groups)):
        yield "The same random_state must give the same draws: take every random number from self.seed_."
    if _global_state() != before:
        yield "NumPy's global random state was changed: use numpy.random.default_rng(self.seed_)."


def _global_state() -> tuple[bytes, int]:
    """Return NumPy's global random state: its numbers, and how many of them are used."""
    _, numbers, used, *_ = np.random.get_state()  # noqa: NPY002
    return numbers.tobytes(), used


def _parts(case: _Case) -> Iterator[str]:
    """Check: a row's prediction does not depend on the rows beside it."""
    whole = case.fitted.predict_draws(case.X, groups=case.groups)
    half = case.fitted.predict_draws(case.X[: ROWS // 2], groups=case.groups[: ROWS // 2])
    if not np.allclose(whole.isel(obs=slice(ROWS // 2)), half, rtol=1e-9, atol=1e-12):
        yield "Draws of a row must be the same whichever rows are predicted with it."


def _groups(case: _Case) -> Iterator[str]:
    """Check: a group that was never seen gets what ``unseen_groups`` states."""
    rule = case.model.unseen_groups
    new = np.full(ROWS, "never seen")
    try:
        unseen = case.fitted.predict_draws(case.X, groups=new)
    except InvalidInput:
        if rule != "refused":
            yield f"unseen_groups is {rule!r}, but a group that was never seen is refused."
        return
    if rule == "refused":
        yield "unseen_groups is 'refused', but a group that was never seen is predicted."
    seen, without = (case.fitted.predict_draws(case.X, groups=groups) for groups in (case.groups, None))
    if rule == "ignored" and not (np.array_equal(seen, unseen) and np.array_equal(seen, without)):
        yield "unseen_groups is 'ignored', but predictions depend on groups."
    if rule == "population" and not np.array_equal(unseen, without):
        yield "unseen_groups is 'population': a new group and no group must get the same draws."
    if rule == "population" and np.array_equal(seen, unseen):
        yield "unseen_groups is 'population', but a known group is predicted as a new one."


def _specification(case: _Case) -> Iterator[str]:
    """Check: the model states its formula, and only variables that its posterior has."""
    for model in (case.model, case.fitted):
        found = model.specification()
        if not isinstance(found, Specification) or not found.likelihood:
            yield "specification() must return a Specification with a likelihood, before and after the fit."
            return
    if case.model.kind != "Bayesian":
        return
    stated = case.fitted.specification()
    if not stated.priors:
        yield "A Bayesian model states its priors, each with a reason: Prior(parameter, prior, why)."
    posterior = set(case.fitted.posterior_["posterior"].data_vars)
    wanted = {*stated.quantities, *stated.weights, *((stated.effects,) if stated.effects else ())}
    if wanted - posterior:
        yield f"specification() names {sorted(wanted - posterior)}; the posterior has {sorted(map(str, posterior))}."
    if not wanted:
        yield "specification() must name quantities, effects or weights of the posterior, for the report to show."


def _posterior(case: _Case) -> Iterator[str]:
    """Check: a posterior has chains and draws, and records the hash of its data."""
    if case.model.kind != "Bayesian":
        return
    tree = case.fitted.posterior_
    if not isinstance(tree, xr.DataTree) or not {"chain", "draw"} <= set(tree["posterior"].dims):
        yield "posterior_ must be a DataTree whose group posterior has dimensions chain and draw."
    for name in ("kind", "title", "data_sha256", "interrupted"):
        if name not in tree.attrs:
            yield f"The root of posterior_ must have the attribute {name!r}: the inference and Bayesian set it."


def _storage(case: _Case) -> Iterator[str]:
    """Check: a saved model predicts as before, bit for bit."""
    kind = type(case.model)
    with tempfile.TemporaryDirectory() as folder:
        save_model(case.fitted, Path(folder) / "model")
        try:
            loaded = load_model(Path(folder) / "model")
        except InvalidInput as error:
            yield f"{kind.__name__} cannot be loaded again: {error}"
            return
    before, after = (model.predict_draws(case.X, groups=case.groups) for model in (case.fitted, loaded))
    if not np.array_equal(before, after):
        yield "A loaded model must predict bit for bit as before: name every fitted attribute with a trailing '_'."


RULES: tuple[Callable[[_Case], Iterator[str]], ...] = (
    _draws,
    _response,
    _seeds,
    _parts,
    _groups,
    _specification,
    _posterior,
    _storage,
)


def _scikit_learn(model: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checks = check_estimator(model, on_skip=None, on_fail=None)
    failed = [f"{check['check_name']}: {check['exception']!r}" for check in checks if check["status"] == "failed"]
    if failed:
        raise Broken("scikit_learn", f"check_estimator fails: {'; '.join(failed)}")
    skipped = {check["check_name"] for check in checks if check["status"] == "skipped"} - SKIPPED
    if skipped:
        raise Broken("scikit_learn", f"check_estimator skips: {', '.join(sorted(skipped))}")
