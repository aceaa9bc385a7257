"""User tables: reading, targets, coordinates."""
