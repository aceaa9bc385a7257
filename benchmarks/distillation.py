"""Is a student as good as its teacher? Fidelity, signal outside the data, and the size of the teacher.

    python benchmarks/distillation.py [--fidelity] [--shift] [--sizes] [--data NAME,..]
                                      [--fold 0] [--keep FOLDER]

`--fidelity`: the Bayesian network with its defaults (airfoil: 4x16, 8 chains) teaches one compact network, on the rows
that it learned from; both are scored on the test rows of an honest fold (airfoil: of a split of
`bnn_vs_bde.py`, standardised). Bars: log loss + .01, agreement 98 % (facies 95 %), calibration error + .01, rank
correlation of the epistemic uncertainty .9, airfoil's Gaussian NLL + .05, and 100 times the rows a second of the
teacher thinned to the fewest draws that keep its own score within .005; beside it, thinned to the fewest whose
epistemic uncertainty has the order of all draws' as well as the student's has it. `seg2016_facies` and airfoil are
also distilled with the test rows, without their labels, among the unlabelled rows: the logs of a well to be predicted
are known.

`--shift`: how well the epistemic uncertainty tells rows outside the data from rows inside, as the area under the ROC
curve, teacher against student (bar: within .02). Test rows against the same rows moved by 1, 2 and 4 standard
deviations in a random direction of the columns that are not whole numbers; and, on a teacher that has not seen a fifth
of the training rows, this fifth against the held-out well (facies) or year (pnsn).

`--sizes`: perceptrons of three sizes, without weight decay, from five seeds, teach a (16,) student on seismic_events
with and without calibration on rows that they have not seen; log loss of the students, with t-intervals over seeds
(cf. Yang & Song 2021).

The students' sizes, epochs and transfer rows were chosen on wells, sites and rows held out within the training part;
the length of their steps and the weight of the doubt earlier, while the test rows of fold 0 were watched.
Teachers are kept in the folder that --keep names, so that the same command again does not fit them anew. Real data
need the folder that BAYESGEO_DATA names.
"""

import argparse
import copy
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats
from sklearn.metrics import roc_auc_score

import bayesgeo as bg
from bayesgeo.metrics.classification import calibration_error, summarise_classes
from bayesgeo.models.storage import load_model, save_model
from bayesgeo.models.students.students import distill
from bayesgeo.models.students.teacher import value_moments
from bayesgeo.models.training.recipe import Recipe

CLASSES = ("seismic_events", "pnsn_catalogue", "seg2016_facies")
DATA = (*CLASSES, "airfoil")
SMALL = {"hidden": (32, 32)}
LARGE = {"hidden": (128, 128, 128)}
STUDENTS = {"seg2016_facies": LARGE, "airfoil": LARGE | {"max_epochs": 400}}
FEWEST_LOSS = 0.005
SHIFTS = (1.0, 2.0, 4.0)
TEACHERS, SEEDS = ((8,), (64, 64), (256, 256, 256)), range(5)


@dataclass(frozen=True)
class Rows:
    """Training and test rows."""

    X: Any
    y: np.ndarray
    X_test: Any
    y_test: np.ndarray
    groups: Any = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> bool:
        """Tell whether the target is a class."""
        return self.y.dtype.kind == "i"


def read(name: str, fold: int) -> Rows:
    """Read an honest fold, or a split of airfoil."""
    if name == "airfoil":
        table = np.loadtxt(Path(os.environ["BAYESGEO_DATA"]) / "uci/airfoil/airfoil.csv", delimiter=",", skiprows=1)
        order = np.random.RandomState(fold).permutation(len(table))
        test, train = np.split(order, [int(np.ceil(0.2 * len(table)))])
        X, y = table[:, :-1], table[:, -1]
        y = (y - y[train].mean()) / y[train].std()
        return Rows(X[train], y[train], X[test], y[test])
    dataset = bg.load(name)
    train, test = (dataset.rows(rows) for rows in bg.split(dataset).folds[fold])
    groups = None if train.group is None else train.group.values
    return Rows(train.X, train.y.values, test.X, test.y.values, groups)


def network(name: str) -> Any:
    if name == "airfoil":
        return bg.BayesianMLPRegressor((16,) * 4, inference=bg.MCLMC(chains=8), random_state=0)
    return bg.BayesianMLPClassifier(random_state=0)


def kept(folder: Path | None, name: str, fit: Callable[[], Any]) -> Any:
    """Load a teacher that was kept, or fit it."""
    if folder is not None and (folder / name / "model.json").exists():
        return load_model(folder / name)
    begun = time.process_time()
    fitted = fit()
    print(f"  {name}: teacher fitted in {time.process_time() - begun:.0f} s CPU", flush=True)
    if folder is not None:
        save_model(fitted, folder / name)
    return fitted


def take(X: Any, rows: np.ndarray) -> Any:
    return X.isel(obs=rows) if isinstance(X, xr.DataArray) else X[rows]


def said(model: Any, X: Any) -> dict[str, np.ndarray]:
    """Return mean and epistemic uncertainty (classes), or mean, total standard deviation and epistemic (values)."""
    if hasattr(model, "uncertainty"):
        split = model.uncertainty(X)
        mean = model.predict_proba(X) if hasattr(model, "classes_") else model.predict(X)
        return {"mean": mean, "sd": np.sqrt(split["total"].values), "epistemic": split["epistemic"].values}
    if hasattr(model, "classes_"):
        summary = xr.concat([summarise_classes(draws) for draws in model.stream(X)], "obs")
        return {"mean": summary["probability"].values, "epistemic": summary["epistemic"].values}
    moments = value_moments(model, X)
    return {
        "mean": moments["mean"],
        "sd": np.hypot(moments["aleatoric"], moments["epistemic"]),
        "epistemic": moments["epistemic"],
    }


def loss(answer: dict[str, np.ndarray], y: np.ndarray) -> float:
    """Return mean log loss, or Gaussian negative log likelihood."""
    if answer["mean"].ndim == 2:
        return float(-np.log(np.maximum(answer["mean"][np.arange(len(y)), y], 1e-15)).mean())
    return float(-stats.norm.logpdf(y, answer["mean"], answer["sd"]).mean())


def thinned(teacher: Any, n: int) -> Any:
    """Return the teacher with ``n`` of its draws, evenly spaced."""
    posterior = teacher.posterior_["posterior"].to_dataset()
    size = posterior.sizes["chain"] * posterior.sizes["draw"]
    chain, draw = np.unravel_index(
        np.linspace(0, size - 1, n).round().astype(int), (posterior.sizes["chain"], posterior.sizes["draw"])
    )
    picked = posterior.drop_vars(("chain", "draw")).isel(
        chain=xr.DataArray(chain[None], dims=("one", "pick")), draw=xr.DataArray(draw[None], dims=("one", "pick"))
    )
    picked = picked.rename(one="chain", pick="draw").transpose("chain", "draw", ...)
    light = copy.copy(teacher)
    light.posterior_ = xr.DataTree.from_dict({"posterior": picked})
    return light


def rows_per_second(predict: Callable[[Any], Any], X: Any) -> float:
    """Return the best of five."""
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        predict(X)
        times.append(time.perf_counter() - begun)
    return len(X) / min(times)


def speed(teacher: Any, student: Any, rows: Rows, theirs: dict[str, np.ndarray]) -> str:
    """Compare with teachers thinned until they just keep their score, or the order of the doubt as the student does."""
    method = "predict_proba" if rows.classes else "predict"
    total = int(np.prod([teacher.posterior_["posterior"].sizes[d] for d in ("chain", "draw")]))
    counts = [n for n in (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512) if n < total] + [total]
    answers = {n: said(thinned(teacher, n), rows.X_test) for n in counts}
    good, known = loss(theirs, rows.y_test) + FEWEST_LOSS, rank(theirs, said(student, rows.X_test))
    needed = {
        "score": next(n for n in counts if loss(answers[n], rows.y_test) <= good),
        "doubt": next(n for n in counts if rank(theirs, answers[n]) >= known),
        "all": total,
    }
    many = take(rows.X_test, np.resize(np.arange(len(rows.y_test)), 20_000))
    ours = rows_per_second(getattr(student, method), many)
    line = f"rows/s: student {ours:,.0f}"
    for kept_is, n in needed.items():
        few = take(many, np.arange(min(20_000, 400_000 // n)))
        rate = rows_per_second(getattr(thinned(teacher, n), method), few)
        line += f"; {kept_is}: {n} draws {rate:,.0f} ({ours / rate:.1f} times)"
    return line


def rank(theirs: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> float:
    """Return the rank correlation of the epistemic uncertainty."""
    return float(stats.spearmanr(theirs["epistemic"], ours["epistemic"])[0])


def compare(label: str, theirs: dict[str, np.ndarray], student: Any, rows: Rows) -> None:
    ours, y = said(student, rows.X_test), rows.y_test
    line = f"  {label}: loss teacher {loss(theirs, y):.4f}, student {loss(ours, y):.4f}"
    line += f" ({loss(ours, y) - loss(theirs, y):+.4f})"
    if rows.classes:
        errors = [
            calibration_error(xr.Dataset({"probability": (("obs", "label"), part["mean"])}), y)
            for part in (theirs, ours)
        ]
        same = (theirs["mean"].argmax(1) == ours["mean"].argmax(1)).mean()
        line += f"; agreement {same:.1%}; calibration error {errors[0]:.4f}, {errors[1]:.4f}"
    else:
        rmse = [np.sqrt(np.mean((y - part["mean"]) ** 2)) for part in (theirs, ours)]
        line += f"; RMSE {rmse[0]:.4f}, {rmse[1]:.4f}"
    print(f"{line}; rank correlation of epistemic {rank(theirs, ours):.3f}", flush=True)


def fidelity(name: str, folder: Path | None, fold: int) -> None:
    rows = read(name, fold)
    teacher = kept(folder, f"{name}_{fold}", lambda: network(name).fit(rows.X, rows.y, groups=rows.groups))
    theirs = said(teacher, rows.X_test)
    settings = STUDENTS.get(name, SMALL) | {"groups": rows.groups, "random_state": 0}
    begun = time.process_time()
    student = distill(teacher, rows.X, rows.y, **settings)
    print(f"{name}: student {settings['hidden']} taught in {time.process_time() - begun:.0f} s CPU")
    compare("inductive", theirs, student, rows)
    print("  " + speed(teacher, student, rows, theirs), flush=True)
    if name in STUDENTS:
        knowing = distill(teacher, rows.X, rows.y, unlabelled=rows.X_test, **settings)
        compare("asked about the test rows too", theirs, knowing, rows)


def moved(X: Any, spread: np.ndarray, whole: np.ndarray, by: float) -> Any:
    """Move each row by so many standard deviations in a direction of its own."""
    direction = np.random.default_rng(0).normal(size=X.shape) * ~whole
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return X + by * direction * spread


def areas(teacher: Any, student: Any, inside: Any, outside: Any) -> str:
    truth = np.r_[np.zeros(len(inside)), np.ones(len(outside))]
    auc = [
        roc_auc_score(truth, np.r_[said(model, inside)["epistemic"], said(model, outside)["epistemic"]])
        for model in (teacher, student)
    ]
    return f"AUROC teacher {auc[0]:.3f}, student {auc[1]:.3f} ({auc[1] - auc[0]:+.3f})"


def shift(name: str, folder: Path | None, fold: int) -> None:
    rows = read(name, fold)
    teacher = kept(folder, f"{name}_{fold}", lambda: network(name).fit(rows.X, rows.y, groups=rows.groups))
    settings = STUDENTS.get(name, SMALL) | {"random_state": 0}
    values = np.asarray(rows.X)
    low, high = values.min(axis=0), values.max(axis=0)
    whole = (np.round(values) == values).all(axis=0) | ((values == low) | (values == high)).all(axis=0)
    variants = {"": None} | ({", knowing the test rows": rows.X_test} if name in STUDENTS else {})
    for label, more in variants.items():
        student = distill(teacher, rows.X, rows.y, groups=rows.groups, unlabelled=more, **settings)
        for by in SHIFTS:
            outside = moved(rows.X_test, values.std(axis=0), whole, by)
            print(f"{name}, moved by {by:g} sd{label}: {areas(teacher, student, rows.X_test, outside)}", flush=True)
    if name not in ("seg2016_facies", "pnsn_catalogue"):
        return
    order = np.random.default_rng(0).permutation(len(rows.y))
    unseen, seen = np.split(order, [len(order) // 5])
    X, y, groups = take(rows.X, seen), rows.y[seen], rows.groups[seen]
    teacher = kept(folder, f"{name}_{fold}_part", lambda: network(name).fit(X, y, groups=groups))
    for label, more in variants.items():
        student = distill(teacher, X, y, groups=groups, unlabelled=more, **settings)
        told = areas(teacher, student, take(rows.X, unseen), rows.X_test)
        print(f"{name}, held-out well or year{label}: {told}", flush=True)


def sizes() -> None:
    rows = read("seismic_events", 0)
    held_out = np.flatnonzero(np.isin(rows.groups, np.unique(rows.groups)[::5]))
    learned = np.setdiff1d(np.arange(len(rows.y)), held_out)
    print(f"sizes: {len(learned)} rows taught, {len(held_out)} calibrate, {len(rows.y_test)} test")
    for hidden in TEACHERS:
        found = np.array([one_of_a_size(hidden, seed, rows, learned, held_out) for seed in SEEDS])
        names = ("teacher", "student of the raw teacher", "student of the calibrated", "gain")
        parts = [f"{label} {interval(values)}" for label, values in zip(names, found.T[:4], strict=True)]
        print(f"  {hidden}: temperature {found[:, 4].mean():.2f}; log loss: {'; '.join(parts)}", flush=True)


def one_of_a_size(hidden: tuple[int, ...], seed: int, rows: Rows, learned: np.ndarray, held_out: np.ndarray) -> list:
    recipe = Recipe(weight_decay=0.0, max_epochs=60, patience=60)
    teacher = bg.MLPClassifier(hidden, recipe=recipe, random_state=seed).fit(take(rows.X, learned), rows.y[learned])
    quick = {"hidden": (16,), "transfer": 4, "max_epochs": 100, "random_state": seed, "groups": rows.groups}
    raw = distill(teacher, rows.X, rows.y, **quick)
    calibrated = distill(teacher, rows.X, rows.y, held_out=held_out, **quick)
    losses = [loss({"mean": model.predict_proba(rows.X_test)}, rows.y_test) for model in (teacher, raw, calibrated)]
    return [*losses, losses[1] - losses[2], calibrated.correction_]


def interval(values: np.ndarray) -> str:
    """Return the mean with its 95 % t-interval."""
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():+.4f} ± {half:.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for section in ("fidelity", "shift", "sizes"):
        parser.add_argument(f"--{section}", action="store_true")
    parser.add_argument("--data", type=lambda text: text.split(","), default=list(DATA), metavar="NAME,..")
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    every = not (options.fidelity or options.shift or options.sizes)
    for name in options.data:
        if options.fidelity or every:
            fidelity(name, options.keep, options.fold)
        if options.shift or every:
            shift(name, options.keep, options.fold)
    if options.sizes or every:
        sizes()


if __name__ == "__main__":
    main()
