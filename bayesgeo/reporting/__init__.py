"""Write a report from Evidence: one page to read, the same facts as JSON, and the scores as a table."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from markupsafe import escape

from bayesgeo._files import atomic_file, harmless
from bayesgeo.reporting.facts import gather
from bayesgeo.reporting.page import render
from bayesgeo.reporting.sections.base import Section


class Report(Path):
    """The path of a report; a notebook shows the page itself, in a sandboxed frame."""

    def _repr_html_(self) -> str:
        page = escape(self.read_text(encoding="utf-8"))
        style = "width: 100%; height: 42rem; border: 1px solid #9aa4ad"
        return f'<iframe sandbox title="Report" style="{style}" srcdoc="{page}"></iframe>'


def report(
    evidences: Mapping[str, xr.DataTree],
    out: str | Path,
    *,
    findings: Sequence[Any] = (),
    reproduce: Mapping[str, Any] | None = None,
    seed: int = 0,
    cost_ratio: float | None = None,
) -> Report:
    """Write ``report.html``, ``report.json`` and ``metrics.csv`` from Evidence alone.

    The same Evidence, findings and ``reproduce`` give the same bytes.

    Parameters
    ----------
    evidences : mapping of str to xarray.DataTree
        Evidence by model name, on the same rows and folds; see :func:`bayesgeo.evaluate`.
    out : path
        Folder for the three files; created if it does not exist.
    findings : sequence of Finding or mapping
        ``code``, ``level`` and ``message`` of the audit of the data; see :func:`bayesgeo.audit`.
    reproduce : mapping, optional
        How to reproduce the report: ``command``, ``versions``, ``started``, ``platform`` and other entries.
    seed : int
        Seed of the comparison.
    cost_ratio : float, optional
        Of two classes: cost of acting as a share of the loss that it avoids; the report then also gives the errors of
        acting where the probability of the positive class is at least this.

    Returns
    -------
    Report
        The path of the page, ``report.html``: one file, without scripts, that needs no network. ``report.json`` beside
        it follows ``report.schema.json`` of this package.

    Raises
    ------
    InvalidInput
        If there is no Evidence, it is not about the same rows in the same folds, ``cost_ratio`` is not between 0 and 1,
        or a section of another package fails; nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> from bayesgeo import evaluate, load, split
    >>> from bayesgeo.models import LogisticClassifier
    >>> events = load("seismic_events")
    >>> evidence = evaluate(LogisticClassifier(), events, split(events, folds=2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = report({"logistic": evidence}, folder)
    ...     page.name, (page.parent / "metrics.csv").exists()
    ('report.html', True)
    """
    facts = gather(evidences, findings=findings, reproduce=reproduce, seed=seed, cost_ratio=cost_ratio)
    html, page = render(facts), Report(Path(out) / "report.html")
    _write(page.with_name("report.json"), json.dumps(facts, indent=1, allow_nan=False) + "\n")
    _write(page.with_name("metrics.csv"), _scores(facts["models"]).to_csv(index=False, lineterminator="\n"))
    _write(page, html)
    return page


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def _scores(models: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Tabulate one row for each model and metric."""
    records = [
        {"model": model["name"], "kind": model["kind"], "metric": name, **values}
        for model in models
        for name, values in model["metrics"].items()
    ]
    return pd.DataFrame(records).map(lambda cell: harmless(cell) if isinstance(cell, str) else cell)


__all__ = ["Report", "Section", "report"]
