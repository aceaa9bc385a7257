"""The PyMC graph of classes with a field of basis functions."""

from typing import Any

import numpy as np

from bayesgeo.models.regression.graph import contrasts, forward, log_probability, whitened, whitening
from bayesgeo.models.spatial.basis import spectral_density


def fixed_coordinates(X: np.ndarray, y: np.ndarray, scale: float) -> dict[str, np.ndarray]:
    """Return :func:`bayesgeo.models.regression.graph.whitening` of the fixed part, also where there are no features.

    Examples
    --------
    >>> fixed_coordinates(np.empty((4, 0)), np.array([0, 1, 0, 1]), 2.5)["factor"].shape
    (1, 1)
    """
    if X.shape[1]:
        return whitening(X, y, "normal", scale)
    found, free = whitening(np.zeros((len(y), 1)), y, "normal", scale), len(np.unique(y)) - 1
    return {"center": found["center"][:free], "factor": found["factor"][:free, :free]}


def spatial_graph(
    matern: tuple[float, int], sizes: tuple[int, int, int], prior_scale: float, field_scale: float
) -> Any:
    """Build the PyMC model.

    Parameters
    ----------
    matern : (float, int)
        Smoothness of the field, and dimension of the places.
    sizes : (int, int, int)
        Features, basis functions and classes.
    prior_scale, field_scale : float
        Of the coefficients, and of the standard deviation of the field.
    """
    import pymc as pm
    import pytensor
    import pytensor.tensor as pt

    n_features, n_functions, n_labels = sizes
    with pm.Model() as model:
        X, y = pm.Data("X", np.zeros((2, n_features))), pm.Data("y", np.zeros(2, dtype=np.int64))
        basis, frequency = pm.Data("basis", np.zeros((2, n_functions))), pm.Data("frequency", np.ones(n_functions))
        shape_and_scale, unit = pm.Data("length_prior", np.ones(2)), pm.Data("unit_length", np.array(1.0))
        sd = pm.HalfNormal("field_sd", field_scale)
        length = pm.InverseGamma("scaled_length", shape_and_scale[0], shape_and_scale[1])
        pm.Deterministic("length_scale", unit * length)
        amplitude = sd * pt.sqrt(spectral_density(frequency, length, *matern))
        predictor = _fixed(X, whitened("normal", prior_scale, n_features, n_labels), n_labels)
        if n_labels == 2:
            weight = pm.Deterministic("field_weight", amplitude * pm.Normal("wave", 0, 1, shape=n_functions))
            predictor = predictor + basis @ weight
            pm.Potential("outcome", y * predictor - pt.softplus(predictor))
        else:
            free = amplitude[:, None] * pm.Normal("wave", 0, 1, shape=(n_functions, n_labels - 1))
            turned = contrasts(n_labels).T.astype(pytensor.config.floatX)
            pm.Deterministic("field_weight", free @ turned)
            pm.Potential("outcome", log_probability(y, predictor + (basis @ free) @ turned, n_labels))
    return model


def _fixed(X: Any, p: dict[str, Any], n_labels: int) -> Any:
    """Return the fixed part ``(obs[, label])``; intercepts alone without features."""
    import pytensor.tensor as pt

    if X.type.shape[1] == 0:
        return p["intercept"]
    return forward(X, p, pt)
