"""Generated events with known truth."""
