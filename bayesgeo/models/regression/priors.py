"""The priors of the linear models: their scale, and, for checks of the model, draws and density by NumPy."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from bayesgeo._check import invalid, positive
from bayesgeo.models.criticism import Parameters
from bayesgeo.models.regression.graph import INTERCEPT_SCALE, NOISE_RATE, NOISE_SHAPE

PRIORS = ("normal", "laplace", "horseshoe", "flat")
FAMILIES = {"normal": stats.norm, "laplace": stats.laplace}


def scale_of_prior(prior: str, scale: float | None, *, default: float, n_rows: int) -> float:
    """Return the scale of a prior: the given one, or its default."""
    if scale is not None:
        return float(positive("prior_scale", scale))
    # Rounded to a power of two, so that folds of nearly equal size share one compiled graph.
    return 2.0 ** -round(np.log2(n_rows) / 2) if prior == "horseshoe" else default


def refuse_undetermined(prior: str, X: np.ndarray, *, spare: int) -> None:
    """Refuse a flat prior where the rows do not determine every coefficient: the posterior would be improper."""
    n_rows, wanted = len(X), X.shape[1] + 1
    if prior != "flat" or (n_rows >= wanted + spare and np.linalg.matrix_rank(np.c_[np.ones(n_rows), X]) == wanted):
        return
    problem = f"{n_rows} rows do not determine {wanted} coefficients: too few rows, or features that repeat each other."
    raise invalid("prior", prior, problem, 'Use prior="normal", or fewer features.')


@dataclass(frozen=True)
class RegressionPrior:
    """The proper priors of linear regression."""

    prior: str
    scale: float
    features: int
    heavy: bool  # whether the noise is Student-t

    def sample(self, size: tuple[int, int], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw parameters ``(chain, draw, ...)``, given the first two sizes."""
        sigma = np.sqrt(NOISE_RATE / rng.gamma(NOISE_SHAPE, size=size))
        draws = {
            "weight": _drawn(self.prior, self.scale, (*size, self.features), rng) * sigma[..., None],
            "intercept": INTERCEPT_SCALE * sigma * rng.standard_normal(size),
            "sigma": sigma,
        }
        return draws | ({"nu": rng.gamma(2.0, 10.0, size)} if self.heavy else {})

    def log_density(self, p: Parameters) -> np.ndarray:
        r"""Return the log prior density to be power-scaled, ``(chain, draw)``, up to a constant.

        Of coefficients it is :math:`-\beta^2 / (2 s^2 \sigma^2)` or :math:`-|\beta| / (s \sigma)`, without the
        normaliser in :math:`\sigma`: a power of it is another ``prior_scale`` with the same prior of the noise.
        Of the noise it is the density of :math:`\log \sigma^2`, in which a constant is uninformative. The prior of
        :math:`\nu` is not scaled.
        """
        sigma = p["sigma"]
        family = FAMILIES[self.prior]
        density = family.logpdf(p["weight"] / (self.scale * sigma[..., None])).sum(-1)
        density += stats.norm.logpdf(p["intercept"] / (INTERCEPT_SCALE * sigma))
        return density - NOISE_SHAPE * np.log(sigma**2) - NOISE_RATE / sigma**2


@dataclass(frozen=True)
class ClassPrior:
    """The proper priors of logistic and softmax regression."""

    prior: str
    scale: float
    features: int
    labels: int

    @property
    def _shape(self) -> tuple[int, ...]:
        return () if self.labels == 2 else (self.labels,)

    def sample(self, size: tuple[int, int], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw parameters ``(chain, draw, ...)``, given the first two sizes."""
        draws = {
            "weight": _drawn(self.prior, self.scale, (*size, self.features, *self._shape), rng),
            "intercept": INTERCEPT_SCALE * rng.standard_normal((*size, *self._shape)),
        }
        # As in the posterior, classes stand as deviations from their mean: only differences matter.
        return {k: v - v.mean(-1, keepdims=True) if self._shape else v for k, v in draws.items()}

    def log_density(self, p: Parameters) -> np.ndarray:
        """Return the log density ``(chain, draw)``."""
        weight = FAMILIES[self.prior].logpdf(p["weight"], 0, self.scale)
        intercept = stats.norm.logpdf(p["intercept"], 0, INTERCEPT_SCALE)
        return weight.sum(tuple(range(2, weight.ndim))) + intercept.sum(tuple(range(2, intercept.ndim)))


def _drawn(prior: str, scale: float, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw coefficients ``(chain, draw, ...)`` in units of the noise."""
    if prior == "horseshoe":
        overall = np.abs(rng.standard_cauchy(shape[:2])).reshape(*shape[:2], *(1,) * (len(shape) - 2))
        return scale * overall * np.abs(rng.standard_cauchy(shape)) * rng.standard_normal(shape)
    return scale * (rng.standard_normal(shape) if prior == "normal" else rng.laplace(size=shape))
