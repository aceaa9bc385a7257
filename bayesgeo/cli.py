"""The command line: ``bayesgeo datasets | check | compare | report | predict | map | distill``."""

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from bayesgeo import __version__
from bayesgeo._check import InvalidInput, invalid

if TYPE_CHECKING:
    from bayesgeo.datasets.base import Dataset
    from bayesgeo.datasets.split import Split
    from bayesgeo.runs.source import Source

DONE, BAD_INPUT, DIAGNOSTICS_FAILED, INTERRUPTED = 0, 2, 3, 130

app = App(
    name="bayesgeo",
    version=__version__,
    help="Bayesian machine learning for geoscience, with evidence.\n\n"
    "Exit codes: 0 done, 1 crash, 2 bad input, 3 diagnostics failed, 130 interrupted.",
)


@Parameter(name="*")
@dataclass(frozen=True)
class GroupOptions:
    """Which rows belong together."""

    group: Annotated[
        str,
        Parameter(
            help="Columns of groups, separated by commas: well, site, event, station. Those of the first stay together."
        ),
    ] = ""
    effects: Annotated[
        str,
        Parameter(help="Keys whose groups have effects in hierarchical models: event,station; region:city is a pair."),
    ] = ""
    formula: Annotated[
        str,
        Parameter(help='In their place, a formula: "pga ~ magnitude + log_r + (1 | event) + (1 + log_r | station)".'),
    ] = ""


NO_GROUPS = GroupOptions()


@Parameter(name="*")
@dataclass(frozen=True)
class RowOptions:
    """What to learn from."""

    data: Annotated[str, Parameter(help="Name of a data set, or a CSV, Parquet or netCDF table.")]
    target: Annotated[str, Parameter(help="Column to predict (tables only).")] = ""
    grouping: GroupOptions = NO_GROUPS
    features: Annotated[str, Parameter(help="Columns to learn from, separated by commas.")] = ""
    drop: Annotated[str, Parameter(help="Columns to leave out, separated by commas.")] = ""
    positive: Annotated[str, Parameter(help="The positive class of two (tables only).")] = ""
    missing: Annotated[str, Parameter(help="Rows with missing values or codes for them: refuse or drop.")] = "refuse"
    time: Annotated[str, Parameter(help="Column of dates, for a temporal split (tables only).")] = ""
    task: Annotated[str, Parameter(help="classification or regression, if the target misleads (tables only).")] = ""
    codes: Annotated[
        str, Parameter(help="Numbers for missing values, as --codes=-1,9999, or none; else looked for (tables only).")
    ] = ""


@Parameter(name="*")
@dataclass(frozen=True)
class SplitOptions:
    """How to split the rows."""

    split: Annotated[
        str,
        Parameter(
            help="group, leave-one-group-out, within-group (new rows of known groups), spatial, temporal, random, "
            "leave-one-out, holdout or published; by default as published with the data set, else by group, else "
            "random."
        ),
    ] = ""
    folds: Annotated[int, Parameter(help="Number of folds, where the split has a choice.")] = 5
    test: Annotated[str, Parameter(help="Year or date at which the test part of a temporal split begins.")] = ""
    seed: Annotated[int, Parameter(help="Seed of everything random.")] = 0


DEFAULT_SPLIT = SplitOptions()
CostRatio = Annotated[
    float | None,
    Parameter(
        help="Of two classes: cost of acting as a share of the loss that it avoids; the report names its errors."
    ),
]


@Parameter(name="*")
@dataclass(frozen=True)
class AreaOptions:
    """Which cells to map."""

    grid: Annotated[
        Path | None,
        Parameter(help="Grid with the features: netCDF, .zarr, GeoTIFF, .gpkg, or a table with a row for each cell."),
    ] = None
    resolution: Annotated[
        float | None,
        Parameter(help="In its place, the side of cells inside the convex hull of the training rows, in their unit."),
    ] = None
    polygon: Annotated[
        Path | None,
        Parameter(help="GeoJSON or GeoPackage file of the area of such cells, in the training rows' coordinates."),
    ] = None
    hold: Annotated[
        str, Parameter(help="Values of columns that the cells lack, the same in all: depth=10,rock=basalt.")
    ] = ""


NO_AREA = AreaOptions()


def read(rows: RowOptions, folds: SplitOptions) -> "tuple[Source, Dataset, Split]":
    """Load or read the rows as asked, and split them."""
    from bayesgeo.runs.grouping import Grouping
    from bayesgeo.runs.source import LISTS, Rows, Source

    asked = rows.grouping
    grouping = Grouping(names(asked.group), names(asked.effects), asked.formula)
    lists = {name: names(getattr(rows, name)) for name in LISTS}
    source = Source(Rows(**asdict(rows) | lists | {"grouping": grouping}), **asdict(folds))
    dataset = source.rows.dataset()
    return source, dataset, source.folds_of(dataset)


@app.command
def datasets() -> int:
    """List the data sets that come by name."""
    from bayesgeo.datasets import titles

    width = max(map(len, titles()))
    for name, title in titles().items():
        say(f"{name:{width}}  {title}")
    return DONE


@app.command
def check(
    rows: RowOptions,
    folds: SplitOptions = DEFAULT_SPLIT,
    *,
    leaks: Annotated[
        bool, Parameter(help="Also fit boosted trees with and without each depth and time, to see what it carries.")
    ] = False,
) -> int:
    """Audit a table and its split for leakage and other causes of false scores; without --leaks nothing is fitted."""
    from bayesgeo.datasets.audit import audit

    _, dataset, by = read(rows, folds)
    describe(dataset, by)
    findings = audit(dataset, by)
    for finding in findings:
        say(f"{finding.level:>6}  {finding.code}: {finding.message}")
    if not findings:
        say("  fine  The audit found nothing to remark upon.")
    if any(finding.level == "refuse" for finding in findings):
        return BAD_INPUT
    if leaks:
        say_leaks(dataset, by, folds.seed)
    return DONE


@app.command
def compare(
    rows: RowOptions,
    folds: SplitOptions = DEFAULT_SPLIT,
    *,
    out: Annotated[Path, Parameter(help="Folder of the run; an interrupted run goes on there.")],
    models: Annotated[
        str,
        Parameter(
            help="Models, separated by commas, with settings as spatial:transformation=log; a wrong name lists them."
        ),
    ] = "",
    jobs: Annotated[int, Parameter(help="Folds that run at once; it never changes a number.")] = 1,
    seeds: Annotated[
        int, Parameter(help="Fits of each fold under other seeds, to measure what chance in a fit does.")
    ] = 1,
    cost_ratio: CostRatio = None,
) -> int:
    """Fit models side by side on the same honest folds, and write a report."""
    source, dataset, by = read(rows, folds)
    describe(dataset, by)
    from bayesgeo.reporting.sections.errors import refuse_cost_ratio
    from bayesgeo.runs.progress import display
    from bayesgeo.runs.study import study

    refuse_cost_ratio(cost_ratio, dataset.labels)

    try:
        with display():
            study(dataset, names(models), out=out, by=by, seed=folds.seed, jobs=jobs, seeds=seeds, source=source)
    except KeyboardInterrupt:
        say("Interrupted. Finished fits are kept; the same command goes on.", error=True)
        return INTERRUPTED
    return write_report(out, cost_ratio)


@app.command
def report(run: Annotated[Path, Parameter(help="Folder of a comparison.")], *, cost_ratio: CostRatio = None) -> int:
    """Write the report of a run again, from the models it has finished."""
    return write_report(run, cost_ratio)


@app.command
def predict(
    run: Annotated[Path, Parameter(help="Folder of a comparison.")],
    table: Annotated[Path, Parameter(help="New rows, with the columns of the training table.")],
    *,
    out: Annotated[Path, Parameter(help="CSV file to write.")],
    model: Annotated[str, Parameter(help="Model of the run; by default the one of the best log score.")] = "",
) -> int:
    """Predict new rows with a model of a run, with uncertainty."""
    from bayesgeo.runs.prediction import predict_table

    done = predict_table(run, table, out=out, model=model or None)
    for note in done.notes:
        say(f"  note  {note}")
    say(f"{done.rows} rows predicted by {done.model}: {out}")
    if done.far:
        say(
            f"{done.far} of {done.rows} rows are far from the training rows, more than {done.limit:.3g} standard "
            "deviations: farther than 99 % of the rows that the scores were measured on. Column far names them."
        )
    if done.verdict != "failed":
        return DONE
    say(f"The posterior of {done.model} failed its checks. Do not use these predictions.", error=True)
    return DIAGNOSTICS_FAILED


@app.command(name="map")
def map_(
    run: Annotated[Path, Parameter(help="Folder of a comparison.")],
    area: AreaOptions = NO_AREA,
    *,
    out: Annotated[Path, Parameter(help="File to write: .nc, .zarr or .tif; pictures lie beside it.")],
    model: Annotated[str, Parameter(help="Model of the run; by default the one of the best log score.")] = "",
    threshold: Annotated[
        float | None, Parameter(help="For values: also map the probability of more than this, in the target's unit.")
    ] = None,
    probability: Annotated[float, Parameter(help="Of the interval from low to high, for values.")] = 0.9,
) -> int:
    """Predict the cells of a grid with a model of a run, with uncertainty, and draw the maps."""
    from bayesgeo.runs.mapping import Area, map_run

    asked = Area(area.grid, area.resolution, area.polygon, pairs(area.hold, "--hold"))
    done = map_run(run, asked, out=out, model=model or None, threshold=threshold, probability=probability)
    for note in done.notes:
        say(f"  note  {note}")
    say(f"{done.cells - done.empty:,} of {done.cells:,} cells predicted by {done.model}: {out}")
    say(f"Pictures: {', '.join(path.name for path in done.pictures)}")
    if done.empty:
        say(f"{done.empty:,} cells lack a feature and are empty.")
    if done.outside:
        say(
            f"{done.outside:,} cells are outside the area of applicability: less like the training rows than the rows "
            "that the scores were measured on. They are hatched, and variable inside marks them."
        )
    if done.verdict != "failed":
        say(f"The posterior of {done.model}: {done.verdict}.")
        return DONE
    say(f"The posterior of {done.model} failed its checks. Do not use this map.", error=True)
    return DIAGNOSTICS_FAILED


@app.command
def distill(
    run: Annotated[Path, Parameter(help="Folder of a comparison.")],
    *,
    teacher: Annotated[str, Parameter(help="Model of the run.")],
    out: Annotated[Path, Parameter(help="Folder for student.safetensors and distillation.json.")],
    student: Annotated[str, Parameter(help="Widths of its hidden layers, separated by commas.")] = "32,32",
    unlabelled: Annotated[
        Path | None, Parameter(help="Table of more rows to ask about: those that the student is for.")
    ] = None,
) -> int:
    """Train a small network to predict as a model of a run does, and report what was lost.

    The saved models have seen every row, so the teacher is fitted anew on four fifths of the training rows of the
    run's first fold, calibrated on the last fifth, and both are scored on the test rows of that fold.
    """
    from bayesgeo.runs.distillation import FILE, distill_run
    from bayesgeo.runs.folder import read_manifest
    from bayesgeo.runs.source import source_of

    widths = names(student)
    if not widths or not all(width.isdecimal() and int(width) for width in widths):
        raise invalid(
            "--student", student, "It must be whole numbers above zero, separated by commas.", "Give --student 32,32."
        )
    source = source_of(read_manifest(run), run)
    dataset = source.rows.dataset()
    from bayesgeo.runs.progress import display

    hidden = tuple(int(width) for width in widths)
    with display():
        record = distill_run(
            run,
            dataset,
            source.folds_of(dataset),
            teacher=teacher,
            hidden=hidden,
            out=out,
            unlabelled=unlabelled,
        )
    rows, scores = record["rows"], record["scores"]
    counted = ", ".join(f"{count:,} {role}" for role, count in rows.items())
    say(f"Rows: {counted}. {out / FILE}")
    for score in scores["teacher"]:
        say(f"{score:>20}  teacher {scores['teacher'][score]:.5g}  student {scores['student'][score]:.5g}")
    for score in ("agreement", "epistemic_rank_correlation"):
        if scores.get(score) is not None:
            say(f"{score.replace('_', ' '):>20}  {scores[score]:.3f}")
    return DONE


def names(text: str) -> tuple[str, ...]:
    """Split a list of names at its commas.

    Examples
    --------
    >>> names("GR, PE")
    ('GR', 'PE')
    """
    return tuple(part.strip() for part in text.split(",") if part.strip())


def pairs(text: str, option: str) -> dict[str, str]:
    """Split a list of names with values.

    Examples
    --------
    >>> pairs("depth=10, rock=basalt", "--hold")
    {'depth': '10', 'rock': 'basalt'}
    """
    found: dict[str, str] = {}
    for part in names(text):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals and value) or name in found:
            problem = "Each must be a name and a value, and no name twice."
            raise invalid(option, part, problem, f"Give {option} depth=10,rock=basalt.")
        found[name] = value
    return found


def say(text: str, *, error: bool = False) -> None:
    """Print a line; control characters are shown, never sent to the terminal."""
    safe = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
    print(safe, file=sys.stderr if error else sys.stdout, flush=True)


def describe(dataset: "Dataset", by: "Split") -> None:
    """Print what was read, what was decided while reading, and how it is split."""
    target = f"{len(dataset.labels)} classes" if dataset.labels else "a quantity"
    say(f"{dataset.name}: {dataset.n_rows:,} rows, {len(dataset.features)} features, {target}. {by.sentence}")
    for note in dataset.attrs.get("notes", "").splitlines():
        say(f"  note  {note}")


def say_leaks(dataset: "Dataset", by: "Split", seed: int) -> None:
    """Print what each depth and time carries of the score of boosted trees."""
    from bayesgeo.evaluation.leaks import carried_by_suspects

    found = carried_by_suspects(dataset, by, seed=seed)
    if not found:
        say("No feature is named like a depth or a time, and none is a declared leak.")
    for column in found:
        say(
            f"  leak? {column.name} carries {column.difference:.3f} nats a row ({column.low:.3f} to {column.high:.3f} "
            f"over the folds): log score {column.with_it:.3f} with it, {column.without_it:.3f} without. Leave it out "
            "with --drop if it is fixed by hand or not known beforehand."
        )


def write_report(run: Path, cost_ratio: float | None) -> int:
    """Write the report of a run and return the exit code that its diagnostics ask for."""
    from bayesgeo.reporting import report as write
    from bayesgeo.runs.folder import load_study

    evidences, manifest = load_study(run)
    reproduce = {key: manifest[key] for key in ("command", "seed", "started", "platform", "versions", "status")}
    options = {"findings": manifest["findings"], "seed": manifest["seed"], "cost_ratio": cost_ratio}
    path = write(evidences, run, reproduce=reproduce, **options)
    say(f"Report: {path}")
    failed = [name for name, tree in evidences.items() if tree["diagnostics"].attrs["verdict"] == "failed"]
    if failed:
        say(f"Diagnostics failed: {', '.join(failed)}. The report says why.", error=True)
    return DIAGNOSTICS_FAILED if failed else DONE


def main(tokens: Sequence[str] | None = None) -> None:
    """Run the command line; a user's mistake, or what the operating system refuses, gets a message, no traceback."""
    try:
        app(tokens)
    except InvalidInput as error:
        _give_up(str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _give_up(f"{where}{error.strerror or error}.")


def _give_up(message: str) -> None:
    say(f"bayesgeo: {message}", error=True)
    try:
        sys.stdout.flush()
    except OSError:
        # Else the interpreter tries once more when it ends, and exits with 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(BAD_INPUT)
