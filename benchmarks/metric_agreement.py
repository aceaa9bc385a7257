"""How far the metrics are from scikit-learn, ArviZ, scores and SciPy on what they share.

Prints the largest difference over 100 random problems with ties, rare classes and few draws; exits with 1 if one is
above 1e-10. The tests run the same list. Half a minute.

Run: python benchmarks/metric_agreement.py
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import arviz_stats as az
import numpy as np
import scores.categorical
import scores.continuous
import scores.probability
import sklearn.metrics as skl
import xarray as xr
from scipy import stats

from bayesgeo.metrics import calibration, classification, regression
from bayesgeo.metrics.base import Metric
from bayesgeo.metrics.classification import summarise_classes
from bayesgeo.metrics.decision import RATIOS, expense_rows, value_of
from bayesgeo.metrics.detection import detection
from bayesgeo.metrics.regression import summarise_values
from bayesgeo.metrics.selective import aurc, risk_coverage

PROBLEMS = 100
ALLOWED = 1e-10


@dataclass(frozen=True, eq=False)
class Problem:
    """Predictions and what happened: ``said`` is the most probable class or the mean."""

    predictions: xr.Dataset
    y: np.ndarray
    said: np.ndarray
    draws: xr.DataArray

    @property
    def p(self) -> np.ndarray:
        """Probabilities ``(obs, label)``."""
        return self.predictions["probability"].values

    @property
    def labels(self) -> list[int]:
        """Codes of all classes."""
        return list(range(self.p.shape[1]))

    @property
    def observed(self) -> xr.DataArray:
        """What happened, with its dimension."""
        return xr.DataArray(self.y, dims="obs")

    @property
    def event(self) -> tuple[np.ndarray, np.ndarray]:
        """Probability of an event, and whether it happened."""
        return calibration.event_of(self.p, self.y)

    @property
    def positive(self) -> xr.DataArray:
        """Probability of the positive class, with its dimension."""
        return xr.DataArray(self.p[:, 1], dims="obs")


def classes(seed: int, n_labels: int = 2) -> Problem:
    """Draw class probabilities, rounded so that there are ties; every class happens."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(n_labels, 0.7), size=(1, 3, 60)).round(2) + 1e-3
    draws = xr.DataArray(p / p.sum(axis=-1, keepdims=True), dims=("chain", "draw", "obs", "label"))
    y = np.r_[np.arange(n_labels), rng.choice(n_labels, p=rng.dirichlet(np.ones(n_labels)), size=60 - n_labels)]
    predictions = summarise_classes(draws)
    return Problem(predictions, y, predictions["probability"].values.argmax(axis=1), draws)


def several(seed: int) -> Problem:
    return classes(seed, 3 + seed % 3)


def values(seed: int, decimals: int = 1) -> Problem:
    """Draw values and few draws of them, rounded so that there are ties and some are met exactly."""
    rng = np.random.default_rng(seed)
    center = rng.normal(size=50)
    expected = xr.DataArray(center + 0.5 * rng.normal(size=(1, 40, 50)), dims=("chain", "draw", "obs"))
    response = (expected + rng.normal(size=expected.shape)).round(decimals)
    y = (center + rng.normal(size=50)).round(decimals)
    density = expected.copy(data=stats.norm.logpdf(y, expected, 1.0))
    predictions = summarise_values(xr.Dataset({"expected": expected, "sigma": 1.0}), response, density, y)
    return Problem(predictions, y, predictions["mean"].values, response)


def untied(seed: int) -> Problem:
    """Draw values that no quantile meets: whether one that is met counts as covered hangs on its last bit."""
    return values(seed, decimals=12)


Side = Callable[[Problem], Any]


@dataclass(frozen=True)
class Agreement:
    """One definition, computed by us and by another."""

    problem: Callable[[int], Problem]
    library: str
    ours: Side
    theirs: Side

    def difference(self, seed: int) -> float:
        """Return the largest difference on one problem; both must be NaN in the same places."""
        problem = self.problem(seed)
        ours, theirs = np.asarray(self.ours(problem), float), np.asarray(self.theirs(problem), float)
        assert ours.shape == theirs.shape
        assert np.array_equal(np.isnan(ours), np.isnan(theirs))
        return float(np.nanmax(np.abs(ours - theirs), initial=0.0))


def of(metric: Metric) -> Side:
    return lambda problem: metric(problem.predictions, problem.y)


def labelled(function: Callable[..., float], **options: Any) -> Side:
    return lambda problem: function(problem.y, problem.said, **options)


def arviz(kind: str) -> Side:
    def theirs(problem: Problem) -> float:
        predicted = xr.DataArray(problem.said[None, None], dims=("chain", "draw", "obs"))
        groups = {"observed_data": {"y": ("obs", problem.y)}, "posterior_predictive": {"y": predicted}}
        tree = xr.DataTree.from_dict({name: xr.Dataset(group) for name, group in groups.items()})
        return az.metrics(tree, kind=kind, sample_dims=["chain", "draw"], round_to="none").mean

    return theirs


def decomposed(score: str) -> Side:
    def ours(problem: Problem) -> list[float]:
        parts = calibration.decompose(*problem.event, score=score)
        return [parts.miscalibration, parts.discrimination, parts.uncertainty]

    return ours


def decomposed_by_scores(loss: Callable[..., float]) -> Side:
    def theirs(problem: Problem) -> list[float]:
        said, happened = problem.event
        fit = scores.probability.isotonic_fit(said, happened.astype(float))["regression_func"](said)
        overall = np.full(len(said), happened.mean())
        own, best, base = (loss(happened, p) for p in (said, fit, overall))
        return [own - best, base - best, base]

    return theirs


def economic_value(problem: Problem) -> np.ndarray:
    return value_of(expense_rows(problem.p[:, 1], problem.y == 1, RATIOS).mean(axis=0), RATIOS)


def economic_value_by_scores(problem: Problem) -> np.ndarray:
    found = scores.probability.relative_economic_value(
        problem.positive, problem.observed, cost_loss_ratios=RATIOS, probability_thresholds=RATIOS
    )
    return np.diagonal(found.transpose("probability_threshold", "cost_loss_ratio").values)


def winkler(prob: float) -> Side:
    def theirs(problem: Problem) -> float:
        low, high = (problem.predictions[name].sel(prob=prob) for name in ("interval_low", "interval_high"))
        return float(scores.continuous.interval_score(low, high, problem.observed, prob)["total"])

    return theirs


def covered(prob: float) -> Side:
    def theirs(problem: Problem) -> float:
        draws = problem.draws.values.reshape(-1, len(problem.y))
        low, high = stats.mstats.mquantiles(draws, [(1 - prob) / 2, (1 + prob) / 2], axis=0, alphap=1, betap=1)
        return float(np.mean((low <= problem.y) & (problem.y <= high)))

    return theirs


def mean_pit(problem: Problem) -> float:
    ensemble = problem.draws.stack(member=("chain", "draw")).drop_vars(["member", "chain", "draw"])
    return float(scores.probability.Pit(ensemble, problem.observed, ensemble_member_dim="member").expected_value())


def by_quadrature(problem: Problem) -> float:
    """Compute the CRPS as the integral of the squared error of the distribution function, exactly: it has steps."""
    total = 0.0
    for draws, y in zip(problem.draws.values.reshape(-1, len(problem.y)).T, problem.y, strict=True):
        knots = np.unique(np.append(draws, y))
        below = (draws[:, None] <= knots[:-1]).mean(axis=0)
        total += ((below - (y <= knots[:-1])) ** 2 * np.diff(knots)).sum()
    return total / len(problem.y)


def selective_ours(problem: Problem) -> float:
    return float(aurc(*risk_coverage(np.abs(problem.said - problem.y), problem.predictions["epistemic"].values)))


def selective_by_hand(problem: Problem) -> float:
    loss, rank = np.abs(problem.said - problem.y), problem.predictions["epistemic"].values
    return float(np.mean([loss[rank <= threshold].mean() for threshold in rank]))


def parted(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    uncertainty = 1 - problem.p.max(axis=1)
    return uncertainty[problem.y == 0], uncertainty[problem.y != 0]


def detected(problem: Problem) -> float:
    return detection(*parted(problem)).auroc


def detected_by_scikit_learn(problem: Problem) -> float:
    return skl.roc_auc_score(problem.y != 0, 1 - problem.p.max(axis=1))


def multiclass_precision(problem: Problem) -> float:
    return skl.average_precision_score(np.eye(len(problem.labels))[problem.y], problem.p, average="macro")


def multiclass_brier(problem: Problem) -> float:
    return skl.brier_score_loss(problem.y, problem.p, labels=problem.labels)


def reports(problem: Callable[[int], Problem], average: str) -> dict[str, Agreement]:
    """List the scores that have one definition for two classes and one for more."""
    shared = {"average": average, "zero_division": 0}
    return {
        "accuracy": Agreement(problem, "scikit-learn", of(classification.accuracy), labelled(skl.accuracy_score)),
        "balanced_accuracy": Agreement(
            problem, "scikit-learn", of(classification.balanced_accuracy), labelled(skl.balanced_accuracy_score)
        ),
        "matthews_corrcoef": Agreement(
            problem, "scikit-learn", of(classification.matthews_corrcoef), labelled(skl.matthews_corrcoef)
        ),
        "precision": Agreement(
            problem, "scikit-learn", of(classification.precision), labelled(skl.precision_score, **shared)
        ),
        "recall": Agreement(problem, "scikit-learn", of(classification.recall), labelled(skl.recall_score, **shared)),
        "f1": Agreement(problem, "scikit-learn", of(classification.f1), labelled(skl.f1_score, **shared)),
        "log_loss": Agreement(
            problem,
            "scikit-learn",
            of(classification.log_loss),
            lambda case: skl.log_loss(case.y, case.p, labels=case.labels),
        ),
        "log loss decomposition": Agreement(
            problem,
            "scores",
            decomposed("log_loss"),
            decomposed_by_scores(lambda y, p: skl.log_loss(y, p, labels=[0, 1])),
        ),
        "Brier decomposition": Agreement(
            problem, "scores", decomposed("brier_score"), decomposed_by_scores(lambda y, p: np.mean((p - y) ** 2))
        ),
    }


TWO, MORE = reports(classes, "binary"), reports(several, "macro")
REFERENCES: dict[str, Agreement] = {
    **{f"{name}, two classes": case for name, case in TWO.items()},
    **{f"{name}, more classes": case for name, case in MORE.items()},
    "accuracy (ArviZ)": Agreement(classes, "ArviZ", of(classification.accuracy), arviz("acc")),
    "balanced_accuracy (ArviZ)": Agreement(
        classes, "ArviZ", of(classification.balanced_accuracy), arviz("acc_balanced")
    ),
    "brier_score, two classes": Agreement(
        classes, "scikit-learn", of(classification.brier_score), lambda case: skl.brier_score_loss(case.y, case.p[:, 1])
    ),
    "brier_score, more classes": Agreement(several, "scikit-learn", of(classification.brier_score), multiclass_brier),
    "brier_score (scores)": Agreement(
        classes,
        "scores",
        of(classification.brier_score),
        lambda case: scores.probability.brier_score(case.positive, case.observed),
    ),
    "roc_auc, two classes": Agreement(
        classes, "scikit-learn", of(classification.roc_auc), lambda case: skl.roc_auc_score(case.y, case.p[:, 1])
    ),
    "roc_auc, more classes": Agreement(
        several,
        "scikit-learn",
        of(classification.roc_auc),
        lambda case: skl.roc_auc_score(case.y, case.p, multi_class="ovr", average="macro"),
    ),
    "roc_auc (scores)": Agreement(
        classes,
        "scores",
        of(classification.roc_auc),
        lambda case: scores.probability.roc_auc(case.positive, case.observed),
    ),
    "average_precision, two classes": Agreement(
        classes,
        "scikit-learn",
        of(classification.average_precision),
        lambda case: skl.average_precision_score(case.y, case.p[:, 1]),
    ),
    "average_precision, more classes": Agreement(
        several, "scikit-learn", of(classification.average_precision), multiclass_precision
    ),
    "relative economic value": Agreement(classes, "scores", economic_value, economic_value_by_scores),
    "detection AUROC": Agreement(classes, "scikit-learn", detected, detected_by_scikit_learn),
    "AURC": Agreement(values, "by hand", selective_ours, selective_by_hand),
    "rmse": Agreement(values, "scikit-learn", of(regression.rmse), labelled(skl.root_mean_squared_error)),
    "rmse (ArviZ)": Agreement(values, "ArviZ", of(regression.rmse), arviz("rmse")),
    "mae": Agreement(values, "scikit-learn", of(regression.mae), labelled(skl.mean_absolute_error)),
    "mae (ArviZ)": Agreement(values, "ArviZ", of(regression.mae), arviz("mae")),
    "crps": Agreement(values, "by hand", of(regression.crps), by_quadrature),
    "mean PIT": Agreement(values, "scores", lambda case: case.predictions["pit"].mean(), mean_pit),
    **{
        f"interval_score_{prob:.0%}"[:-1]: Agreement(
            values, "scores", of(getattr(regression, f"interval_score_{100 * prob:.0f}")), winkler(prob)
        )
        for prob in regression.PROBS
    },
    **{
        f"coverage_{prob:.0%}"[:-1]: Agreement(
            untied, "SciPy", of(getattr(regression, f"coverage_{100 * prob:.0f}")), covered(prob)
        )
        for prob in regression.PROBS
    },
}


def main() -> None:
    worst = 0.0
    for name, case in REFERENCES.items():
        largest = max(case.difference(seed) for seed in range(PROBLEMS))
        worst = max(worst, largest)
        print(f"{name:40} {case.library:14} {largest:.1e}", flush=True)
    print(f"{len(REFERENCES)} definitions, {PROBLEMS} problems each, largest difference {worst:.1e}")
    sys.exit(worst > ALLOWED)


if __name__ == "__main__":
    main()
