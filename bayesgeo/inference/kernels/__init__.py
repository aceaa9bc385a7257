"""Algorithms in JAX; importing one of them imports JAX and PyMC, so nothing here is in the registry."""
