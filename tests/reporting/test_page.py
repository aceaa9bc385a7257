import json
from pathlib import Path

import pytest

from bayesgeo.reporting import report
from bayesgeo.reporting.facts import gather
from bayesgeo.reporting.page import render
from bayesgeo.reporting.text import clean

from .hostile import poisoned
from .reading import Page, read
from .samples import Evidences, as_bayesian, evidences, table

HOSTILE = "<img src=x onerror=alert(1)>\"'&$x_1$ \u202e\x07 #010205 http://a.example"


@pytest.mark.slow
def test_a_page_made_from_its_json_is_the_same_page(binary: Evidences, tmp_path: Path) -> None:
    page = report(binary, tmp_path, reproduce={"command": "c"})
    assert render(json.loads((tmp_path / "report.json").read_text())) == page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_sections_stand_in_the_order_of_their_weight(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section" and "id" in attrs]
    assert sections == [
        *("decision", "data", "model", "computation", "posterior", "checks", "sensitivity", "predictions"),
        *("comparison", "reproduce", "guidelines", "limits"),
    ]
    assert page.text.index("OK to use") < page.text.index("Scores, best log score first")


@pytest.mark.slow
def test_page_needs_no_script_and_nothing_from_outside(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    assert not page.names & {"script", "iframe", "object", "embed", "link", "base", "form", "img"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert all(link.startswith("#") for link in page.values("href", "src", "xlink:href", "srcset", "action"))
    (policy,) = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "://" not in html
    assert "@import" not in html


@pytest.mark.slow
def test_identifiers_are_unique_and_references_to_them_hold(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    identifiers = page.values("id")
    assert len(identifiers) == len(set(identifiers))
    assert {link.removeprefix("#") for link in page.values("href", "xlink:href")} <= set(identifiers)
    assert set(page.values("aria-labelledby")) <= set(identifiers)


@pytest.mark.slow
def test_every_figure_says_what_it_shows(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    drawn = [attrs for _, attrs in page.tags if attrs.get("role") == "img"]
    assert len(drawn) == sum(tag == "svg" for tag, _ in page.tags) > 0
    assert all(len(attrs["aria-label"]) > 20 for attrs in drawn)


@pytest.mark.slow
def test_hostile_names_are_shown_and_do_nothing(tmp_path: Path) -> None:
    slots = ("name", "feature", "unit", "target", "label", "group", "row", "source")
    scored = evidences(table(**dict.fromkeys(slots, HOSTILE)), "majority", "logistic")
    named = {f"{HOSTILE} {name}": tree for name, tree in scored.items()}
    named[HOSTILE] = as_bayesian(scored["logistic"], label=HOSTILE)
    findings = [{"code": HOSTILE, "level": "note", "message": HOSTILE}]
    page = read(named, tmp_path, findings=findings, reproduce={HOSTILE: HOSTILE, "command": HOSTILE})
    assert not page.names & {"script", "img"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert "<img src=x onerror=alert(1)>\"'&$x_1$ \\u202e\\x07 #010205" in page.text
    assert not {"\u202e", "\x07"} & set((tmp_path / "report.html").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "m" * 300,
        "a/b\\..\\c",
        "発破 💥",
        "$x_1$ \\frac",
        "_hidden",
        "%s {0} {{ x }}",
        "a\x00b",
        "\u2066a\u2069 \u202eb",
        "\x1b[31m",
    ],
)
def test_odd_names_survive_in_every_slot(binary: Evidences, tmp_path: Path, name: str) -> None:
    facts = gather(binary, findings=[{"code": "c", "level": "warn", "message": "m"}], reproduce={"command": "c"})
    page = render(poisoned(facts, name))
    assert not [character for character in page if not (character.isprintable() or character in "\n\u00a0")]
    assert Page(page).text.count(clean(name)) > 100


@pytest.mark.slow
def test_names_without_a_glyph_and_very_long_names_are_drawn(tmp_path: Path) -> None:
    scored = evidences(table(label="発破 💥", feature="m" * 300), "majority", "logistic")
    page = read({"地震" + "x" * 300: scored["logistic"], "majority": scored["majority"]}, tmp_path)
    assert "発破 💥 1" in page.text
