"""Pruning takes the smallest weights."""

import numpy as np

from bayesgeo.models.architecture import Network
from bayesgeo.models.training.pruning import magnitude_masks
from tests.models.training.training import trained


def test_masks_take_the_smallest_weights_of_all_layers_and_more_take_more():
    weights = trained(3, Network(3, (8, 8), 1)).weights
    masks = {share: magnitude_masks(weights, share) for share in (0.0, 0.5, 0.9)}
    names = list(masks[0.5])
    assert names == ["weight_0", "weight_1", "weight_2"]
    for member in range(3):
        flat = np.concatenate([weights[name][member].ravel() for name in names])
        kept = {share: np.concatenate([mask[name][member].ravel() for name in names]) for share, mask in masks.items()}
        assert [int((values == 0).sum()) for values in kept.values()] == [0, round(0.5 * 96), round(0.9 * 96)]
        assert np.abs(flat[kept[0.5] == 0]).max() < np.abs(flat[kept[0.5] == 1]).min()
        assert (kept[0.9] <= kept[0.5]).all()
