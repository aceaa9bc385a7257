"""Distil a large ensemble into a small network: size, speed and calibration on the same test rows.

Earthquakes and quarry blasts at sites without training rows. A deep ensemble is the teacher; it is calibrated on
held-out rows, and compact students are trained on its predictions and their uncertainty. The same compact network,
trained on labels alone, is the reference. The figure shows loss, calibration and latency by size.

    python workflows/05_teacher_and_student.py [output folder]
"""

import sys
import time
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.ticker import LogLocator, NullLocator

import bayesgeo as bg
from bayesgeo.metrics.classification import accuracy, calibration_error, log_loss
from bayesgeo.models.networks.ensemble import DeepEnsembleClassifier
from bayesgeo.models.students.file import save_student
from bayesgeo.models.students.students import distill
from bayesgeo.models.wrappers.temperature import tempered

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/teacher_and_student")
SEED, MEMBERS, BATCH = 0, 8, 20_000
SIZES = ((2,), (4,), (8,), (16,), (16, 16), (32, 32))
STUDENT = (16,)  # the size that is compared with the teacher
MARKERS = "sx^+D"  # shapes that remain visible when they overlap


def numbers_in(fitted) -> int:
    """Return how many weights and biases a network holds."""
    return sum(values.size for values in fitted.weights_.values())


def score(name: str, predict, rows: bg.Dataset, size: int) -> dict:
    """Score probabilities on test rows, and time them on as many as make a batch."""
    many, times = rows.X[np.resize(np.arange(rows.n_rows), BATCH)], []
    for _ in range(5):
        begun = time.perf_counter()
        predict(many)
        times.append(time.perf_counter() - begun)
    predictions = xr.Dataset({"probability": (("obs", "label"), predict(rows.X))})
    scores = {metric.name: metric(predictions, rows.y.values) for metric in (accuracy, log_loss, calibration_error)}
    return {"name": name, **scores, "size": size, "microseconds": 1e6 * min(times) / BATCH}


def print_line(line: dict) -> None:
    """Print one line of the table."""
    print(
        f"{line['name']:34}{line['accuracy']:9.4f}{line['log_loss']:10.4f}{line['calibration_error']:13.4f}"
        f"{line['size']:9,}{line['microseconds']:12.1f}"
    )


def draw_figure(lines: list[dict], sweep: list[dict], out: Path) -> None:
    """Draw log loss, calibration and latency against size; the students of growing size are the curve."""
    panels = {"log_loss": "log loss (nats)", "calibration_error": "calibration error", "microseconds": "μs a row"}
    figure, axes = plt.subplots(1, len(panels), figsize=(10, 3.6), layout="constrained")
    for panel, (score_name, label) in zip(axes, panels.items(), strict=True):
        panel.plot([s["size"] for s in sweep], [s[score_name] for s in sweep], "o-", color="0.6", label="students")
        for line, marker in zip(lines, MARKERS, strict=True):
            panel.plot(line["size"], line[score_name], marker, markersize=8, label=line["name"])
        panel.set(xscale="log", xlabel="numbers in the model", ylabel=label)
    axes[-1].set_yscale("log")
    axes[-1].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes[-1].yaxis.set_major_formatter("{x:g}")
    axes[-1].yaxis.set_minor_locator(NullLocator())
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    figure.savefig(out / "teacher_and_student.png", dpi=120)
    figure.savefig(out / "teacher_and_student.svg")


def main() -> None:
    mpl.use("Agg")
    OUT.mkdir(parents=True, exist_ok=True)

    # 1. Sites for training, sites for calibration, sites for the test.
    events = bg.load("seismic_events")
    train, test = (events.rows(rows) for rows in bg.split(events, seed=SEED).folds[0])
    sites = np.unique(train.group)
    held_out = np.flatnonzero(train.group.isin(sites[::5]))
    taught = train.rows(np.setdiff1d(np.arange(train.n_rows), held_out))
    print(f"{taught.n_rows} training rows, {len(held_out)} for calibration, {test.n_rows} for the test")

    # 2. The teacher: many networks; their disagreement is its epistemic uncertainty.
    teacher = DeepEnsembleClassifier(bg.MLPClassifier((64, 64)), members=MEMBERS, random_state=SEED)
    teacher.fit(taught.X, taught.y.values, groups=taught.group.values)

    # 3. Its students, and the same network without a teacher, trained on the teacher's labels.
    known = {"groups": train.group.values, "transfer": 4, "max_epochs": 100, "random_state": SEED}
    asked = (teacher, train.X, train.y.values)
    students = {size: distill(*asked, held_out=held_out, hidden=size, **known) for size in SIZES}
    untempered = distill(*asked, hidden=STUDENT, **known)
    alone = bg.MLPClassifier(STUDENT, random_state=SEED).fit(taught.X, taught.y.values, groups=taught.group.values)
    student, temperature = students[STUDENT], students[STUDENT].correction_
    print(f"Temperature of the teacher: {temperature:.2f}")

    # 4. The scores of each.
    weights = numbers_in(teacher)
    print(f"{'':34}{'accuracy':>9}{'log loss':>10}{'calibration':>13}{'numbers':>9}{'μs a row':>12}")
    lines = [
        score("teacher", teacher.predict_proba, test, weights),
        score("calibrated teacher", lambda X: tempered(teacher.predict_proba(X), temperature), test, weights),
        score("student of the calibrated teacher", student.predict_proba, test, numbers_in(student)),
        score("student of the raw teacher", untempered.predict_proba, test, numbers_in(untempered)),
        score("same network, labels only", alone.predict_proba, test, numbers_in(alone)),
    ]
    sweep = [score(f"student {size}", s.predict_proba, test, numbers_in(s)) for size, s in students.items()]
    for line in (*lines, *sweep):
        print_line(line)

    # 5. One small file, and the figure.
    file = save_student(student, OUT / "student.safetensors")
    print(f"{file}: {file.stat().st_size:,} bytes")
    draw_figure(lines, sweep, OUT)
    print(f"Figure: {OUT / 'teacher_and_student.png'}")


if __name__ == "__main__":
    main()
