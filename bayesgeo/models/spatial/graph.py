r"""The PyMC graph of classes with a field of basis functions.

The field shares its longest waves with the intercept, and perhaps with features. With design :math:`\tilde X`, basis
:math:`\Phi` and weights :math:`w`, what is sampled is not the fixed part :math:`\theta` but
:math:`\theta + (\tilde X^T \tilde X)^{-1} \tilde X^T \Phi w`, which the rows tell far better. That changes the
sampler's path, never the posterior: priors are those of :math:`\theta`.
"""

from typing import Any

import numpy as np

from bayesgeo.models.regression.graph import INTERCEPT_SCALE, contrasts, log_probability, whitening
from bayesgeo.models.spatial.basis import spectral_density


def fixed_coordinates(X: np.ndarray, y: np.ndarray, basis: np.ndarray, scale: float) -> dict[str, np.ndarray]:
    """Return what turns sampled values into the fixed part.

    Parameters
    ----------
    X : numpy.ndarray
        ``(obs, feature)``, standardised.
    y : numpy.ndarray
        ``(obs,)`` codes of classes.
    basis : numpy.ndarray
        ``(obs, function)``.
    scale : float
        Standard deviation of the prior of coefficients.

    Returns
    -------
    dict of str to numpy.ndarray
        ``center`` and ``factor`` of :func:`bayesgeo.models.regression.graph.whitening`, also where there are no
        features, and ``shared (1 + feature, function)``, the fixed part that each function resembles.

    Examples
    --------
    >>> found = fixed_coordinates(np.empty((4, 0)), np.array([0, 1, 0, 1]), np.ones((4, 3)), 2.5)
    >>> found["factor"].shape, found["shared"].round(6).tolist()
    ((1, 1), [[1.0, 1.0, 1.0]])
    """
    design, n_free = np.c_[np.ones(len(X)), X], len(np.unique(y)) - 1
    found = whitening(X if X.shape[1] else np.zeros((len(y), 1)), y, "normal", scale)
    size = design.shape[1] * n_free
    shared = np.linalg.lstsq(design, basis, rcond=None)[0]
    return {"center": found["center"][:size], "factor": found["factor"][:size, :size], "shared": shared}


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
    import pytensor.tensor as pt

    n_features, n_functions, n_labels = sizes
    with pm.Model() as model:
        X, y = pm.Data("X", np.zeros((2, n_features))), pm.Data("y", np.zeros(2, dtype=np.int64))
        basis = pm.Data("basis", np.zeros((2, n_functions)))
        waves = pm.Normal("waves", 0, 1, shape=(n_functions, n_labels - 1))
        free = _amplitude(matern, n_functions, field_scale)[:, None] * waves
        theta = _fixed(free, sizes, prior_scale)
        # The empty sum keeps X among the graph's arrays, where there are no features.
        of_features = X @ theta[1:] if n_features else pt.sum(X, axis=1, keepdims=True)
        predictor = theta[0] + of_features + basis @ free
        names = {"intercept": theta[0], **({"weight": theta[1:]} if n_features else {}), "field_weight": free}
        turned = contrasts(n_labels).T
        for name, values in names.items():
            pm.Deterministic(name, values[..., 0] if n_labels == 2 else values @ turned)
        if n_labels == 2:
            pm.Potential("outcome", y * predictor[:, 0] - pt.softplus(predictor[:, 0]))
        else:
            pm.Potential("outcome", log_probability(y, predictor @ turned, n_labels))
    return model


def _amplitude(matern: tuple[float, int], n_functions: int, field_scale: float) -> Any:
    """Return the standard deviation ``(function,)`` of the weight of each function."""
    import pymc as pm
    import pytensor.tensor as pt

    frequency = pm.Data("frequency", np.ones(n_functions))
    prior, unit = pm.Data("length_prior", np.ones(2)), pm.Data("unit_length", np.array(1.0))
    sd = pm.HalfNormal("field_sd", field_scale)
    length = pm.InverseGamma("scaled_length", prior[0], prior[1])
    pm.Deterministic("length_scale", unit * length)
    return sd * pt.sqrt(spectral_density(frequency, length, *matern))


def _fixed(free: Any, sizes: tuple[int, int, int], prior_scale: float) -> Any:
    """Return intercepts and coefficients ``(1 + feature, free)`` along the contrasts of classes."""
    import pymc as pm
    import pytensor.tensor as pt

    n_features, n_functions, n_labels = sizes
    shape = (n_features + 1, n_labels - 1)
    size = shape[0] * shape[1]
    center, factor = pm.Data("center", np.zeros(size)), pm.Data("factor", np.eye(size))
    shared = pm.Data("shared", np.zeros((n_features + 1, n_functions)))
    near = (center + pt.sum(factor * pm.Flat("z", shape=size), axis=1)).reshape(shape)
    theta = near - shared @ free
    scales = np.array([INTERCEPT_SCALE, *(prior_scale,) * n_features])[:, None]
    pm.Potential("fixed_prior", -0.5 * pt.sum((theta / scales) ** 2))
    return theta
