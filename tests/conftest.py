"""What all tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def real_data() -> Path:
    """Return the mirror of public data sets, or skip the test by its name."""
    mirror = os.environ.get("BAYESGEO_DATA")
    if not mirror:
        pytest.skip("needs the public data sets: set BAYESGEO_DATA to a mirror of them")
    return Path(mirror)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the folder above the tests, from which fresh processes start."""
    return Path(__file__).parents[1]
