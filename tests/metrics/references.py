"""Other implementations of the metrics: scikit-learn, ArviZ, scores, SciPy, and sums by hand.

``python tests/metrics/references.py`` prints the largest difference over 100 random problems with ties, rare classes
and few draws, and exits with 1 if one is above 1e-10. Half a minute. The tests run the same list on fewer problems.
"""

import sys
from collections.abc import Callable
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
from bayesgeo.metrics.decision import RATIOS, expense_rows, value_of
from bayesgeo.metrics.detection import ood_detection
from bayesgeo.metrics.selective import aurc, risk_coverage
from bayesgeo.testing.predictions import (
    ALLOWED,
    PROBLEMS,
    Agreement,
    Problem,
    Side,
    classes,
    of,
    parted,
    several,
    untied,
    values,
)


def labelled(function: Callable[..., float], **options: Any) -> Side:
    return lambda problem: function(problem.y, problem.predicted, **options)


def arviz(kind: str) -> Side:
    def theirs(problem: Problem) -> float:
        predicted = xr.DataArray(problem.predicted[None, None], dims=("chain", "draw", "obs"))
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
        predicted, happened = problem.event
        fit = scores.probability.isotonic_fit(predicted, happened.astype(float))["regression_func"](predicted)
        overall = np.full(len(predicted), happened.mean())
        own, best, base = (loss(happened, p) for p in (predicted, fit, overall))
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
    return float(aurc(*risk_coverage(np.abs(problem.predicted - problem.y), problem.predictions["epistemic"].values)))


def selective_by_hand(problem: Problem) -> float:
    loss, rank = np.abs(problem.predicted - problem.y), problem.predictions["epistemic"].values
    return float(np.mean([loss[rank <= threshold].mean() for threshold in rank]))


def detected(problem: Problem) -> float:
    return ood_detection(*parted(problem)).auroc


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
        print(f"{name:40} {case.library:14} {largest:.1e}", flush=True)  # noqa: T201
    print(f"{len(REFERENCES)} definitions, {PROBLEMS} problems each, largest difference {worst:.1e}")  # noqa: T201
    sys.exit(worst > ALLOWED)


if __name__ == "__main__":
    main()
