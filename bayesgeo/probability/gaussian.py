"""Joint Gaussians over named variables, in closed form; the covariance may be singular."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr

from bayesgeo._check import invalid, positive
from bayesgeo.probability.base import (
    Function,
    Joint,
    LinearGaussian,
    Values,
    VarianceSplit,
    evaluate,
    is_set,
    known_variables,
    leave_some,
    normal,
    plain,
    psd,
    trusted,
)


@dataclass(frozen=True, eq=False, repr=False)
class Gaussian(Joint):
    """Hold the mean and covariance of named, jointly Gaussian variables.

    Parameters
    ----------
    mean : mapping of str to float, or xarray.DataArray
        Expected value of each variable; an array has the dimension ``variable``.
    cov : array_like
        Covariances in the order of ``mean``, symmetric and positive semi-definite.

    Raises
    ------
    InvalidInput
        If a number is not finite, or the covariance has another shape, is not symmetric, or has a
        negative eigenvalue.

    Examples
    --------
    >>> wells = Gaussian({"porosity": 0.2, "impedance": 7.0}, [[0.01, -0.05], [-0.05, 1.0]])
    >>> wells.condition(impedance=6.0)
    Gaussian(porosity: 0.25 ± 0.0866)
    """

    mean: xr.DataArray
    cov: xr.DataArray

    def __post_init__(self) -> None:
        mean = self.mean
        if isinstance(mean, Mapping):
            mean = xr.DataArray(list(mean.values()), {"variable": list(mean)})
        names = known_variables(mean["variable"].values.tolist(), mean["variable"].values.tolist())
        cov = np.array(self.cov, dtype=float)
        if cov.shape != (len(names), len(names)):
            raise invalid("covariance", cov.shape, f"There are {len(names)} variables.")
        if not np.isfinite(mean).all():
            raise invalid("mean", mean.values.tolist(), "It must be finite.")
        psd.refuse_not_psd(cov, names)
        for field_name, array in _labelled(mean.values, cov, names).items():
            object.__setattr__(self, field_name, array)

    def __repr__(self) -> str:
        sd = np.sqrt(self.cov.values.diagonal())
        parts = [f"{n}: {m:.4g} ± {s:.3g}" for n, m, s in zip(self.names, self.mean.values, sd, strict=True)]
        return f"Gaussian({', '.join(parts[:6])}{', ...' if len(parts) > 6 else ''})"

    @classmethod
    def from_rows(cls, rows: Any, *names: str) -> Self:
        """Estimate the mean and covariance from columns of numbers (divisor n − 1).

        Examples
        --------
        >>> Gaussian.from_rows({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]}).condition(y=5.0).mean.values
        array([2.5])
        """
        names = known_variables(names or tuple(rows), tuple(rows))
        columns = np.array([np.asarray(rows[name], dtype=float) for name in names])
        if columns.shape[1] < 2:
            raise invalid("rows", columns.shape[1], "A covariance needs at least two.")
        return cls(**_labelled(columns.mean(axis=1), np.atleast_2d(np.cov(columns)), names))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""
        return tuple(self.mean["variable"].values.tolist())

    def _at(self, names: Any) -> np.ndarray:
        order = {name: i for i, name in enumerate(self.names)}
        return np.array([order[name] for name in known_variables(names, order)], dtype=int)

    def marginal(self, *names: str) -> Self:
        """Keep the mean and covariance of these variables, in the order given.

        Examples
        --------
        >>> Gaussian({"x": 0.0, "y": 1.0}, [[1.0, 0.5], [0.5, 4.0]]).marginal("y")
        Gaussian(y: 1 ± 2)
        """
        at = self._at(names)
        if not at.size:
            raise invalid("variables", names, "No variable is named.", "Give at least one.")
        return _gaussian(self.mean.values[at], self.cov.values[np.ix_(at, at)], names)

    def condition(self, **values: float) -> Self:
        """Return the Gaussian of the other variables given these values.

        The mean is μ_a + Σ_ab Σ_bb⁺ (b − μ_b), the covariance Σ_aa − Σ_ab Σ_bb⁺ Σ_ba (Bishop,
        Pattern Recognition and Machine Learning, eqs 2.81 and 2.82).

        Examples
        --------
        >>> Gaussian({"x": 0.0, "y": 0.0}, [[1.0, 0.6], [0.6, 1.0]]).condition(y=1.0)
        Gaussian(x: 0.6 ± 0.8)
        """
        left = leave_some(values, self.names)
        given, free = self._at(values), self._at(left)
        for name, value in values.items():
            if is_set(value) or not np.isfinite(value):
                raise invalid(
                    name,
                    value,
                    "A Gaussian is conditioned on one finite value.",
                    "Use sample and Draws for an interval.",
                )
        mean, cov = psd.conditional_moments(self.mean.values, self.cov.values, free=free, given=given, values=values)
        return _gaussian(mean, cov, left)

    def linear(self, **combinations: Mapping[str, float]) -> Self:
        """Return the Gaussian of weighted sums of the variables.

        Examples
        --------
        >>> Gaussian({"x": 1.0, "y": 2.0}, [[1.0, 0.0], [0.0, 3.0]]).linear(total={"x": 1, "y": 1})
        Gaussian(total: 3 ± 2)
        """
        weights = self._weights(combinations)
        return _gaussian(weights @ self.mean.values, weights @ self.cov.values @ weights.T, combinations)

    def _weights(self, combinations: Mapping[str, Mapping[str, float]]) -> np.ndarray:
        weights = np.zeros((len(combinations), len(self.names)))
        for row, combination in zip(weights, combinations.values(), strict=True):
            row[self._at(combination)] = list(combination.values())
        return weights

    def extend(self, likelihood: LinearGaussian) -> Self:
        """Add variables that follow linearly from these: the chain rule p(x, y) = p(y | x) p(x).

        Examples
        --------
        >>> prior = Gaussian({"depth": 10.0}, [[4.0]])
        >>> prior.extend(LinearGaussian({"pick": {"depth": 1.0}}, noise={"pick": 4.0})).condition(pick=12.0)
        Gaussian(depth: 11 ± 1.41)
        """
        new = tuple(likelihood.weights)
        if taken := set(new) & set(self.names):
            raise invalid("likelihood", sorted(taken), "These variables are in the prior.", "Rename them.")
        weights = np.vstack([np.eye(len(self.names)), self._weights(likelihood.weights)])
        mean, cov = weights @ self.mean.values, weights @ self.cov.values @ weights.T
        mean[-len(new) :] += [likelihood.offset.get(name, 0.0) for name in new]
        cov[range(-len(new), 0), range(-len(new), 0)] += [likelihood.noise.get(name, 0.0) for name in new]
        return _gaussian(mean, cov, (*self.names, *new))

    def update(self, likelihood: "Gaussian") -> Self:
        """Multiply by a Gaussian likelihood of some of the variables, and normalise.

        Examples
        --------
        >>> Gaussian({"depth": 10.0}, [[4.0]]).update(Gaussian({"depth": 12.0}, [[4.0]]))
        Gaussian(depth: 11 ± 1.41)
        """
        seen, n = likelihood.names, len(self.names)
        exact = LinearGaussian({f"{name} seen": {name: 1.0} for name in seen})
        joint = self.extend(exact)
        cov = joint.cov.values.copy()
        cov[n:, n:] += likelihood.cov.values
        both = _gaussian(joint.mean.values, cov, joint.names)
        return both.condition(**{f"{name} seen": float(likelihood.mean.sel(variable=name)) for name in seen})

    def expectation(self, f: Function) -> Any:
        """Return E[f]: exact for a name, else by Gauss-Hermite quadrature.

        The rule has 24 nodes along each direction of non-zero variance, so it is exact for polynomials
        of degree up to 47; for other functions its error falls with their smoothness.

        Examples
        --------
        >>> x = Gaussian({"x": 1.0}, [[4.0]])
        >>> x.expectation("x"), round(x.expectation(lambda v: v["x"] ** 2), 12)
        (1.0, 5.0)
        """
        if isinstance(f, str):
            return float(self.mean.values[self._at([f])[0]])
        points, weights = normal.hermite_nodes(self.mean.values, self.cov.values)
        nodes = {name: xr.DataArray(row, dims="node") for name, row in zip(self.names, points, strict=True)}
        return plain(xr.dot(evaluate(f, nodes), xr.DataArray(weights, dims="node"), dim="node"))

    def covariance(self, f: Function, g: Function) -> Any:
        """Return Cov[f, g]: exact for two names, else by the quadrature of :meth:`expectation`.

        Examples
        --------
        >>> Gaussian({"x": 0.0, "y": 1.0}, [[1.0, 0.5], [0.5, 4.0]]).covariance("x", "y")
        0.5
        """
        if isinstance(f, str) and isinstance(g, str):
            i, j = self._at([f])[0], self._at([g])[0]
            return float(self.cov.values[i, j])
        return super().covariance(f, g)

    def probability(self, event: Mapping[str, slice]) -> float:
        """Return the probability of a box of intervals.

        One variable is exact to rounding; two and more go to ``scipy.stats.multivariate_normal.cdf``,
        whose error is below 1e-5.

        Examples
        --------
        >>> x = Gaussian({"x": 0.0}, [[1.0]])
        >>> round(x.probability({"x": slice(-1.96, 1.96)}), 4)
        0.95
        """
        if not isinstance(event, Mapping) or not all(isinstance(c, slice) for c in event.values()):
            raise invalid(
                "event",
                event,
                "A Gaussian measures intervals.",
                "Give {'x': slice(low, high)}; use linear for sums, or sample for other events.",
            )
        part = self.marginal(*event)
        bounds = [(choice.start, choice.stop) for choice in event.values()]
        return normal.box_probability(part.mean.values, part.cov.values, bounds)

    def log_density(self, values: Values) -> xr.DataArray:
        """Return the log density at labelled values of every variable, −inf off a singular support.

        Examples
        --------
        >>> round(float(Gaussian({"x": 0.0}, [[1.0]]).log_density({"x": xr.DataArray(0.0)})), 6)
        -0.918939
        """
        known_variables(self.names, tuple(values))
        columns = xr.broadcast(*(xr.DataArray(values[name]) for name in self.names))
        points = np.stack([column.values for column in columns], axis=-1)
        return columns[0].copy(data=normal.log_normal(points, self.mean.values, self.cov.values))

    def entropy(self) -> float:
        """Return ½ log det(2πe Σ), in nats; a singular covariance has none.

        Examples
        --------
        >>> round(Gaussian({"x": 0.0}, [[1.0]]).entropy(), 6)
        1.418939
        """
        psd.refuse_singular(self.cov.values)
        return normal.differential_entropy(self.cov.values)

    def kullback_leibler(self, other: "Gaussian") -> float:
        """Return the divergence from this Gaussian p to another q of the same variables, in nats.

        ½ [tr(Σ_q⁻¹ Σ_p) + (μ_q − μ_p)ᵀ Σ_q⁻¹ (μ_q − μ_p) − k + log det Σ_q / det Σ_p].

        Examples
        --------
        >>> Gaussian({"x": 0.0}, [[1.0]]).kullback_leibler(Gaussian({"x": 1.0}, [[1.0]]))
        0.5
        """
        if set(other.names) != set(self.names):
            raise invalid("other", other.names, "Its variables differ.", f"Give {self.names}.")
        other = other.marginal(*self.names)
        for joint in (self, other):
            psd.refuse_singular(joint.cov.values)
        return normal.divergence(self.mean.values, self.cov.values, other.mean.values, other.cov.values)

    def total_expectation(self, name: str, *given: str) -> float:
        """Return E[x] as E[E(x | given)]; the inner mean is linear, so it is taken at the given means.

        Examples
        --------
        >>> Gaussian({"x": 3.0, "y": 0.0}, [[1.0, 0.6], [0.6, 1.0]]).total_expectation("x", "y")
        3.0
        """
        at_means = {other: float(self.mean.sel(variable=other)) for other in given}
        return self.condition(**at_means).expectation(name)

    def total_variance(self, name: str, *given: str) -> VarianceSplit:
        """Split Var[x] into E[Var(x | given)], the same for all values, and Var(E[x | given]).

        Examples
        --------
        >>> split = Gaussian({"x": 0.0, "y": 0.0}, [[1.0, 0.6], [0.6, 1.0]]).total_variance("x", "y")
        >>> round(split.within, 12), round(split.between, 12)
        (0.64, 0.36)
        """
        at_means = {other: float(self.mean.sel(variable=other)) for other in given}
        within = self.condition(**at_means).variance(name)
        return VarianceSplit(within, self.variance(name) - within)

    def sample(self, n: int, *, seed: int) -> xr.Dataset:
        """Draw independent vectors.

        Examples
        --------
        >>> Gaussian({"x": 0.0}, [[1.0]]).sample(100, seed=1)["x"].dims
        ('chain', 'draw')
        """
        positive("n", n, integer=True)
        factor = psd.psd_factor(self.cov.values)
        noise = np.random.default_rng(seed).standard_normal((n, factor.shape[1]))
        draws = self.mean.values + noise @ factor.T
        return xr.Dataset({name: (("chain", "draw"), draws[None, :, i]) for i, name in enumerate(self.names)})


def _labelled(mean: np.ndarray, cov: np.ndarray, names: Any) -> dict[str, xr.DataArray]:
    names = list(names)
    return {
        "mean": xr.DataArray(mean, {"variable": names}),
        "cov": xr.DataArray(cov, {"variable": names, "other": names}),
    }


def _gaussian(mean: np.ndarray, cov: np.ndarray, names: Any) -> Any:
    return trusted(Gaussian, **_labelled(mean, cov, names))
