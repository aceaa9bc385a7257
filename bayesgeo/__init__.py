"""Bayesian machine learning for geoscience, with evidence."""
