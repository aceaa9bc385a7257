"""The log density of a PyMC model as JAX functions of one flat vector."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from bayesgeo._check import invalid
from bayesgeo._progress import announce
from bayesgeo.inference.base import Problem, Recent
from bayesgeo.inference.kernels.device import jax, jnp

Arrays = Mapping[str, Any]
IN_BLOCKS, BLOCK_ROWS = 2048, 512  # rows from which the likelihood is summed in blocks, and rows of a block
_densities = Recent()


class LogDensity:
    r"""Compute a posterior as functions of ``theta (size,)``, the unconstrained values of all variables, in float32.

    The log posterior of weighted rows is :math:`\log p(\theta) + \sum_i w_i \log p(y_i | x_i, \theta)`. A weight of 0
    holds a row out, so that rows can be held out, used again and padded without compiling again.

    Parameters
    ----------
    problem : Problem
        The posterior; its data are arguments of the functions below, not constants.
    """

    def __init__(self, problem: Problem):
        self._names = tuple(problem.data)
        self.by_row = tuple(name for name in problem.data if name not in problem.constants)
        self._prior, self._rows, self._values, self._initial = _functions(problem)
        self.dims = dict(problem.dims)
        self.shapes = {name: np.shape(value) for name, value in self._initial.items()}
        self.size = sum(int(np.prod(shape)) for shape in self.shapes.values())
        self._compiled: dict[tuple[Any, ...], Callable] = {}

    def compiled(self, move: Callable, *settings: Any) -> Callable:
        """Return ``move(density, *settings, ...)`` with its first arguments fixed, compiled once for this density."""
        key = (move, *settings)
        if key not in self._compiled:
            self._compiled[key] = jax.jit(partial(move, self, *settings))
        return self._compiled[key]

    def prior(self, theta: Any, data: Arrays) -> Any:
        """Return the log prior density of the unconstrained values, change of variables included."""
        return self._prior(*self._split(theta), *(data[name] for name in self._names))[0].astype(theta.dtype)

    def rows(self, theta: Any, data: Arrays) -> Any:
        """Return the log likelihood of each row, ``(obs,)``."""
        return self._rows(*self._split(theta), *(data[name] for name in self._names))[0].astype(theta.dtype)

    def total(self, theta: Any, data: Arrays, weight: Any) -> Any:
        """Return the log posterior density of weighted rows, up to a constant."""
        return self.prior(theta, data) + self._likelihood(theta, data, weight)

    def sampled(self, theta: Any, picked: Any, data: Arrays, weight: Any) -> Any:
        """Estimate :meth:`total`, without bias, from rows ``picked`` at random with replacement."""
        part = {name: values[picked] if name in self.by_row else values for name, values in data.items()}
        scale = len(weight) / len(picked)
        return self.prior(theta, data) + scale * (weight[picked] * self.rows(theta, part)).sum()

    def _likelihood(self, theta: Any, data: Arrays, weight: Any) -> Any:
        """Sum the weighted log likelihood; of many rows a block at a time, in bounded memory and within the cache."""
        n = len(weight)
        if n < IN_BLOCKS or n % BLOCK_ROWS:
            return (weight * self.rows(theta, data)).sum()
        fixed = {name: values for name, values in data.items() if name not in self.by_row}
        blocks = {name: data[name].reshape(-1, BLOCK_ROWS, *data[name].shape[1:]) for name in self.by_row}
        blocks_of = (blocks, weight.reshape(-1, BLOCK_ROWS))

        def one(theta: Any, block: Any) -> Any:
            return (block[1] * self.rows(theta, fixed | block[0])).sum()

        # The gradient is summed along with the value, so that no block is kept for a backward pass.
        @jax.custom_vjp
        def likelihood(theta: Any) -> Any:
            return jax.lax.map(partial(one, theta), blocks_of).sum()

        def forward(theta: Any) -> Any:
            def add(sums: Any, block: Any) -> Any:
                return jax.tree.map(jnp.add, sums, jax.value_and_grad(one)(theta, block)), None

            zero = (jnp.zeros((), theta.dtype), jnp.zeros_like(theta))
            return jax.lax.scan(add, zero, blocks_of)[0]

        likelihood.defvjp(forward, lambda gradient, upstream: (upstream * gradient,))
        return likelihood(theta)

    def draws(self, theta: np.ndarray, data: Arrays) -> dict[str, np.ndarray]:
        """Map ``theta (chain, draw, size)`` to the variables that the problem keeps, ``(chain, draw, ...)``."""
        values = self.compiled(_constrained)(theta, data)
        return dict(zip(self.dims, map(np.asarray, values), strict=True))

    def flat(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return one vector of unconstrained values; variables absent from ``values`` keep their initial values.

        Raises
        ------
        InvalidInput
            If there is no unconstrained value of that name, or it has another shape. A transformed variable goes by
            PyMC's name of its transform, such as ``sigma_log__``.
        """
        point = dict(self._initial)
        for name, value in values.items():
            if name not in point or np.shape(value) != self.shapes[name]:
                wanted = f"It has shape {np.shape(value)}; the model's is {self.shapes.get(name)}."
                raise invalid("start", name, wanted, "Start from a network of the same architecture.")
            point[name] = value
        return np.concatenate([np.ravel(value) for value in point.values()]).astype(np.float32)

    def positions(self, names: tuple[str, ...]) -> np.ndarray:
        """Return the positions of these variables in the flat vector."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes.values()])
        spans = dict(zip(self.shapes, zip(np.r_[0, ends[:-1]], ends, strict=True), strict=True))
        return np.concatenate([np.arange(*spans[name]) for name in names]) if names else np.arange(self.size)

    def _split(self, theta: Any) -> list[Any]:
        parts, start = [], 0
        for shape in self.shapes.values():
            stop = start + int(np.prod(shape))
            parts.append(theta[start:stop].reshape(shape))
            start = stop
        return parts


def _constrained(density: LogDensity, theta: Any, data: Arrays) -> Any:
    def one(theta: Any) -> Any:
        return density._values(*density._split(theta), *(data[name] for name in density._names))

    return jax.lax.map(jax.vmap(one), theta)


def log_density(problem: Problem) -> LogDensity:
    """Return the density of the problem, cached by its key."""

    def make() -> LogDensity:
        announce("compiling")
        return LogDensity(problem)

    return _densities.recall(problem.key, make)


def _functions(problem: Problem) -> tuple[Callable, Callable, Callable, dict[str, np.ndarray]]:
    import pytensor

    with pytensor.config.change_flags(floatX="float32"):
        model = problem.build()
        outcome = model["outcome"]
        others = [*model.free_RVs, *(term for term in model.potentials if term is not outcome)]
        prior = model.logp(vars=others)
        rows = model.logp(vars=[outcome], sum=False)[0]
        if rows.type.ndim != 1:
            problem_text = f"Its log likelihood has {rows.type.ndim} dimensions."
            raise invalid("outcome", str(outcome.name), problem_text, "Give one value for each row.")
        values = model.replace_rvs_by_values([model[name] for name in problem.dims])
        convert = partial(_convert, model, problem)
        point = model.initial_point(random_seed=0)
        names = [model.rvs_to_values[rv].name for rv in model.free_RVs]
        initial = {name: np.asarray(point[name], np.float32) for name in names}
        return convert([prior]), convert([rows]), convert(values), initial


def _convert(model: Any, problem: Problem, outputs: list[Any]) -> Callable:
    """Turn PyTensor outputs into a JAX function of the value variables and the data."""
    from pytensor.compile import mode
    from pytensor.graph.fg import FunctionGraph
    from pytensor.graph.replace import clone_replace
    from pytensor.link.jax.dispatch import jax_funcify

    shared = [model[name] for name in problem.data]
    arguments = [variable.type.__class__(variable.type.dtype, shape=variable.type.shape)() for variable in shared]
    outputs = clone_replace(outputs, replace=dict(zip(shared, arguments, strict=True)))
    inputs = [*(model.rvs_to_values[rv] for rv in model.free_RVs), *arguments]
    graph = FunctionGraph(inputs=inputs, outputs=outputs, clone=True)
    mode.JAX.optimizer.rewrite(graph)
    for node in graph.toposort():
        # PyTensor sums float32 in float64, for which JAX would warn at each sum.
        if getattr(node.op, "acc_dtype", None) == "float64":
            graph.replace(node.outputs[0], node.op.clone(acc_dtype="float32")(*node.inputs))
    return jax_funcify(graph)
