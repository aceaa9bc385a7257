"""How far the metrics are from those of torch-uncertainty on what the two share.

Prints the largest difference over 100 random problems; exits with 1 if one is above 1e-10, or above 1e-7 where theirs
is computed in single precision whatever PyTorch is set to. Needs torch-uncertainty, which is no dependency of ours.
What has another definition there is left out: the area under its risk-coverage curve is by trapezoids over rows in the
order in which they stand.

Run: python benchmarks/torch_uncertainty_agreement.py
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch_uncertainty.metrics import classification as theirs
from torch_uncertainty.metrics import regression as theirs_of_values

from bayesgeo.metrics import classification, regression
from bayesgeo.metrics.detection import ood_detection
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

IN_SINGLE, SINGLE = ("calibration_error", "coverage"), 1e-7


def measured(metric: Callable[..., Any], *inputs: Callable[[Problem], Any], **settings: Any) -> Side:
    """Update one of their metrics with tensors made from a problem, and compute it."""

    def side(problem: Problem) -> np.ndarray:
        found = metric(**{name: value(problem) if callable(value) else value for name, value in settings.items()})
        found.update(*(torch.as_tensor(make(problem)) for make in inputs))
        return found.compute().numpy()

    return side


def by_estimator(problem: Problem) -> np.ndarray:
    return problem.draws.stack(estimator=("chain", "draw")).transpose("obs", "estimator", "label").values


def ends(prob: float) -> list[Callable[[Problem], Any]]:
    low, high = (
        (lambda p, n=name: p.predictions[n].sel(prob=prob).values) for name in ("interval_low", "interval_high")
    )
    return [low, high, lambda problem: problem.y]


def p(problem: Problem) -> np.ndarray:
    return problem.p


def y(problem: Problem) -> np.ndarray:
    return problem.y


def n_labels(problem: Problem) -> int:
    return len(problem.labels)


def doubt(problem: Problem) -> np.ndarray:
    return np.concatenate(parted(problem))


def foreign(problem: Problem) -> np.ndarray:
    familiar, strange = parted(problem)
    return np.repeat([0, 1], [len(familiar), len(strange)])


def row(name: str) -> Side:
    return lambda problem: problem.predictions[name].values


REFERENCES = {
    "log_loss": Agreement(several, "", of(classification.log_loss), measured(theirs.CategoricalNLL, p, y)),
    "brier_score": Agreement(
        several, "", of(classification.brier_score), measured(theirs.BrierScore, p, y, num_classes=n_labels)
    ),
    "calibration_error": Agreement(
        several,
        "",
        of(classification.calibration_error),
        measured(theirs.CalibrationError, p, y, task="multiclass", num_bins=10, num_classes=n_labels),
    ),
    "aleatoric entropy": Agreement(
        several, "", row("aleatoric"), measured(theirs.Entropy, by_estimator, reduction="none")
    ),
    "mutual information": Agreement(
        several, "", row("epistemic"), measured(theirs.MutualInformation, by_estimator, reduction="none")
    ),
    "fpr95": Agreement(
        classes,
        "",
        lambda case: ood_detection(*parted(case)).fpr95,
        measured(theirs.FPR95, lambda case: -doubt(case), foreign, pos_label=0),
    ),
    **{
        f"interval_score_{100 * prob:.0f}": Agreement(
            values,
            "",
            of(getattr(regression, f"interval_score_{100 * prob:.0f}")),
            measured(theirs_of_values.IntervalScore, *ends(prob), coverage=prob),
        )
        for prob in regression.PROBS
    },
    **{
        f"coverage_{100 * prob:.0f}": Agreement(
            untied,
            "",
            of(getattr(regression, f"coverage_{100 * prob:.0f}")),
            measured(theirs_of_values.IntervalCoverage, *ends(prob)),
        )
        for prob in regression.PROBS
    },
}


def main() -> None:
    torch.set_default_dtype(torch.float64)
    beyond = []
    for name, case in REFERENCES.items():
        largest = max(case.difference(seed) for seed in range(PROBLEMS))
        single = name.startswith(IN_SINGLE)
        print(f"{name:24} {largest:.1e}{'  (single precision there)' if single else ''}", flush=True)
        if largest > (SINGLE if single else ALLOWED):
            beyond.append(name)
    print(f"{len(REFERENCES)} definitions, {PROBLEMS} problems each; beyond what is allowed: {beyond or 'none'}")
    sys.exit(bool(beyond))


if __name__ == "__main__":
    main()
