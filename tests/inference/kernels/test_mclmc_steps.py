"""The step size of microcanonical chains: towards the wanted error, back from a break, and on again."""

import numpy as np
import pytest

from bayesgeo.inference.kernels.device import jnp
from bayesgeo.inference.kernels.mclmc import RECOVERY, Chain, _tuned


def chain(step_size=0.1, largest=np.inf):
    zero = jnp.float32(0)
    numbers = (jnp.float32(step_size), jnp.float32(1), zero, zero, jnp.float32(largest), jnp.ones(3), jnp.float32(1))
    return Chain(None, *numbers)


@pytest.mark.slow
@pytest.mark.parametrize("error", [np.nan, np.inf])
def test_after_a_break_steps_are_shorter_and_grow_back_slowly(error):
    broken = _tuned(chain(), jnp.float32(error), jnp.float32(0.1))
    assert float(broken.largest) == pytest.approx(0.08)
    assert float(broken.step_size) <= 0.08 * (1 + 1e-6)
    after = broken
    for _ in range(100):
        # Steps of hardly any error, which alone would be lengthened at once.
        after = _tuned(after, jnp.float32(1e-9), jnp.float32(0.1))
    assert float(after.largest) == pytest.approx(0.08 * RECOVERY**100, rel=1e-4)
    assert float(after.step_size) <= float(after.largest) * (1 + 1e-6)
    assert float(after.step_size) > 0.08


@pytest.mark.slow
def test_the_step_size_settles_where_the_error_is_the_wanted_one():
    now = chain()
    for _ in range(2000):
        # The error grows with the sixth power of the step: 0.1 at a step of 0.5.
        now = _tuned(now, jnp.float32(0.1) * (now.step_size / 0.5) ** 6, jnp.float32(0.1))
    assert float(now.step_size) == pytest.approx(0.5, rel=1e-3)


@pytest.mark.slow
def test_without_a_wanted_error_steps_stay_as_they_are():
    for error in (0.3, np.nan):
        now = _tuned(chain(largest=2.0), jnp.float32(error), jnp.float32(0))
        assert float(now.step_size) == pytest.approx(0.1)
