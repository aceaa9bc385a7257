"""Gaussian processes over places."""
