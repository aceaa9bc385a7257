"""Every metric that another library has is the same number there."""

import pytest

from bayesgeo.testing.predictions import ALLOWED
from tests.metrics.references import REFERENCES


@pytest.mark.slow
@pytest.mark.parametrize("name", REFERENCES)
def test_metric_is_that_of_another_library(name):
    assert max(REFERENCES[name].difference(seed) for seed in range(5)) < ALLOWED


def test_at_least_twenty_definitions_are_shared_with_three_libraries():
    libraries = {case.library for case in REFERENCES.values()}
    assert len(REFERENCES) >= 20
    assert {"ArviZ", "scikit-learn", "scores"} <= libraries
