"""The Gaussian process regressor of scikit-learn over places: the deterministic rival of spatial regression."""

import warnings
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from scipy import linalg
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Kernel, Matern, WhiteKernel

from bayesgeo._check import invalid
from bayesgeo.models.base import NOISE_DRAWS, Regressor
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.spatial.places import places_of, points_of, refuse_few_places

MOST_ROWS = 2_000  # a likelihood costs their cube: a second on one core, some hundred of them a fit
RESTARTS = 1  # of the likelihood's optimiser, which may end where all is noise
_processes: WeakKeyDictionary = WeakKeyDictionary()


class GaussianProcess(Regressor):
    r"""Kriging with a linear trend by the Gaussian process of scikit-learn, its scales at their maximum likelihood.

    .. math:: y_i = \alpha + x_i^T \beta + w(s_i) + \varepsilon_i, \quad
              w \sim GP(0, \sigma^2\, \rho_{3/2}(d / \ell)), \quad \varepsilon_i \sim N(0, \tau^2).

    The features enter as a linear trend, fitted first by ordinary least squares, whose residuals give :math:`\sigma`,
    :math:`\ell` and :math:`\tau` (kernel ``ConstantKernel * Matern(nu=1.5) + WhiteKernel``); then by generalised least
    squares given these, whose residuals the process predicts (regression kriging; Hengl, Heuvelink & Rossiter 2007,
    Computers & Geosciences 33:1301). The uncertainty of the trend and of the scales is left out: what
    :class:`bayesgeo.models.spatial.regression.SpatialRegression` adds. Places are those of that model.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seed of the second start of the optimiser, and of response draws.

    Attributes
    ----------
    coef_, intercept_ : numpy.ndarray, float
        Coefficients ``(feature,)`` and intercept, in the units of the table.
    field_sd_, noise_sd_ : float
        Standard deviations of the field and of the noise (nugget), in the unit of ``y``.
    length_scale_ : float
        Length scale of the field, in the unit of distances.

    Raises
    ------
    InvalidInput
        By :meth:`fit`, of more than 2,000 rows, or of rows at fewer than three places.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> east, north = rng.uniform(0, 10, (2, 80))
    >>> model = GaussianProcess(random_state=0)
    >>> model = model.fit(east[:, None], np.sin(east) + np.cos(north), coordinates={"easting": east, "northing": north})
    >>> float(model.predict([[5.0]], coordinates={"easting": [5.0], "northing": [3.0]})[0].round(1))
    -1.9
    """

    name = "gaussian_process"
    kind = "deterministic"
    _fewest_features = 0

    def __init__(self, *, random_state: Any = None):
        self.random_state = random_state

    def check_size(self, n: int) -> None:
        """Refuse more than 2,000 rows."""
        if n > MOST_ROWS:
            problem = f"The model gaussian_process takes {MOST_ROWS:,} at most: its time grows with their cube."
            raise invalid("number of rows", n, problem, "Use the model spatial, or fewer rows.")

    def _learn(self, rows: TrainingRows) -> None:
        self.center_, self.scale_ = standardisation(rows.X)
        self.coordinate_names_ = places_of(rows).names if rows.coordinates else ()
        points = points_of(rows, self.coordinate_names_, self._scaled(rows.X))
        refuse_few_places(points)
        self.origin_ = points.mean(axis=0)
        self.spread_ = float(np.sqrt(np.mean(np.sum((points - self.origin_) ** 2, axis=1))))
        self.points_ = (points - self.origin_) / self.spread_
        self.target_center_, self.target_scale_ = (float(value) for value in standardisation(rows.y))
        y, trend = (rows.y - self.target_center_) / self.target_scale_, self._trend(rows)
        learned = self._likeliest(y - trend @ linalg.lstsq(trend, y)[0])
        self.log_scales_ = learned.kernel_.theta
        whitened = linalg.solve_triangular(learned.L_, np.c_[trend, y], lower=True)
        weight = linalg.lstsq(whitened[:, :-1], whitened[:, -1])[0]
        self.residual_ = y - trend @ weight
        self._keep(weight, np.exp(self.log_scales_))

    def _likeliest(self, residual: np.ndarray) -> GaussianProcessRegressor:
        learned = GaussianProcessRegressor(_kernel(), n_restarts_optimizer=RESTARTS, random_state=self.seed_)
        with warnings.catch_warnings():
            # A scale at its bound is an answer: no field, or no noise.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return learned.fit(self.points_, residual)

    def _keep(self, weight: np.ndarray, scales: np.ndarray) -> None:
        """Keep trend and scales in the units of the table."""
        self.weight_ = weight
        self.coef_ = weight[1:] * self.target_scale_ / self.scale_
        self.intercept_ = float(self.target_center_ + self.target_scale_ * weight[0] - self.coef_ @ self.center_)
        variance, length, noise = scales
        self.field_sd_ = float(self.target_scale_ * np.sqrt(variance))
        self.noise_sd_ = float(self.target_scale_ * np.sqrt(noise))
        self.length_scale_ = float(length * self.spread_)

    def _scaled(self, X: np.ndarray) -> np.ndarray:
        return (X - self.center_) / self.scale_

    def _trend(self, rows: Rows) -> np.ndarray:
        return np.c_[np.ones(len(rows)), self._scaled(rows.X)]

    def _process(self) -> GaussianProcessRegressor:
        """Return the process given the training residuals; a saved model holds what makes it, far smaller than it."""
        made_of, process = _processes.get(self, (None, None))
        if made_of is not self.residual_:
            process = GaussianProcessRegressor(_kernel().clone_with_theta(self.log_scales_), optimizer=None)
            process.fit(self.points_, self.residual_)
            _processes[self] = self.residual_, process
        return process

    def _predictive(self, rows: Rows) -> dict[str, np.ndarray]:
        points = points_of(rows, self.coordinate_names_, self._scaled(rows.X))
        mean, sd = self._process().predict((points - self.origin_) / self.spread_, return_std=True)
        expected = self.target_center_ + self.target_scale_ * (self._trend(rows) @ self.weight_ + mean)
        return {"expected": expected[None, None], "sigma": self.target_scale_ * sd[None, None]}

    def _numbers_per_row(self) -> int:
        return max(NOISE_DRAWS, len(self.points_))


def _kernel() -> Kernel:
    """Return the kernel of standardised residuals, lengths in units of the spread of the places."""
    field = ConstantKernel(1.0, (1e-4, 1e3)) * Matern(1.0, (1e-3, 1e2), nu=1.5)
    return field + WhiteKernel(0.1, (1e-6, 1e1))


__all__ = ["GaussianProcess"]
