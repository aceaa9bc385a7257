"""Magnitude pruning."""

from collections.abc import Sequence

import numpy as np

from bayesgeo.models.training.members import Weights

ROUNDS = 4


def magnitude_masks(weights: Weights, share: float, frozen: Sequence[str] = ()) -> Weights:
    """Return 0 for this share of each member's weights, the smallest of all layers together, and 1 for the others.

    Biases and the weights named in ``frozen`` are kept and not counted.

    Examples
    --------
    >>> weights = {"weight_0": np.array([[[0.1, -3.0]]]), "weight_1": np.array([[[2.0], [0.2]]])}
    >>> {name: mask.ravel().tolist() for name, mask in magnitude_masks(weights, 0.5).items()}
    {'weight_0': [0.0, 1.0], 'weight_1': [1.0, 0.0]}
    """
    sizes = {
        name: np.abs(values) for name, values in weights.items() if name.startswith("weight") and name not in frozen
    }
    flat = np.concatenate([values.reshape(len(values), -1) for values in sizes.values()], axis=1)
    order = flat.argsort(axis=1, kind="stable").argsort(axis=1)
    kept = (order >= round(share * flat.shape[1])).astype(np.float64)
    ends = np.cumsum([values[0].size for values in sizes.values()])[:-1]
    parts = np.split(kept, ends, axis=1)
    return {name: part.reshape(sizes[name].shape) for name, part in zip(sizes, parts, strict=True)}


def pruning_shares(sparsity: float) -> list[float]:
    """Return the share of zeros after each round: the first rounds prune most (Zhu & Gupta 2017)."""
    if not sparsity:
        return []
    return [float(sparsity * (1 - (1 - t / ROUNDS) ** 3)) for t in range(1, ROUNDS + 1)]
