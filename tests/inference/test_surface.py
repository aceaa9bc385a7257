"""The polynomial of a log density, and proposals that it corrects."""

import numpy as np
import pytest
from scipy import special, stats

from bayesgeo.inference.surface import REACH, Corrected, fitted_surface


class Normal:
    """A normal proposal of standard deviation 1.5."""

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return 1.5 * rng.standard_normal((n, 2))

    def log_density(self, points: np.ndarray) -> np.ndarray:
        return stats.norm(scale=1.5).logpdf(points).sum(axis=1)


def bent(points: np.ndarray) -> np.ndarray:
    """A skewed log density that a polynomial of third degree holds only near its mode."""
    x, y = points.T
    return -0.5 * x**2 - 3 * (y - 0.2 * x) - 3 * np.exp(-(y - 0.2 * x))


def learned(n: int = 400) -> tuple[Corrected, np.ndarray]:
    points = Normal().sample(n, np.random.default_rng(0))
    log_weight = bent(points) - Normal().log_density(points)
    surface = fitted_surface(points, bent(points), log_weight, np.zeros(2), 1.5 * np.eye(2))
    assert surface is not None
    return Corrected.of(surface, Normal(), points, log_weight), points


def test_a_cubic_is_found_exactly_and_shifts_do_not_matter() -> None:
    points = np.random.default_rng(0).normal(size=(60, 2))
    cubic = -0.5 * np.sum(points**2, axis=1) + 0.1 * points[:, 0] ** 2 * points[:, 1] + 7.0
    surface = fitted_surface(points, cubic, np.zeros(60), np.array([0.3, -0.2]), np.array([[2.0, 0.0], [1.0, 0.5]]))
    assert surface is not None
    assert surface.degree == 3
    assert surface(points) == pytest.approx(cubic, abs=1e-9)
    assert surface.error < 1e-8


def test_too_few_points_make_no_surface() -> None:
    points = np.random.default_rng(0).normal(size=(6, 3))
    assert fitted_surface(points, np.zeros(6), np.zeros(6), np.zeros(3), np.eye(3)) is None


def test_draws_are_of_the_stated_density() -> None:
    corrected, _ = learned()
    drawn = corrected.sample(40_000, np.random.default_rng(1))
    plain = Normal().sample(400_000, np.random.default_rng(2))
    weights = special.softmax(corrected.log_density(plain) - Normal().log_density(plain))
    for statistic in (lambda x: x[:, 0], lambda x: x[:, 1], lambda x: x[:, 1] ** 2, lambda x: x[:, 0] * x[:, 1]):
        values = statistic(drawn)
        error = values.std() / np.sqrt(len(drawn))
        assert abs(values.mean() - weights @ statistic(plain)) < 6 * error


def test_correction_makes_more_points_effective_and_stays_bounded() -> None:
    corrected, _ = learned()
    rng = np.random.default_rng(3)
    shares = []
    for proposal in (Normal(), corrected):
        points = proposal.sample(4_000, rng)
        weights = special.softmax(bent(points) - proposal.log_density(points))
        shares.append(1 / np.sum(weights**2) / 4_000)
    assert shares[1] > 0.9 > shares[0] + 0.2
    far = np.array([[30.0, -30.0], [-40.0, 0.0]])
    assert np.all(np.abs(corrected.log_density(far) - Normal().log_density(far)) <= REACH)
