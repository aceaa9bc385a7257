"""Compact networks that learn from a teacher."""
