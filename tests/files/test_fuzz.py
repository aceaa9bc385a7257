"""A small share of the fuzzing of files; ``python -m tests.files.fuzzing`` does all of it."""

import pytest

from tests.files.fuzzing import KINDS, Shelf, fuzz

EXAMPLES = 200
QUICK = ("manifests", "bytes of a manifest", "descriptions of a network")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    return Shelf(tmp_path_factory.mktemp("shelf"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pytest.param(k, marks=() if k in QUICK else pytest.mark.long) for k in KINDS])
def test_a_changed_file_is_refused_or_read(kind, shelf, tmp_path):
    found = fuzz(kind, shelf.copied(tmp_path / "shelf"), max(6, round(KINDS[kind][0] * EXAMPLES)))
    assert found["refused"]
