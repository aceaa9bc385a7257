"""What a map says of how alike its cells are to the training rows, whatever the model."""

import numpy as np

from bayesgeo.maps.layers import Layer
from bayesgeo.runs.reference import Reference


def likeness_layers() -> list[Layer]:
    """Return the variables that :func:`likeness` gives values for.

    Examples
    --------
    >>> [layer.name for layer in likeness_layers()]
    ['dissimilarity', 'inside', 'local_point_density']
    """
    return [
        Layer("dissimilarity", "dissimilarity index", "1"),
        Layer("inside", "inside the area of applicability", words=("outside", "inside")),
        Layer("local_point_density", "kept training rows within the threshold of dissimilarity", "1"),
    ]


def likeness(reference: Reference, X: np.ndarray) -> dict[str, np.ndarray]:
    """Return the variables of :func:`likeness_layers` for the features ``(obs, feature)`` of cells.

    Examples
    --------
    >>> found = likeness(Reference(np.array([[0.0], [1.0], [3.0]]), limit=1.5), np.array([[4.0], [9.0]]))
    >>> {name: values.round(3).tolist() for name, values in found.items()}
    {'dissimilarity': [0.5, 3.0], 'inside': [1.0, 0.0], 'local_point_density': [1.0, 0.0]}
    """
    found = reference.area.summary(X)
    return {layer.name: found[layer.name].values.astype(float) for layer in likeness_layers()}


__all__ = ["likeness", "likeness_layers"]
