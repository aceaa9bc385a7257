"""The contract of :class:`bayesgeo.inference.base.Inference` as a test."""

import dataclasses
from collections.abc import Callable, Iterable
from functools import partial

import arviz_stats as az
import numpy as np
import xarray as xr
from scipy import stats

from bayesgeo.diagnostics import diagnose
from bayesgeo.inference.base import KINDS, Inference, Problem
from bayesgeo.models.effects.covariance import GroupPrior
from bayesgeo.models.effects.gaussian import MixedEquations
from bayesgeo.models.effects.marginal import GaussianMarginal
from bayesgeo.models.regression.conjugate import NormalInverseGamma, conjugate_prior
from bayesgeo.models.regression.graph import INTERCEPT_SCALE, regression_graph

ROWS, FEATURES, SCALE = 60, 2, 10.0
# Monte Carlo standard errors: ten comparisons of independent draws exceed five of them once in 200,000 runs.
ERRORS = 5.0
# Beyond them, in standard deviations of the posterior and as a share of its width: the error allowed for each kind.
BIAS = {"exact": (0.0, 0.0), "chains": (0.0, 0.0), "unadjusted chains": (0.1, 0.1), "approximation": (0.5, 0.5)}
NUMBERS = (int, float, np.integer, np.floating)


def check_inference(inference: Inference) -> None:
    """Test that an inference keeps the contract of :class:`bayesgeo.inference.base.Inference`.

    It computes the posterior of a linear regression with 60 rows and two features three times. The posterior has a
    closed form: means and standard deviations of exact draws and of chains must lie within five Monte Carlo standard
    errors of it. Unadjusted chains may be off by a tenth of a standard deviation more, approximations by half of one.

    Parameters
    ----------
    inference : Inference
        With enough draws to be diagnosed, at least 250 for each of four chains.

    Raises
    ------
    AssertionError
        If a rule is broken; the message names the rule and the fix.

    Examples
    --------
    >>> from bayesgeo import Exact
    >>> check_inference(Exact())
    """
    _check_settings(inference)
    problem = linear_problem()
    before = {name: values.copy() for name, values in problem.data.items()}
    state = repr(np.random.get_state())  # noqa: NPY002
    tree = inference.run(problem, 0)
    touched = repr(np.random.get_state()) != state  # noqa: NPY002
    _require(not touched, "global state", "NumPy's global random state was used", "Draw from default_rng(seed)")
    changed = [name for name, values in before.items() if not np.array_equal(problem.data[name], values)]
    _require(not changed, "data", f"run changed the arrays {changed} of the problem", "Work on copies")
    _check_groups(tree, problem)
    _check_attributes(tree, inference)
    _check_seeds(inference, problem, tree)
    _check_moments(tree, problem)
    _check_diagnosis(tree)


def linear_problem() -> Problem:
    """State a linear regression whose posterior is known in closed form, also given its noise alone."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, FEATURES))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = X @ [0.7, -0.4] + 0.5 * rng.normal(size=ROWS)
    y = (y - y.mean()) / y.std()
    penalty = np.r_[INTERCEPT_SCALE**-2.0, np.full(FEATURES, SCALE**-2.0)]
    equations = MixedEquations(np.c_[np.ones(ROWS), X], y, [], [], penalty)
    return Problem(
        build=partial(regression_graph, "normal", SCALE, "normal", FEATURES),
        data={"X": X, "y": y},
        dims={"intercept": (), "weight": ("feature",), "sigma": ()},
        coords={"feature": [f"x{j}" for j in range(FEATURES)]},
        conjugate=conjugate_prior("normal", SCALE, FEATURES),
        marginal=GaussianMarginal(equations, (), GroupPrior("half-normal", 1.0)),
    )


def _require(kept: object, rule: str, found: str, fix: str) -> None:
    if not kept:
        message = f"Broken rule {rule!r}. {found}. {fix}."
        raise AssertionError(message)


def _check_settings(inference: Inference) -> None:
    _require(isinstance(inference, Inference), "protocol", "It has no run(problem, seed)", "Write this method")
    parameters = getattr(type(inference), "__dataclass_params__", None)
    frozen = parameters is not None and parameters.frozen and not isinstance(inference, type)
    _require(frozen, "settings", "It is not a frozen dataclass", "Decorate it with @dataclass(frozen=True)")
    settings = {part.name: getattr(inference, part.name) for part in dataclasses.fields(inference)}  # type: ignore[arg-type]
    plain = all(value is None or isinstance(value, bool | int | float | str) for value in settings.values())
    _require(plain, "settings", f"Not all of {settings} are plain", "Use numbers, strings, booleans or None")


def _check_groups(tree: xr.DataTree, problem: Problem) -> None:
    there = isinstance(tree, xr.DataTree) and "posterior" in tree.children
    _require(there, "groups", "run returned no DataTree with the group posterior", "Use label_posterior")
    posterior = tree["posterior"].to_dataset()
    found = {str(name): tuple(map(str, values.dims)) for name, values in posterior.data_vars.items()}
    wanted = {name: ("chain", "draw", *dims) for name, dims in problem.dims.items()}
    _require(found == wanted, "dims", f"The posterior has {found}, the problem {wanted}", "Use label_posterior")
    labels = {name: posterior[name].values.tolist() for name in problem.coords if name in posterior.coords}
    wanted_labels = {name: list(values) for name, values in problem.coords.items()}
    _require(labels == wanted_labels, "coords", f"Labels are {labels}, not {wanted_labels}", "Use label_posterior")
    finite = all(np.isfinite(values).all() for values in posterior.data_vars.values())
    _require(finite, "finite", "The posterior holds NaN or infinity", "Refuse, or correct the algorithm")


def _check_attributes(tree: xr.DataTree, inference: Inference) -> None:
    wanted: dict[str, Callable[[object], bool]] = {
        "inference": lambda value: value == type(inference).__name__,
        "kind": lambda value: value in KINDS,
        "title": lambda value: isinstance(value, str) and bool(value.strip()),
        "seed": lambda value: value == 0,
        "compile_seconds": _is_time,
        "sampling_seconds": _is_time,
        "interrupted": lambda value: value == 0,
    }
    for name, accepts in wanted.items():
        found = tree.attrs.get(name)
        fix = "See the table of attributes in Inference"
        _require(accepts(found), f"attribute {name}", f"It is {found!r}", fix)
    odd = [name for name, value in tree.attrs.items() if not isinstance(value, (str, *NUMBERS))]
    _require(not odd, "attributes", f"{odd} are neither numbers nor strings, so no file can hold them", "Use JSON")


def _is_time(value: object) -> bool:
    return isinstance(value, NUMBERS) and bool(np.isfinite(value) and value >= 0)


def _check_seeds(inference: Inference, problem: Problem, tree: xr.DataTree) -> None:
    again, other = inference.run(problem, 0)["posterior"], inference.run(problem, 1)["posterior"]
    first = tree["posterior"].to_dataset()
    same = first.equals(again.to_dataset())
    _require(same, "same seed", "The same seed gave other draws", "Take all randomness from seed")
    sizes = dict(first.sizes) == dict(other.sizes)
    moved = sizes and all((first[name] != other[name]).any() for name in problem.dims)
    _require(moved, "other seed", "Another seed gave the same draws, or another number", "Take randomness from seed")


def _check_moments(tree: xr.DataTree, problem: Problem) -> None:
    assert isinstance(problem.conjugate, NormalInverseGamma)
    posterior = tree["posterior"].to_dataset()
    shift, width = BIAS[tree.attrs["kind"]]
    for name, draws, mean, sd in _moments(posterior, problem):
        error = {method: ERRORS * float(az.mcse(draws, method=method)) for method in ("mean", "sd")}
        for kind, found, true, allowed in (
            ("mean", float(draws.mean()), mean, shift * sd + error["mean"]),
            ("standard deviation", float(draws.std()), sd, width * sd + error["sd"]),
        ):
            text = f"The {kind} of {name} is {found:.4g}; that of the posterior is {true:.4g}, {allowed:.2g} is allowed"
            _require(abs(found - true) <= allowed, "posterior", text, "Correct the algorithm, or its kind")


def _moments(posterior: xr.Dataset, problem: Problem) -> Iterable[tuple[str, xr.DataArray, float, float]]:
    """Yield the name, the draws and the true moments of each quantity: Student-t, and the root of an inverse gamma."""
    exact = problem.conjugate.update(problem.data["X"], problem.data["y"])  # type: ignore[union-attr]
    assert isinstance(exact, NormalInverseGamma)
    variance = np.diag(np.linalg.inv(exact.precision)) * exact.rate / exact.shape * stats.t(2 * exact.shape).var()
    yield "intercept", posterior["intercept"], exact.location[0], variance[0] ** 0.5
    for j in range(FEATURES):
        draws = posterior["weight"].isel(feature=j, drop=True)
        yield f"weight[x{j}]", draws, exact.location[j + 1], variance[j + 1] ** 0.5
    noise = stats.invgamma(exact.shape, scale=exact.rate)
    mean = noise.expect(np.sqrt)
    yield "sigma", posterior["sigma"], mean, (noise.mean() - mean**2) ** 0.5


def _check_diagnosis(tree: xr.DataTree) -> None:
    try:
        found = diagnose(tree)
    except Exception as error:
        message = f"Broken rule 'diagnosis'. bayesgeo.diagnose raised {type(error).__name__}: {error}."
        raise AssertionError(message) from error
    for check in found.checks:
        missing = check.status == "issue" and (check.code in ("inference", "statistics") or np.isnan(check.value))
        fix = "See the table of checks in Inference"
        _require(not missing, f"check {check.code}", f"It cannot be computed: {check.advice.rstrip('.')}", fix)
    sound = found.verdict in ("sound", "doubtful")
    failed = [
        f"{check.code} ({check.advice.rstrip('.')})" for check in found.checks if check.status in ("issue", "skipped")
    ]
    _require(sound, "diagnosis", f"The verdict is {found.verdict}: {'; '.join(failed)}", "Draw more, or warm up longer")
