"""Sections of a report: a Python file with the facts and pictures of each, beside its template."""
