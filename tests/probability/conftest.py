"""Registers the profile under which planted_bugs.py runs the laws: no shrinking of what fails."""

from hypothesis import Phase, settings

settings.register_profile("planted", phases=[Phase.explicit, Phase.generate])
