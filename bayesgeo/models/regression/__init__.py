"""Bayesian linear and logistic regression."""
