"""A recipe accepts valid settings, and refuses others by name."""

import numpy as np
import pytest

from bayesgeo.models.training.recipe import SCHEDULES, Recipe


def test_schedules_begin_at_the_full_step_and_fall():
    done = np.linspace(0, 0.999, 50)
    for name, schedule in SCHEDULES.items():
        factors = np.array([schedule(share) for share in done])
        assert factors[0] == 1.0
        assert (np.diff(factors) <= 0).all()
        assert (factors[-1] < 0.02) == (name != "constant")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimiser": "adamww"}, r"Invalid optimiser 'adamww'\. It is not known\. Did you mean 'adamw'"),
        ({"schedule": "cosinus"}, r"Invalid schedule 'cosinus'\. It is not known\. Did you mean 'cosine'"),
        ({"learning_rate": 0.0}, r"Invalid learning_rate 0\.0\. It must be a finite number above zero"),
        ({"weight_decay": -1.0}, r"Invalid weight_decay -1\.0\. It must be finite and not negative"),
        ({"l1": np.inf}, r"Invalid l1 inf\. It must be finite and not negative"),
        ({"dropout": -0.1}, r"Invalid dropout -0\.1\. It must be finite and not negative"),
        ({"device": "gpu"}, r"Invalid device 'gpu'\. "),
        ({"dropout": 1.0}, r"Invalid dropout 1\.0\. It must be in \[0, 1\)"),
        ({"batch_size": 0}, r"Invalid batch_size 0\. It must be a whole number above zero"),
        ({"max_epochs": 2.5}, r"Invalid max_epochs 2\.5\. It must be a whole number above zero"),
        ({"patience": -1}, r"Invalid patience -1\. It must be a whole number above zero"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**settings)


@pytest.mark.parametrize(("n_rows", "size"), [(10, 16), (1000, 50), (10**6, 512)])
def test_a_step_takes_a_twentieth_of_the_rows_within_bounds_or_what_is_given(n_rows, size):
    assert Recipe().rows_a_step(n_rows) == size
    assert Recipe(batch_size=7).rows_a_step(n_rows) == 7
