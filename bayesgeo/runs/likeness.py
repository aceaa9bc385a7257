"""What a map says of how alike its cells are to the training rows, whatever the model."""

import numpy as np

from bayesgeo.maps.layers import Layer
from bayesgeo.runs.reference import Reference


def likeness_layers() -> list[Layer]:
    """Return the variables that :func:`likeness` gives values for.

    Examples
    --------
    >>> [layer.name for layer in likeness_layers()]
    ['distance', 'far']
    """
    return [
        Layer("distance", "distance to the nearest training row, in standard deviations of each feature", "1"),
        Layer("far", "distance above that of 99 percent of the test rows", words=("near", "far")),
    ]


def likeness(reference: Reference, X: np.ndarray) -> dict[str, np.ndarray]:
    """Return the variables of :func:`likeness_layers` for the features ``(obs, feature)`` of cells.

    Examples
    --------
    >>> likeness(Reference(np.array([[0.0], [2.0]]), limit=1.5), np.array([[3.0], [9.0]]))
    {'distance': array([1., 7.]), 'far': array([0., 1.])}
    """
    distance = reference.distance(X)
    return {"distance": distance, "far": reference.far(distance).astype(float)}


__all__ = ["likeness", "likeness_layers"]
