"""A multilayer perceptron, trained once by PyTorch: the deterministic network."""

import numpy as np
import xarray as xr

from bayesgeo.models.networks.base import Rows
from bayesgeo.models.networks.tasks import NetworkClassifier, NetworkRegressor


class MLPClassifier(NetworkClassifier):
    """Multilayer perceptron for classes, by cross-entropy.

    Parameters
    ----------
    hidden : tuple of int
        Width of each hidden layer.
    activation : str
        One of ``identity, sigmoid, tanh, relu, leaky_relu, softplus, silu, gelu``.
    norm : {None, "batch", "layer"}
        What enters each activation is normalised over the batch (and this folded into the weights after training) or
        over the layer's units.
    dropout : float
        Share of hidden units left out at each step of training.
    draws : int, optional
        So many networks with units left out predict, as draws (Gal & Ghahramani 2016, ICML); None predicts with all
        units.
    optimiser, learning_rate, schedule, weight_decay, l1, batch_size, max_epochs, patience
        As in :class:`bayesgeo.models.training.recipe.Recipe`.
    class_weight : {None, "balanced"} or dict
        Weight of each class in the loss: the same, inverse to its frequency, or as given.
    start : estimator, optional
        A fitted network of this architecture to train on; its standardisation stays, so that its function does. What
        copies models loses that it is fitted: there give ``sklearn.frozen.FrozenEstimator(network)``.
    frozen : int
        Number of first layers left as the start has them.
    sparsity : float
        Share of the weights that end as zero: the smallest, in rounds with training between (Zhu & Gupta 2017,
        arXiv 1710.01878).
    device : {"auto", "cpu", "cuda", "mps"}
        Where to train; ``"auto"`` takes a GPU when there is one.
    random_state : int, RandomState or None
        Seed of the starting weights, batches, dropout and validation rows.

    Examples
    --------
    >>> MLPClassifier(hidden=(8,), activation="tanh").hidden
    (8,)
    """

    name = "mlp"


class MLPRegressor(NetworkRegressor):
    """Multilayer perceptron for values, by mean squared error; parameters as :class:`MLPClassifier`.

    Its noise is Gaussian, as wide as the error on the validation rows; with ``draws``, as wide as the error of their
    mean less their own spread.

    Examples
    --------
    >>> MLPRegressor(weight_decay=0.1).weight_decay
    0.1
    """

    name = "mlp"

    def _judge(self, X: np.ndarray, y: np.ndarray, parts: Rows) -> None:
        aside = parts[0][1]
        expected = self._expected(X[aside])
        error = np.mean((y[aside] - expected.mean(axis=(0, 1))) ** 2)
        # Draws that spread more than they err leave no noise: a tenth of the error keeps densities bounded.
        spread = np.mean(expected.var(axis=(0, 1)))
        self.sigma_ = float(max(np.sqrt(max(error - spread, 0.01 * error)), np.finfo(float).tiny))

    @property
    def noise_(self) -> xr.Dataset:
        """The noise ``sigma (chain, draw)`` in the unit of ``y``."""
        sigma = np.full((1, self._networks()), self.sigma_)
        return xr.Dataset({"sigma": (("chain", "draw"), sigma)}, {"chain": [0], "draw": np.arange(sigma.size)})


__all__ = ["MLPClassifier", "MLPRegressor"]
