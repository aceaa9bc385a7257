"""Decompose predictive uncertainty, and adjust class probabilities to a known prevalence."""

import numpy as np
import xarray as xr
from scipy.special import entr

from bayesgeo._check import invalid

SAMPLE_DIMS = ("chain", "draw")
SUM_TOLERANCE = 1e-6


def entropy_split(probabilities: xr.DataArray) -> xr.Dataset:
    """Split the entropy of the mean class probabilities into its aleatoric and epistemic parts.

    ``total = H(E p)`` is the entropy of the mean, ``aleatoric = E H(p)`` the expected entropy given the parameters,
    and ``epistemic`` their difference, the mutual information between label and parameters (Depeweg et al. 2018). In
    nats.

    Parameters
    ----------
    probabilities : xarray.DataArray
        ``(chain, draw, ..., label)``, summing to one over ``label``.

    Examples
    --------
    >>> p = xr.DataArray([[[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]]],
    ...                  dims=["chain", "draw", "obs", "label"])
    >>> entropy_split(p)["epistemic"].values.round(4) + 0.0
    array([0.6931, 0.    ])
    """
    _checked_probabilities(probabilities, (*SAMPLE_DIMS, "label"))
    total = xr.apply_ufunc(entr, probabilities.mean(SAMPLE_DIMS)).sum("label")
    aleatoric = xr.apply_ufunc(entr, probabilities).sum("label").mean(SAMPLE_DIMS)
    parts = {"total": total, "aleatoric": aleatoric, "epistemic": np.maximum(total - aleatoric, 0.0)}
    return xr.Dataset(parts, attrs={"unit": "nat"})


def variance_split(expected: xr.DataArray, noise_sd: xr.DataArray) -> xr.Dataset:
    """Split a predictive variance by the law of total variance.

    ``aleatoric = E σ²`` is the noise, ``epistemic = Var μ`` the spread of the expected response over
    draws, and ``total`` their sum.

    Parameters
    ----------
    expected : xarray.DataArray
        ``(chain, draw, ...)`` draws of the expected response.
    noise_sd : xarray.DataArray
        Draws of the standard deviation of the noise, in the same unit; it broadcasts against the first.

    Examples
    --------
    >>> expected = xr.DataArray([[[1.0], [3.0]]], dims=["chain", "draw", "obs"])
    >>> noise_sd = xr.DataArray([[2.0, 2.0]], dims=["chain", "draw"])
    >>> {name: float(part[0]) for name, part in variance_split(expected, noise_sd).items()}
    {'total': 5.0, 'aleatoric': 4.0, 'epistemic': 1.0}
    """
    for name, array in (("expected", expected), ("noise_sd", noise_sd)):
        if not set(SAMPLE_DIMS) <= set(array.dims):
            raise invalid(name, array.dims, "It must have dimensions chain and draw.")
    if not (np.isfinite(expected).all() and np.isfinite(noise_sd).all() and (noise_sd >= 0).all()):
        raise invalid("noise_sd", float(noise_sd.min()), "It must be finite and not negative.")
    epistemic = expected.var(SAMPLE_DIMS)
    aleatoric = (noise_sd**2).mean(SAMPLE_DIMS).broadcast_like(epistemic)
    return xr.Dataset({"total": aleatoric + epistemic, "aleatoric": aleatoric, "epistemic": epistemic})


def change_of_prior(probabilities: xr.DataArray, *, trained: xr.DataArray, known: xr.DataArray) -> xr.DataArray:
    """Move class probabilities from the prevalence a classifier was trained at to a known one.

    p'(k | x) ∝ p(k | x) π'(k) / π(k), which holds where p(x | k) is the same in both (Saerens et al.
    2002, eq. 2.4).

    Parameters
    ----------
    probabilities : xarray.DataArray
        ``(..., label)``, summing to one over ``label``.
    trained, known : xarray.DataArray
        ``(label,)`` prevalence of each class in training and in use, each summing to one.

    Examples
    --------
    >>> names = {"label": ["quake", "blast"]}
    >>> p = xr.DataArray([[0.5, 0.5]], dims=["obs", "label"], coords=names)
    >>> even, rare = xr.DataArray([0.5, 0.5], names), xr.DataArray([0.9, 0.1], names)
    >>> change_of_prior(p, trained=even, known=rare).values
    array([[0.9, 0.1]])
    """
    for array in (probabilities, trained, known):
        _checked_probabilities(array, ("label",))
        if array.sizes["label"] != probabilities.sizes["label"]:
            raise invalid("labels", array.sizes["label"], f"There are {probabilities.sizes['label']} classes.")
        named = "label" in array.coords and "label" in probabilities.coords
        if named and not np.array_equal(array["label"], probabilities["label"]):
            names = array["label"].values.tolist()
            raise invalid("labels", names, "They differ from those of the probabilities.", "Reorder them.")
    if ((trained == 0) & (known > 0)).any():
        raise invalid("trained", 0.0, "A class absent from training has no known odds.", "Leave it out.")
    ratio = xr.where(trained > 0, known / trained.where(trained > 0, 1.0), 0.0)
    moved = probabilities * ratio
    total = moved.sum("label")
    if (total == 0).any():
        raise invalid(
            "known",
            known.values.tolist(),
            "It is zero for every class that is possible at a row.",
            "Give another prevalence.",
        )
    return moved / total


def _checked_probabilities(array: xr.DataArray, dims: tuple[str, ...]) -> None:
    if not set(dims) <= set(array.dims):
        raise invalid("probabilities", array.dims, f"Dimensions {list(dims)} are needed.")
    if not np.isfinite(array).all() or (array < 0).any():
        raise invalid("probabilities", float(array.min()), "They must be finite and not negative.")
    gap = abs(array.sum("label") - 1)
    if (gap > SUM_TOLERANCE).any():
        raise invalid(
            "probabilities", float(gap.max()), "The sum of a row differs from one by this.", "Normalise the rows."
        )
