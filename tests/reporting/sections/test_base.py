"""Sections that installed packages register."""

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from bayesgeo import _registry
from bayesgeo._check import InvalidInput
from bayesgeo.reporting import report
from bayesgeo.reporting.sections import base
from bayesgeo.reporting.sections.base import Section, all_sections

from ..hostile import PAYLOADS
from ..reading import facts_of, read
from ..samples import Evidences

CODE = """
from bayesgeo.reporting import Section

def facts(evidences, facts):
    {facts}

def pictures(facts):
    {pictures}

section = Section({name!r}, 75, facts=facts, pictures=pictures)
"""
TEMPLATE = """<section id="notes">
<h2>Notes</h2>
<p>{{ own.text }} of {{ dataset.name }}, {{ more }} {{ badge("passed") }}</p>
</section>
"""
Install = Callable[..., None]


class Entry:
    """An entry point of a package that is not there."""

    def __init__(self, name: str, module: str):
        self.name, self.module, self.value, self.dist = name, module, f"{module}:section", None

    def load(self) -> object:
        return sys.modules[self.module].section  # type: ignore[attr-defined]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that installs a package with a section."""

    def installed(
        *,
        facts: str = "return {'text': f'{len(evidences)} models', 'worst': float('nan')}",
        pictures: str = "return {'more': 'more'}",
        name: str = "notes",
        template: str = TEMPLATE,
    ) -> None:
        path = tmp_path / "foreign_notes.py"
        path.write_text(CODE.format(facts=facts, pictures=pictures, name=name))
        path.with_suffix(".html.j2").write_text(template)
        spec = importlib.util.spec_from_file_location("foreign_notes", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "foreign_notes", module)
        spec.loader.exec_module(module)
        found, known = {name: Entry(name, "foreign_notes")}, _registry.plugins
        monkeypatch.setattr(_registry, "plugins", lambda kind: found if kind == "sections" else known(kind))

    return installed


@pytest.mark.slow
def test_a_section_of_another_package_stands_on_the_page_and_its_facts_in_the_json(
    binary: Evidences, install: Install, tmp_path: Path
) -> None:
    install()
    page = read(binary, tmp_path)
    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section" and "id" in attrs]
    assert sections.index("notes") == sections.index("sensitivity") + 1
    assert "3 models of tiny, more passed" in page.text
    assert "#notes" in page.values("href")
    facts = facts_of(tmp_path)
    assert facts["sections"] == {"notes": {"text": "3 models", "worst": None}}
    schema = json.loads((files("bayesgeo.reporting") / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(facts)


@pytest.mark.slow
def test_without_other_packages_no_section_has_facts_of_its_own(binary: Evidences, tmp_path: Path) -> None:
    report(binary, tmp_path)
    assert facts_of(tmp_path)["sections"] == {}


@pytest.mark.slow
def test_hostile_facts_of_another_section_do_nothing(binary: Evidences, install: Install, tmp_path: Path) -> None:
    install(facts=f"return {{'text': {' '.join(PAYLOADS)!r}}}", pictures=f"return {{'more': {' '.join(PAYLOADS)!r}}}")
    page = read({"logistic": binary["logistic"]}, tmp_path)
    assert not page.names & {"script", "img", "iframe", "object", "video", "input", "math"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert all(page.text.count(payload) >= 2 for payload in PAYLOADS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "part"),
    [
        ({"facts": "raise KeyError('gone')"}, "facts failed .* KeyError: 'gone'"),
        ({"facts": "return 3"}, "facts failed .* TypeError"),
        ({"pictures": "return 1 / 0"}, "pictures failed .* ZeroDivisionError"),
        ({"template": "{{ nothing }}"}, "template failed .* UndefinedError"),
        ({"template": "{% if %}"}, "template failed .* TemplateSyntaxError"),
        ({"template": "<p>text</p>"}, 'must begin with <section id="notes">'),
    ],
)
def test_a_section_that_fails_is_named_before_anything_is_written(
    binary: Evidences, install: Install, tmp_path: Path, broken: dict[str, str], part: str
) -> None:
    install(**broken)
    with pytest.raises(InvalidInput, match=f"Invalid report section 'notes'.*{part}") as error:
        report({"logistic": binary["logistic"]}, tmp_path / "out")
    assert "'foreign_notes'" in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_section_without_pictures_is_left_out(binary: Evidences, install: Install, tmp_path: Path) -> None:
    install(pictures="return None")
    page = read({"logistic": binary["logistic"]}, tmp_path)
    assert "notes" not in page.values("id")
    assert "#notes" not in page.values("href")
    assert "notes" in facts_of(tmp_path)["sections"]


def test_two_sections_of_one_name_are_refused(install: Install) -> None:
    install(name="limits")
    with pytest.raises(InvalidInput, match="Invalid name 'limits'"):
        all_sections()


def test_an_entry_point_that_is_no_section_is_refused(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install()
    monkeypatch.setattr(sys.modules["foreign_notes"], "section", 3)
    with pytest.raises(InvalidInput, match=r"Invalid entry point 'notes'.*'foreign_notes' is no Section"):
        all_sections()


@pytest.mark.parametrize("name", ["", "Notes", "a b", '"><script>', "7"])
def test_a_name_that_cannot_be_an_identifier_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="Invalid section name"):
        Section(name, 1)


def test_every_template_beside_a_section_belongs_to_it_or_is_included_by_one() -> None:
    folder = Path(base.__file__).parent
    own = {section.template for section in all_sections()}
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.html.j2"))
    for path in folder.glob("*.html.j2"):
        assert path in own or f'include "{path.name}"' in text
        assert path.with_suffix("").with_suffix(".py").exists()
