"""Scores of single draws: the posterior of a score for the rows at hand.

Each draw of the parameters ranks the rows differently and so has its own area under the ROC and the precision-recall
curve. Their spread is the posterior uncertainty of the score on these same rows. It leaves out the sampling of rows,
and their mean is not the score of the averaged prediction.
"""

import numpy as np
import xarray as xr

from bayesgeo.metrics.base import mean_of_known, rank_sums
from bayesgeo.metrics.classification import average_precision_of, class_ranks, roc_auc_of

DRAWS, FEWEST = 200, 50
NUMBERS = 4_000_000  # probabilities kept at once: 32 MB, and half a second to rank them
AREAS = {"average_precision": average_precision_of, "roc_auc": roc_auc_of}


def probability_draws(draws: xr.DataArray, rows: int) -> np.ndarray:
    """Keep so many draws, evenly chosen, that those of all ``rows`` fit into memory.

    Parameters
    ----------
    draws : xarray.DataArray
        ``(chain, draw, obs, label)`` class probabilities of some of the rows.
    rows : int
        Number of rows in all.

    Returns
    -------
    numpy.ndarray
        ``(draw, obs, label)``, at most 200 draws, chains one after another.

    Examples
    --------
    >>> draws = xr.DataArray(np.full((2, 300, 5, 2), 0.5), dims=("chain", "draw", "obs", "label"))
    >>> probability_draws(draws, rows=5).shape, probability_draws(draws, rows=10**6).shape
    ((200, 5, 2), (50, 5, 2))
    """
    values = draws.transpose("chain", "draw", "obs", "label").values
    n_chains, n_draws = values.shape[:2]
    most = int(np.clip(NUMBERS // (rows * values.shape[-1]), FEWEST, DRAWS))
    kept = np.linspace(0, n_chains * n_draws - 1, min(most, n_chains * n_draws)).astype(int)
    return values[kept // n_draws, kept % n_draws]


def areas_by_draw(probability: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return the area under the ROC and the precision-recall curve (average precision) of each draw.

    Parameters
    ----------
    probability : numpy.ndarray
        ``(draw, obs, label)``.
    y : numpy.ndarray
        ``(obs,)`` codes.

    Returns
    -------
    dict of numpy.ndarray
        ``average_precision`` and ``roc_auc (draw,)``: of the positive class with two, else the mean over the classes
        that occur, one against the rest, as the metrics of these names.

    Examples
    --------
    >>> p = np.array([[0.1, 0.4, 0.35, 0.8], [0.1, 0.3, 0.35, 0.8]])
    >>> areas_by_draw(np.stack([1 - p, p], axis=-1), np.array([0, 0, 1, 1]))["roc_auc"]
    array([0.75, 1.  ])
    """
    one, found = np.ones((len(y), 1)), []
    for draw in probability:
        ranks = class_ranks(xr.Dataset({"probability": (("obs", "label"), draw)}), y)
        sums = [rank_sums(values, part, one) for values, part in ranks]
        found.append([[area(*each)[0] for each in sums] for area in AREAS.values()])
    return dict(zip(AREAS, mean_of_known(np.array(found)).T, strict=True))
