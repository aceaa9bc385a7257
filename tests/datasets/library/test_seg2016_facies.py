"""The wells of the contest against their publication."""

import numpy as np
import pytest

from bayesgeo.datasets import load
from bayesgeo.datasets.library.seg2016_facies import load_blind


@pytest.mark.usefixtures("real_data")
def test_rows_and_classes_are_as_published():
    data = load("seg2016_facies")
    assert data.n_rows == 4_149
    assert np.bincount(data.y.values).tolist() == [268, 940, 780, 271, 296, 582, 141, 686, 185]


@pytest.mark.usefixtures("real_data")
def test_blind_wells_have_features_and_no_labels():
    data, blind = load("seg2016_facies"), load_blind()
    assert not {"Facies", "facies"} & set(blind)
    assert data.encode(blind).shape == (830, len(data.features))


@pytest.mark.usefixtures("real_data")
def test_missing_photoelectric_effect_is_marked():
    data = load("seg2016_facies")
    marked = data.X.sel(feature="PE missing").values == 1
    assert marked.sum() == 917
    assert {"ALEXANDER D", "KIMZEY A"} <= set(data.group.values[marked])
