"""Inferences: algorithms that compute or approximate a posterior, one file each."""

from bayesgeo._registry import lazily

OTHERS = {"Conjugate": "base", "Inference": "base", "Marginal": "base", "Problem": "base"}
__getattr__ = lazily(__name__, OTHERS)
