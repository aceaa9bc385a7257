"""Read a page as a browser would."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from bayesgeo.reporting import report

from .samples import Evidences


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.parts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    @property
    def text(self) -> str:
        """Everything that can be read, with single spaces."""
        return " ".join(" ".join(self.parts).split())

    @property
    def names(self) -> set[str]:
        """Names of the tags."""
        return {tag for tag, _ in self.tags}

    def values(self, *attributes: str) -> list[str]:
        """Values of all attributes of these names."""
        return [attrs[name] for _, attrs in self.tags for name in attributes if name in attrs]


def read(scored: Evidences, out: Path, **options: Any) -> Page:
    """Write a report and read its page."""
    return Page(report(scored, out, **options).read_text(encoding="utf-8"))


def facts_of(out: Path) -> dict[str, Any]:
    """Return the facts of a report that was written."""
    return json.loads((out / "report.json").read_text())
