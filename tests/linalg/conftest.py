"""How many examples a law is tried on, and under planted_bugs.py without shrinking what fails."""

from hypothesis import Phase, settings

settings.register_profile("laws", max_examples=30, deadline=None, derandomize=True)
settings.register_profile(
    "planted",
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
