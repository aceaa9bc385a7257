from pathlib import Path

import pytest

from tests import planted_bugs

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("bug", planted_bugs.read_bugs(), ids=lambda bug: bug.name)
def test_a_bug_replaces_one_line_that_stands_there_and_its_tests_exist(bug):
    assert (ROOT / "bayesgeo" / bug.file).read_text().count(bug.right) == 1
    assert (ROOT / bug.laws).is_file()
