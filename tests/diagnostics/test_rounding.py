"""Printed digits are those that another run would print too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesgeo.diagnostics import digits

SIZES = st.floats(1e-8, 1e8)


@given(value=st.floats(-1e6, 1e6), mcse=SIZES)
def test_what_is_printed_lies_within_half_its_last_digit_and_that_digit_exceeds_the_error(value, mcse):
    text = digits(value, mcse)
    place = 10.0 ** np.ceil(np.log10(2 * mcse) - 1e-8)
    smallest = 10.0 ** (np.floor(np.log10(abs(value))) - 5) if value else 0.0
    unit = max(place, smallest)
    assert abs(float(text) - value) <= 0.5 * unit * (1 + 1e-6)
    assert float(text) / unit == pytest.approx(round(float(text) / unit), abs=1e-4)
    assert unit >= 2 * mcse * (1 - 1e-6)


@pytest.mark.parametrize(
    ("value", "mcse", "text"),
    [
        (1.23456, 0.002, "1.23"),
        (1.23456, 0.005, "1.23"),
        (1.23456, 0.0051, "1.2"),
        (-0.004, 0.1, "0"),
        (12345.6, 30.0, "12300"),
        (2.0, 0.0, "2.00000"),
        (0.0, 0.0, "0.00000"),
    ],
)
def test_known_roundings(value, mcse, text):
    assert digits(value, mcse) == text


@pytest.mark.parametrize(("value", "mcse"), [(np.nan, 0.1), (1.0, np.nan), (np.inf, 1.0), (1.0, np.inf), (1.0, -1.0)])
def test_what_is_not_known_is_not_printed(value, mcse):
    assert digits(value, mcse) == "unknown"


def test_two_runs_of_the_same_print_nearly_always_neighbouring_digits():
    means = np.random.default_rng(0).normal(3.7, 0.04, size=300)
    printed = [float(digits(mean, 0.04)) for mean in means]
    # The last digit is a tenth: two runs differ by two of them only where they lie 2.6 deviations apart, or nearly.
    assert np.mean(np.abs(np.subtract(printed[::2], printed[1::2])) < 0.15) > 0.95
