"""Checks that authors of models and inferences run on their own classes."""
