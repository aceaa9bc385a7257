"""Models with effects of groups."""
