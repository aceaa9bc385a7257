"""Every wrong input has a message of its own, with the value that was given."""

import re

import numpy as np
import pytest
import xarray as xr

from bayesgeo._check import InvalidInput
from bayesgeo.probability import (
    Density,
    Discrete,
    Draws,
    Event,
    Experiment,
    Gaussian,
    Independent,
    LinearGaussian,
    RandomVariable,
    bayes,
    change_of_prior,
    distribution,
    entropy_split,
    from_pdf,
    from_pmf,
    importance,
    independence_test,
    kullback_leibler,
    mutual_information,
    normal,
    poisson,
    rejection,
    uniform,
    variance_split,
    where,
)


def array(values, **coords):
    return xr.DataArray(np.asarray(values, dtype=float), coords)


joint = Discrete(array([[0.5, 0.5], [0.0, 0.0]], facies=["sand", "shale"], wet=[0, 1]))
pair = Gaussian({"x": 0.0, "y": 0.0}, [[1.0, 1.0], [1.0, 1.0]])
six = Gaussian({f"x{i}": 0.0 for i in range(6)}, np.eye(6))
flat = Density.from_values(array([1.0, 1.0, 1.0], x=[0.0, 1.0, 2.0]))
plane = Density.from_values(array(np.ones((2, 2)), x=[0.0, 1.0], y=[0.0, 1.0]))
split = Density.from_values(array([[1.0, 0.0], [1.0, 0.0]], x=[0.0, 1.0], y=[0.0, 1.0]))
draws = Draws(xr.Dataset({"x": (("chain", "draw"), [[0.0, 1.0]]), "k": (("chain", "draw"), [[0, 1]])}))
even = array([0.5, 0.5], label=["quake", "blast"])
coin = xr.DataArray([0.5, 0.5], {"coin": ["head", "tail"]})


def narrow(v):
    return -0.5 * v["x"] ** 2


DISCRETE = {
    "negative probability": (
        lambda: Discrete(array([1.2, -0.2], a=[0, 1])),
        r"probability -0\.2\. The cell {'a': 1} is negative",
    ),
    "non-finite probability": (
        lambda: Discrete(array([1.0, np.nan], a=[0, 1])),
        r"probability nan\. The cell {'a': 1} is not finite",
    ),
    "not summing to one": (
        lambda: Discrete(array([0.5, 0.4], a=[0, 1])),
        r"table 0\.9\. Its cells do not sum to one\. Use Discrete\.from_counts",
    ),
    "dimension without outcomes": (
        lambda: Discrete(xr.DataArray([1.0], dims="a")),
        "table 'a'. This dimension has no outcomes",
    ),
    "no dimension": (lambda: Discrete(xr.DataArray(1.0)), r"table \(\)\. It has no dimension"),
    "outcome twice": (
        lambda: Discrete(array([0.5, 0.5], a=[3, 3])),
        "outcome 3. It is repeated along 'a'",
    ),
    "counts all zero": (lambda: Discrete.from_counts(array([0, 0], a=[0, 1])), "counts 0. They are all zero"),
    "negative count": (lambda: Discrete.from_counts(array([1, -1], a=[0, 1])), r"count -1\.0"),
    "negative pseudocount": (
        lambda: Discrete.from_counts(array([1, 1], a=[0, 1]), pseudocount=-1.0),
        r"pseudocount -1\.0\. It must not be negative",
    ),
    "unknown column": (
        lambda: Discrete.from_rows({"facies": ["sand"]}, "facie"),
        r"variable 'facie'\. Unknown variable\. Did you mean 'facies'\?",
    ),
    "unknown variable": (lambda: joint.marginal("facis"), "variable 'facis'.*Did you mean 'facies'"),
    "variable twice": (
        lambda: joint.marginal("wet", "wet"),
        r"variables \('wet', 'wet'\)\. A name is repeated",
    ),
    "nothing kept": (joint.marginal, r"variables \(\)\. No variable is named"),
    "unknown outcome": (
        lambda: joint.condition(facies="clay"),
        r"facies 'clay'\. It is outside the support\. Outcomes: \['sand', 'shale'\]",
    ),
    "zero evidence": (
        lambda: joint.condition(facies="shale"),
        r"evidence {'facies': 'shale'}\. Its probability is zero",
    ),
    "nothing left": (
        lambda: joint.condition(facies="sand", wet=0),
        r"variables \('facies', 'wet'\)\. No variable would be left",
    ),
    "text as number": (
        lambda: joint.expectation("facies"),
        "variable 'facies'. Its outcomes are not numbers",
    ),
    "undefined function": (
        lambda: joint.expectation(lambda v: np.log(v["wet"] - 1.0)),
        "function nan. It is undefined at an outcome that has probability",
    ),
    "event that is a number": (
        lambda: joint.probability(lambda v: v["wet"] * 2),
        "event 'int64'. An event must be true or false for each outcome",
    ),
    "event that is neither": (lambda: joint.probability("sand"), "event 'sand'. It is neither a predicate"),
    "event with other dimensions": (
        lambda: joint.probability(lambda v: xr.DataArray([True], dims="well")),
        r"event \['well'\]\. The joint has no such dimensions",
    ),
    "empty selection": (where, "event {}. It selects no variable"),
    "unknown variable in an event": (
        lambda: joint.probability({"wat": 1}),
        "variable 'wat'.*Did you mean 'wet'",
    ),
    "likelihood of nothing known": (
        lambda: joint.update(even),
        r"likelihood \('label',\)\. It shares no variable with the prior",
    ),
    "likelihood of other outcomes": (
        lambda: joint.extend(array([[1.0], [1.0]], wet=[0, 2], alarm=[0])),
        "likelihood 'wet'. Its outcomes differ from those of the prior",
    ),
    "likelihood that is no conditional": (
        lambda: joint.extend(array([[0.5, 0.4], [0.5, 0.5]], wet=[0, 1], alarm=[0, 1])),
        r"likelihood 0\.9\. Its total over \['alarm'\] is not one",
    ),
    "likelihood with a variable too many": (
        lambda: joint.update(array([[0.5, 0.4], [0.5, 0.5]], wet=[0, 1], alarm=[0, 1])),
        r"likelihood \['alarm'\]\. The joint has no such variable",
    ),
    "negative likelihood": (lambda: joint.update(lambda v: v["wet"] - 1.0), r"likelihood -1\.0"),
    "impossible data": (lambda: joint.update(lambda v: 0.0 * v["wet"]), "evidence 'likelihood'.*is zero"),
    "divergence from another space": (
        lambda: kullback_leibler(joint, Discrete(coin)),
        r"other \('coin',\)\. Its variables differ",
    ),
    "divergence from another kind": (
        lambda: kullback_leibler(joint, pair),
        "q 'Gaussian'. It must be a Discrete",
    ),
    "information about the unknown": (lambda: mutual_information(joint, "wet", "dry"), "variable 'dry'"),
    "test without two outcomes": (
        lambda: independence_test(joint.table, "facies", "wet"),
        r"counts 1\.0\. No stratum has two outcomes",
    ),
    "no draws": (lambda: joint.sample(0, seed=1), "n 0. It must be a whole number above zero"),
}

GAUSSIAN = {
    "covariance of another shape": (
        lambda: Gaussian({"x": 0.0}, np.eye(2)),
        r"covariance \(2, 2\)\. There are 1 variables",
    ),
    "mean not finite": (lambda: Gaussian({"x": np.inf}, [[1.0]]), r"mean \[inf\]\. It must be finite"),
    "covariance not finite": (
        lambda: Gaussian({"x": 0.0}, [[np.nan]]),
        "covariance nan. Between 'x' and 'x' it is not finite",
    ),
    "negative variance": (
        lambda: Gaussian({"x": 0.0}, [[-1.0]]),
        r"variance -1\.0\. The variance of 'x' is negative",
    ),
    "not symmetric": (
        lambda: Gaussian({"x": 0.0, "y": 0.0}, [[1.0, 0.5], [0.4, 1.0]]),
        r"covariance \(0\.5, 0\.4\)\. It is not symmetric between 'x' and 'y'",
    ),
    "not positive semi-definite": (
        lambda: Gaussian({"x": 0.0, "y": 0.0}, [[1.0, 2.0], [2.0, 1.0]]),
        r"covariance -1\.0\d*\. The smallest eigenvalue .* is negative",
    ),
    "unknown variable": (lambda: pair.condition(z=1.0), "variable 'z'. Unknown variable"),
    "variable twice": (lambda: pair.marginal("x", "x"), ".*A name is repeated"),
    "nothing kept": (pair.marginal, ".*No variable is named"),
    "nothing left": (lambda: pair.condition(x=0.0, y=0.0), ".*No variable would be left"),
    "interval": (lambda: pair.condition(x=slice(0, 1)), "x slice.*conditioned on one finite value"),
    "not finite": (lambda: pair.condition(x=np.nan), "x nan.*conditioned on one finite value"),
    "outside a singular support": (
        lambda: pair.extend(LinearGaussian({"z": {"x": 1.0}})).condition(x=0.0, y=1.0),
        r"evidence {'x': 0\.0, 'y': 1\.0}\. It is outside the support",
    ),
    "predicate": (lambda: pair.probability(lambda v: v["x"] > 0), "event .*A Gaussian measures intervals"),
    "too many directions": (
        lambda: six.expectation(lambda v: v["x0"]),
        "function 'of 6 directions'. Quadrature is limited to 4",
    ),
    "entropy of a singular one": (pair.entropy, "covariance 'of rank 1'. It is singular"),
    "divergence of other variables": (
        lambda: kullback_leibler(six, six.marginal("x0")),
        r"other \('x0',\)\. Its variables differ",
    ),
    "negative noise": (
        lambda: LinearGaussian({"y": {"x": 1.0}}, noise={"y": -1.0}),
        r"noise -1\.0\. The variance of 'y' must be finite and not negative",
    ),
    "noise of the unknown": (lambda: LinearGaussian({"y": {"x": 1.0}}, noise={"z": 1.0}), "variable 'z'"),
    "variable already there": (
        lambda: pair.extend(LinearGaussian({"x": {"y": 1.0}})),
        r"likelihood \['x'\]\. These variables are in the prior",
    ),
    "one row": (lambda: Gaussian.from_rows({"x": [1.0]}), "rows 1. A covariance needs at least two"),
}

DENSITY = {
    "negative density": (lambda: Density(array([1.0, -1.0], x=[0, 1])), r"density -1\.0.*is negative"),
    "not integrating to one": (
        lambda: Density(array([1.0, 1.0], x=[0, 2])),
        r"density 2\.0\. It does not integrate to one",
    ),
    "zero everywhere": (
        lambda: Density.from_values(array([0.0, 0.0], x=[0, 1])),
        r"density 0\.0\. It is zero at every node",
    ),
    "undefined log density": (
        lambda: Density.from_log_density(lambda v: v["x"] * np.nan, x=[0.0, 1.0]),
        "log density nan. It is undefined at a node",
    ),
    "nodes that fall": (
        lambda: Density(array([1.0, 1.0], x=[1, 0])),
        r"nodes \[1, 0\]\. The nodes of 'x' must increase",
    ),
    "nodes of text": (
        lambda: Density(array([1.0, 1.0], x=["a", "b"])),
        r"nodes \['a', 'b'\]\. The nodes of 'x' must be finite numbers",
    ),
    "outside the grid": (
        lambda: plane.condition(y=3.0),
        r"y 3\.0\. It is outside the support\. The grid goes from 0 to 1",
    ),
    "interval outside the grid": (lambda: flat.condition(x=slice(5, 6)), "x slice.*outside the support"),
    "list of values": (lambda: plane.condition(y=[0.0, 1.0]), "y .*Single values of a continuous variable"),
    "event of one value": (
        lambda: flat.probability({"x": 1.0}),
        r"x 1\.0\. A single value of a continuous variable has no probability",
    ),
    "zero evidence": (lambda: split.condition(y=1.0), r"evidence {'y': 1\.0}\. Its probability is zero"),
    "likelihood that is no conditional": (
        lambda: flat.extend(array(np.ones((3, 2)), x=[0.0, 1.0, 2.0], y=[0.0, 3.0])),
        r"likelihood 3\.0\. Its total over \['y'\] is not one",
    ),
}

DRAWS = {
    "no chain": (
        lambda: Draws(xr.Dataset({"x": ("draw", [1.0])})),
        r"x \('draw',\)\. It must have dimensions chain and draw",
    ),
    "draw not finite": (
        lambda: Draws(xr.Dataset({"x": (("chain", "draw"), [[np.nan]])})),
        "x nan. A draw is not finite",
    ),
    "tree without a posterior": (
        lambda: Draws(xr.DataTree.from_dict({"prior": xr.Dataset()})),
        "variable 'posterior'. Unknown variable",
    ),
    "weights of another shape": (
        lambda: Draws(draws.draws, xr.DataArray([1.0], dims="draw")),
        "weights {'draw': 1}. One is needed for each draw, and not all may be zero",
    ),
    "negative weight": (
        lambda: Draws(draws.draws, xr.DataArray([[1.0, -1.0]], dims=("chain", "draw"))),
        r"weight -1\.0.*is negative",
    ),
    "value of a continuous draw": (
        lambda: draws.condition(x=0.5),
        r"x 0\.5\. No continuous draw equals a value\. Give slice",
    ),
    "no draw agrees": (
        lambda: draws.condition(x=slice(5, 6)),
        r"evidence {'x': slice\(5, 6, None\)}\. No draw agrees with it",
    ),
    "unknown variable": (lambda: draws.marginal("z"), "variable 'z'"),
    "nothing kept": (draws.marginal, ".*No variable is named"),
    "split by a continuous variable": (
        lambda: draws.total_variance("k", "x"),
        "variable 'x'. Its draws are continuous, so none are equal",
    ),
    "split by two": (lambda: draws.total_variance("x", "x", "k"), ".*Draws can be grouped by one variable only"),
    "data without a likelihood": (
        lambda: bayes(draws, even, label="quake"),
        "prior 'Draws'. It has no method extend",
    ),
    "likelihood of another shape": (
        lambda: draws.update(lambda v: v["x"].isel(chain=0, drop=True)),
        r"likelihood \('draw',\)\. It must have one value for each draw",
    ),
}

UNCERTAINTY = {
    "no label": (lambda: entropy_split(even), r"probabilities \('label',\)\. Dimensions .* are needed"),
    "rows that do not sum to one": (
        lambda: change_of_prior(2 * even, trained=even, known=even),
        r"probabilities 1\.0\. The sum of a row differs from one by this",
    ),
    "negative probabilities": (
        lambda: change_of_prior(array([1.5, -0.5], label=[0, 1]), trained=even, known=even),
        r"probabilities -0\.5\. They must be finite and not negative",
    ),
    "another number of classes": (
        lambda: change_of_prior(even, trained=even, known=array([1.0], label=[0])),
        "labels 1. There are 2 classes",
    ),
    "classes in another order": (
        lambda: change_of_prior(even, trained=even[::-1], known=even),
        r"labels \['blast', 'quake'\]\. They differ from those of the probabilities",
    ),
    "class never trained": (
        lambda: change_of_prior(even, trained=even.copy(data=[1.0, 0.0]), known=even),
        r"trained 0\.0\. A class absent from training has no known odds",
    ),
    "every class ruled out": (
        lambda: change_of_prior(even.copy(data=[0.0, 1.0]), trained=even, known=even.copy(data=[1.0, 0.0])),
        r"known \[1\.0, 0\.0\]\. It is zero for every class that is possible at a row",
    ),
    "no draws": (lambda: variance_split(even, even), r"expected \('label',\)\. It must have dimensions chain and draw"),
    "negative noise": (
        lambda: variance_split(draws.draws["x"], draws.draws["x"] - 1),
        r"noise_sd -1\.0\. It must be finite and not negative",
    ),
}

DISTRIBUTIONS = {
    "unknown name": (lambda: distribution("gama"), "distribution 'gama'.*Did you mean 'gamma'"),
    "unknown parameter": (lambda: distribution("gamma", shape=2), "parameters {'shape': 2}. gamma does not"),
    "parameter outside its domain": (
        lambda: distribution("gamma", a=-1.0),
        r"parameters {'a': -1\.0}\. They are outside the domain of gamma",
    ),
    "not a distribution": (lambda: RandomVariable(3), r"distribution 3. It is not a frozen scipy\.stats distribution"),
    "negative deviation": (lambda: normal(0, -1), "sd -1. It must be a finite number above zero"),
    "bounds that cross": (lambda: uniform(1, 0), r"bounds \(1, 0\)\. The lower must be below the higher"),
    "rate of zero": (lambda: poisson(rate=0), "rate 0. It must be"),
    "density that is not one": (lambda: from_pdf(lambda y: 1.0, low=0, high=2), r"pdf 2\.0.*is not one"),
    "negative density": (
        lambda: from_pdf(lambda y: 4 * y - 1, low=0, high=1),
        r"pdf -\d\.\d*\. It is negative at",
    ),
    "mass that is not one": (
        lambda: from_pmf([0, 1], [0.5, 0.4]),
        r"probabilities 0\.9\. They do not sum to",
    ),
    "negative mass": (lambda: from_pmf([0, 1], [1.5, -0.5]), r"probability -0\.5\. It must be finite and not negative"),
    "mass of another shape": (
        lambda: from_pmf([0, 1], [1.0]),
        r"probabilities \(1,\)\. One is needed for each outcome",
    ),
    "interval that crosses": (
        lambda: normal().probability(1, 0),
        r"interval \(1, 0\)\. Its ends must be numbers, the lower first",
    ),
    "level above one": (lambda: normal().quantile(2), "level 2. It must be a probability"),
    "predicate on a continuous one": (
        lambda: normal().measure(lambda y: y > 0),
        "event 'predicate'. The variable is continuous",
    ),
    "predicate that counts": (
        lambda: poisson(rate=1.0).measure(lambda n: n),
        "event 'float64'. An event must be true or false for each outcome",
    ),
    "too many outcomes": (lambda: poisson(rate=1e14).measure(lambda n: n > 0), ".*more than 1000000 likely"),
    "no variable": (Independent, "variables {}. No variable is given"),
    "columns that differ": (lambda: Experiment({"a": [1], "b": [1, 2]}), "outcomes .*one equal length"),
    "no factor": (Experiment.product, "factors {}. No factor is given"),
    "no random variable": (Experiment({"a": [1]}).table, "variables {}. No variable is given"),
    "event of a constant": (
        lambda: Experiment({"a": [1]}).count(Event(lambda v: True)),
        r"event \(\)\. It must be true or false once for each outcome",
    ),
}

SAMPLERS = {
    "envelope too low": (
        lambda: rejection(narrow, Independent(x=normal()), log_envelope=0.0, n=10, seed=1),
        r"envelope {'x': .*}\. The target is 2\.507 times above it",
    ),
    "proposal with tails too thin": (
        lambda: rejection(narrow, Independent(x=normal(0, 0.5)), log_envelope=2.0, n=10, seed=1),
        r"envelope {'x': .*}\. The target is .* times above it there\. Raise log_envelope",
    ),
    "proposal that stops short": (
        lambda: rejection(narrow, Independent(x=uniform(-1, 1)), log_envelope=5.0, n=10, seed=1),
        r"envelope {'x': .*}\. The target is .* times above it there",
    ),
    "too few kept": (
        lambda: rejection(narrow, Independent(x=normal()), log_envelope=30.0, n=10, seed=1, most_proposals=5000),
        "most_proposals 5000. Only 0 of 10 draws were kept",
    ),
    "target undefined": (
        lambda: rejection(lambda v: v["x"] * np.nan, Independent(x=normal()), log_envelope=5.0, n=10, seed=1),
        "target nan. It is undefined at {'x'",
    ),
    "target out of reach": (
        lambda: importance(lambda v: xr.where(v["x"] > 99, 0.0, -np.inf), six.linear(x={"x0": 1}), n=10, seed=1),
        "proposal .*No draw falls where the target has density",
    ),
}

ALL = {
    f"{kind}: {case}": call
    for kind, cases in {
        "discrete": DISCRETE,
        "gaussian": GAUSSIAN,
        "density": DENSITY,
        "draws": DRAWS,
        "uncertainty": UNCERTAINTY,
        "distribution": DISTRIBUTIONS,
        "sampler": SAMPLERS,
    }.items()
    for case, call in cases.items()
}


@pytest.mark.parametrize("case", ALL)
def test_wrong_input_is_named_with_its_value(case):
    call, message = ALL[case]
    with np.errstate(all="ignore"), pytest.raises(InvalidInput, match="Invalid " + message):
        call()


def test_a_proposal_that_covers_is_not_refused():
    proposal = Independent(x=normal(0, 1.5))
    found = rejection(narrow, proposal, log_envelope=np.log(1.5 * np.sqrt(2 * np.pi)), n=100, seed=1)
    assert found.acceptance_rate == pytest.approx(1 / 1.5, abs=0.15)


def test_messages_read_as_sentences():
    for call, _ in ALL.values():
        with np.errstate(all="ignore"), pytest.raises(InvalidInput, match=r"^Invalid .*\.") as caught:
            call()
        assert re.search(r"[.?]$", str(caught.value))
