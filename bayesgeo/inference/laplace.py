"""Laplace's approximation: a Gaussian at a mode, whose covariance comes from the curvature there."""

import time
from dataclasses import dataclass
from importlib.metadata import version

import xarray as xr

from bayesgeo._check import invalid, one_of
from bayesgeo._progress import announce
from bayesgeo.inference.base import Problem, check_counts

FULL_SIZE = 3_000  # number of values above which a full Hessian takes too long


@dataclass(frozen=True)
class Laplace:
    r"""Approximate a posterior by Gaussians at its modes (MacKay 1992, Neural Computation 4:3).

    Each chain is a mode of its own, found from a trained network by gradient ascent on all rows; around it
    :math:`\theta \sim N(\hat\theta, H^{-1})`, with :math:`H` the negative Hessian of the log posterior. Over the last
    layer alone, the rest of the network is fixed (Daxberger et al. 2021, NeurIPS).
    Directions along which the log posterior curves upwards get the curvature of a unit-normal prior.

    Draws are independent, and from the approximation, not the posterior; see :class:`ADVI`.

    Parameters
    ----------
    draws, chains : int
        Draws from each approximation, and approximations.
    subset : {"last layer", "full"}
        The values that vary. A model that is not a network has no last layer: all its values vary.
    cores : int, optional
        Chains that run at once; None takes every core. It never changes the draws.

    Examples
    --------
    >>> Laplace(subset="full").chains
    4
    """

    draws: int = 250
    chains: int = 4
    subset: str = "last layer"
    cores: int | None = None

    def run(self, problem: Problem, seed: int) -> xr.DataTree:
        """Compute the approximation; see :class:`Inference`.

        Raises
        ------
        InvalidInput
            If a setting is invalid, or the network is too large for ``"full"``.
        """
        one_of("subset", self.subset, ("last layer", "full"))
        check_counts(self, "draws", "chains")
        from bayesgeo.inference.kernels.device import single_precision

        with single_precision():
            return self._run(problem, seed)

    def _run(self, problem: Problem, seed: int) -> xr.DataTree:
        begun = time.perf_counter()
        from bayesgeo.inference.kernels import laplace
        from bayesgeo.inference.kernels import target as on_device

        target = on_device.target_of(problem)
        compiled = time.perf_counter()
        free = target.density.positions(problem.head if self.subset == "last layer" else ())
        if len(free) > FULL_SIZE:
            problem_text = f"The model has {len(free)} values; at most {FULL_SIZE} can vary together."
            raise invalid("subset", self.subset, problem_text, 'Use subset="last layer", or ADVI.')
        first = on_device.starts(problem, target, self.chains, seed, self.cores)
        announce("climbing")
        rate = laplace.FAR if problem.start is None else laplace.NEAR
        modes = laplace.modes(target, first, free, rate=rate, cores=self.cores)
        announce("measuring the curvature")
        theta, log_q = laplace.sample(target, modes, free, self.draws, seed)
        tree = xr.DataTree.from_dict(on_device.approximation(problem, target, theta, log_q, self.cores))
        tree.attrs = {
            "inference": "Laplace",
            "kind": "approximation",
            "title": f"Gaussian at a peak (Laplace), {self.subset}",
            "sampler": f"jax {version('jax')}",
            "seed": seed,
            "chains": self.chains,
            "draws": self.draws,
            "subset": self.subset,
            "compile_seconds": compiled - begun,
            "sampling_seconds": time.perf_counter() - compiled,
            "interrupted": 0,
        }
        return tree


__all__ = ["Laplace"]
