"""A small share of the fuzzing of files; ``python -m tests.files.fuzzing`` does all of it."""

import pytest

from tests.files.fuzzing import KINDS, Shelf, fuzz

EXAMPLES = 200


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_file_is_refused_or_read(kind, shelf):
    found = fuzz(kind, shelf, max(4, round(KINDS[kind][0] * EXAMPLES)))
    assert found["refused"]
