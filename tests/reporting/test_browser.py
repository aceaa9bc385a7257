"""The page in a real browser: it executes nothing, asks for nothing, and can be read by everybody."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bayesgeo.reporting import report
from bayesgeo.reporting.facts import gather
from bayesgeo.reporting.page import render

from .hostile import PAYLOADS, poisoned, slots
from .samples import Evidences, as_network, as_trained, evidences, table, with_groups, with_seeds

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="neither chromium nor google-chrome is installed")

EXECUTABLE = "script, img, iframe, object, embed, video, audio, input, form, base, link, math, [srcdoc], [autofocus]"
ATTRIBUTES = "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).map(a => a.name)"
SIZES = ((1280, 900), (400, 800))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(
    binary: Evidences, failed: Evidences, multiclass: Evidences, regression: Evidences, tmp_path_factory: Any
) -> dict[str, Path]:
    """Write a report of each kind; the names of one are long."""
    out = tmp_path_factory.mktemp("pages")
    long = evidences(table(feature="m" * 300, label="l" * 300, group="g" * 300, name="d" * 300), "majority", "logistic")
    kinds = {
        "classes": {name: with_seeds(tree) for name, tree in binary.items()} | {"mlp": as_trained(binary["logistic"])},
        "failed": failed,
        "several": multiclass,
        "values": regression
        | {"hierarchical": with_groups(regression["ridge"]), "network": as_network(regression["ridge"])},
        "long": long | {"n" * 300: long["logistic"]},
    }
    reproduce = {"command": "bayesgeo compare table.csv --target event", "versions": {"python": "3.12"}}
    findings = [{"code": "imbalance", "level": "warn", "message": "One class is rare."}]
    return {kind: report(tree, out / kind, reproduce=reproduce, findings=findings) for kind, tree in kinds.items()}


@pytest.mark.slow
def test_the_page_asks_for_nothing_and_complains_of_nothing(browser: Any, pages: dict[str, Path]) -> None:
    for path in pages.values():
        page = browser.new_page()
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.goto(path.as_uri())
        assert asked == [path.as_uri()]
        assert said == []
        page.close()


@pytest.mark.long
def test_no_payload_in_any_name_is_executed_even_without_the_policy(
    browser: Any, binary: Evidences, regression: Evidences, tmp_path: Path
) -> None:
    classes = {"bayesian": binary["bayesian"], "mlp": with_seeds(as_trained(binary["logistic"]))}
    values = {"linear": with_groups(regression["bayesian_linear"]), "network": as_network(regression["ridge"])}
    findings, reproduce = [{"code": "c", "level": "warn", "message": "m"}], {"command": "c", "note": "n"}
    known = [gather(tree, findings=findings, reproduce=reproduce) for tree in (classes, values)]
    assert len({slot for facts in known for slot in slots(facts)}) > 50
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    hits: list[str] = []
    page.on("dialog", lambda dialog: (hits.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: hits.append(request.url) if not request.url.startswith("file:") else None)
    for payload in PAYLOADS:
        for facts in known:
            path = tmp_path / "poisoned.html"
            path.write_text(render(poisoned(facts, payload)), encoding="utf-8")
            page.goto(path.as_uri())
            assert page.evaluate("typeof hit") == "undefined", payload
            assert page.locator(EXECUTABLE).count() == 0, payload
            assert not [name for name in page.evaluate(ATTRIBUTES) if name.startswith("on")], payload
            assert page.evaluate("[...document.links].every(a => a.getAttribute('href').startsWith('#'))"), payload
            assert payload in page.evaluate("document.body.textContent"), payload
    assert hits == []
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_nothing_keeps_anybody_from_reading_the_page(browser: Any, pages: dict[str, Path], scheme: str) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright", reason="axe-core-python is not installed").Axe()
    for kind, path in pages.items():
        page = browser.new_page(color_scheme=scheme)
        page.goto(path.as_uri())
        found = axe.run(page)
        assert "color-contrast" in {rule["id"] for rule in found["passes"]}
        grave = [rule for rule in found["violations"] if rule["impact"] in ("serious", "critical")]
        assert [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in grave] == [], kind
        page.close()


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_the_page_is_no_wider_than_the_window(browser: Any, pages: dict[str, Path], size: tuple[int, int]) -> None:
    for kind, path in pages.items():
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], kind
        page.close()


@pytest.mark.slow
def test_the_page_prints_and_needs_no_script(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["classes"].as_uri())
    assert page.locator("main > section").count() == 12
    assert page.locator("h2#verdict").inner_text().startswith("Use with care")
    assert page.locator("figure svg").first.is_visible()
    assert page.pdf().startswith(b"%PDF")
    context.close()


@pytest.mark.slow
def test_the_page_is_small_and_soon_written(binary: Evidences, pages: dict[str, Path], tmp_path: Path) -> None:
    assert max(path.stat().st_size for path in pages.values()) <= 3_000_000
    start = time.perf_counter()
    report(binary, tmp_path)
    assert time.perf_counter() - start <= 10
    assert json.loads((tmp_path / "report.json").read_text())["schema_version"] == 8
