"""The two sides of ``fit``: a Problem states a posterior, an Inference computes it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr

from bayesgeo._check import positive
from bayesgeo.inference.identity import identity

if TYPE_CHECKING:
    import pymc as pm

KINDS = ("exact", "chains", "unadjusted chains", "approximation")
INDEPENDENT = ("exact", "approximation")  # kinds whose draws are independent
KEPT = 8


class Recent(OrderedDict[Hashable, Any]):
    """Cache the few values used last."""

    def recall(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return the cached value of this key, made by ``make`` if absent.

        Examples
        --------
        >>> recent = Recent()
        >>> recent.recall("a", lambda: 1), recent.recall("a", lambda: 2)
        (1, 1)
        """
        if key not in self:
            self[key] = make()
            while len(self) > KEPT:
                self.popitem(last=False)
        self.move_to_end(key)
        return self[key]


def check_counts(settings: Any, *names: str) -> None:
    """Raise if one of these settings of an inference is not a whole number above zero.

    Raises
    ------
    InvalidInput
        If one of them is not.
    """
    for name in names:
        positive(name, getattr(settings, name), integer=True)


class Conjugate(Protocol):
    """Define a conjugate prior, whose posterior is of the same kind."""

    def update(self, X: np.ndarray, y: np.ndarray) -> "Conjugate":
        """Return the posterior given rows ``X (obs, feature)`` and targets ``y (obs,)``."""
        ...

    def sample(self, size: tuple[int, int], rng: np.random.Generator) -> Mapping[str, np.ndarray]:
        """Draw ``(chain, draw)`` independent values of the named variables."""
        ...


class Marginal(Protocol):
    """Define a posterior in which all but a few values integrate out in closed form.

    Attributes
    ----------
    start : numpy.ndarray
        ``(d,)`` values, each of a scale of about one, at which the density is finite.
    bounds : numpy.ndarray
        ``(d, 2)`` bounds of each value, about which the density is even; infinite where a value has none.
    repeats : int
        How many draws of the other parameters to take at one point: more than one where a point is costly.
    """

    @property
    def start(self) -> np.ndarray:
        """Where the climb to the mode starts."""
        ...

    @property
    def repeats(self) -> int:
        """Draws at one point."""
        ...

    @property
    def bounds(self) -> np.ndarray:
        """Bounds of the values."""
        ...

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Return the log marginal density ``(n,)`` of points ``(n, d)``, up to a constant; NaN where there is none."""
        ...

    def evaluate(
        self, points: np.ndarray
    ) -> Iterator[tuple[slice, np.ndarray, Callable[[int, int, np.random.Generator], Mapping[str, np.ndarray]]]]:
        """Yield, part by part, which points, their log densities, and how to draw all variables at one of them.

        The last is a function of the position in the part, the number of draws and a generator, which returns the
        variables of the problem by name, ``(draw, ...)``.
        """
        ...


@dataclass(frozen=True, eq=False)
class Start:
    """Hold the starting values of a sampler's chains.

    Parameters
    ----------
    values : callable
        Returns starting values of some variables by name, given a numpy Generator and the number of the chain.
    trained : bool
        Whether these are trained networks, which need no training before sampling.

    Examples
    --------
    >>> Start(lambda rng, chain: {"weight": np.full(2, chain)})(np.random.default_rng(0), 3)
    {'weight': array([3, 3])}
    """

    values: Callable[[np.random.Generator, int], Mapping[str, np.ndarray]]
    trained: bool = False

    def __call__(self, rng: np.random.Generator, chain: int) -> Mapping[str, np.ndarray]:
        """Return the starting values of a chain."""
        return self.values(rng, chain)


@dataclass(frozen=True)
class Variant:
    """Name a variant of a posterior, for a sampler that chooses among variants by the held-out rows.

    Parameters
    ----------
    fixed : tuple of str
        Unconstrained variables that keep their starting values.
    power : float
        Power of the likelihood: below one where rows are alike, so that they count as fewer (generalised Bayes,
        Bissiri, Holmes & Walker 2016, JRSS B 78:1103).

    Examples
    --------
    >>> Variant(power=0.3).fixed
    ()
    """

    fixed: tuple[str, ...] = ()
    power: float = 1.0


@dataclass(frozen=True, eq=False)
class Problem:
    """State a posterior to compute.

    Parameters
    ----------
    build : callable
        Returns the PyMC model; its observed arrays are ``pm.Data`` named as in ``data``, and the log likelihood of
        each row is that of the observed variable, or the value of the potential, ``outcome``. Make it
        ``functools.partial(function, *settings)``, so that problems with equal settings share one compilation.
    data : mapping of str to numpy.ndarray
        The values of those arrays, rows first; among them ``y``.
    constants : tuple of str
        Names of the arrays in ``data`` that have no value for each row.
    dims : mapping of str to tuple of str
        Variables to keep, and the names of their dimensions beside ``chain`` and ``draw``.
    coords : mapping of str to sequence
        Labels along those dimensions.
    conjugate : Conjugate, optional
        The prior, when the posterior has a closed form.
    marginal : Marginal, optional
        The posterior of a few values, when the others integrate out in closed form.
    target_accept : float
        Acceptance rate that NUTS needs for the geometry of this model.
    start : Start, optional
        Starting values of each chain; None leaves them to the sampler.
    held_out : numpy.ndarray, optional
        Rows that a sampler may hold out to decide when to stop its warm-up; it uses them afterwards.
    head : tuple of str
        Variables of the last layer of a network, in which its outputs are linear.
    variants : tuple of Variant
        The posterior, and others that a sampler may choose instead by the held-out rows.

    Attributes
    ----------
    key : hashable
        Problems with equal keys have the same graph, so one compilation serves them all. It is computed from
        ``build``, the names of ``data``, ``constants`` and ``dims``; see :func:`bayesgeo.inference.identity.identity`.

    Examples
    --------
    >>> from functools import partial
    >>> def build(sd: float) -> "pm.Model": ...
    >>> wide, narrow, again = (Problem(partial(build, sd), {"y": np.zeros(3)}, {"mean": ()}) for sd in (9.0, 1.0, 9.0))
    >>> wide.key == again.key, wide.key == narrow.key
    (True, False)
    """

    build: "Callable[[], pm.Model]"
    data: Mapping[str, np.ndarray]
    dims: Mapping[str, tuple[str, ...]]
    constants: tuple[str, ...] = ()
    coords: Mapping[str, Sequence[object]] = field(default_factory=dict)
    conjugate: Conjugate | None = None
    marginal: Marginal | None = None
    target_accept: float = 0.8
    start: Start | None = None
    held_out: np.ndarray | None = None
    head: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = (Variant(),)

    @property
    def key(self) -> Hashable:
        """Key shared by problems with the same graph."""
        dims = tuple((name, tuple(named)) for name, named in self.dims.items())
        return identity(self.build), tuple(self.data), self.constants, dims


@runtime_checkable
class Inference(Protocol):
    """Define an algorithm that computes a posterior.

    An inference is a frozen dataclass whose fields are plain values (numbers, strings, booleans, None) with defaults,
    so that a fitted model can be saved with it. ``bayesgeo.testing.check_inference`` tests what follows.

    **Input.** ``problem.build()`` is the PyMC model. ``problem.data`` holds the arrays that replace its ``pm.Data``;
    do not modify them. All randomness comes from ``seed``: the same seed gives the same draws, whatever the number
    of cores, and NumPy's global state is unchanged. Raise for invalid settings before computing, by
    :func:`bayesgeo._check.invalid`.

    **Groups** of the returned DataTree:

    ============= ==================================================================================================
    posterior     the variables of ``problem.dims``, each ``(chain, draw, *dims)`` and finite; required
    sample_stats  statistics ``(chain, draw)`` or ``(chain,)`` of these very draws
    warmup        history of the warm-up, along ``step``; ``log_score (step)`` is the mean over held-out rows
    approximation ``log_ratio (chain, sample)``: unnormalised log importance weights, the log density of the posterior
                  minus that of the approximation at its own draws
    ============= ==================================================================================================

    A model adds groups for checks of its own; see :mod:`bayesgeo.models.criticism`.

    **Attributes** of its root, numbers and strings:

    ==================================== ==========================================================================
    inference                            name of the class
    kind                                 ``"exact"``: independent draws of the posterior; ``"chains"``: Markov chains
                                         whose limit is the posterior; ``"unadjusted chains"``: Markov chains whose
                                         limit differs from it by a small bias; ``"approximation"``: independent draws
                                         of another distribution
    title                                its name in reports, such as ``"no-U-turn sampler (NUTS)"``
    seed                                 as given
    compile_seconds, sampling_seconds    times
    interrupted                          1 if a KeyboardInterrupt cut the run short and whole draws were kept, else 0
    checks                               optional; a JSON list of the sampler checks that apply
    chains, draws                        optional; how many chains, and draws of each, were asked for
    ==================================== ==========================================================================

    **Checks** of the sampler, and the statistic that each needs:

    ============= ==================================================================================================
    divergences   ``sample_stats/diverging (chain, draw)``, boolean
    tree_depth    ``sample_stats/reached_max_treedepth (chain, draw)``, boolean
    energy        ``sample_stats/energy (chain, draw)``
    acceptance    ``sample_stats/acceptance_rate (chain, draw)``; asked of all that report it
    step_size     ``sample_stats/step_size (chain, draw)``; asked of all that report it
    energy_error  ``sample_stats/energy_error (chain, draw)``: mean squared energy error for each dimension and step
    lp_drift      ``sample_stats/lp (chain, draw)``: log posterior
    warmup_growth ``warmup/log_score (step)``
    pareto_k      ``approximation/log_ratio (chain, sample)``
    ============= ==================================================================================================

    Without ``checks`` these apply: to ``"chains"`` divergences, tree_depth and energy; to ``"unadjusted chains"``
    energy_error, lp_drift and warmup_growth; to an ``"approximation"`` pareto_k; to ``"exact"`` draws none. A check
    that applies fails if its statistic is missing. Only ``"exact"`` and ``"chains"`` may have an empty list.
    """

    def run(self, problem: Problem, seed: int) -> xr.DataTree:
        """Compute the posterior of ``problem``.

        Raises
        ------
        InvalidInput
            If a setting is invalid, or the inference cannot compute this problem.
        KeyboardInterrupt
            If interrupted before any draw was kept.
        """
        ...


def label_posterior(draws: Mapping[str, np.ndarray], problem: Problem) -> xr.Dataset:
    """Name the dimensions of raw draws ``(chain, draw, ...)`` as the problem names them.

    Examples
    --------
    >>> problem = Problem(build=None, data={}, dims={"weight": ("feature",)},
    ...                   coords={"feature": ["magnitude", "hour"]})
    >>> label_posterior({"weight": np.zeros((4, 10, 2))}, problem)["weight"].dims
    ('chain', 'draw', 'feature')
    """
    variables = {name: (("chain", "draw", *dims), draws[name]) for name, dims in problem.dims.items()}
    first = next(iter(variables.values()))[1]
    used = {dim for dims in problem.dims.values() for dim in dims}
    coords: dict[str, Any] = {"chain": np.arange(first.shape[0]), "draw": np.arange(first.shape[1])}
    coords |= {name: list(labels) for name, labels in problem.coords.items() if name in used}
    return xr.Dataset(variables, coords=coords)
