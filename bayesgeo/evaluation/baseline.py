"""Whether any model is shown to predict better than a baseline that ignores the features."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.evaluation.compare import NO_DIFFERENCE, TOO_FEW, blocks_of, paired, ranked_by, scores_of
from bayesgeo.metrics.base import block_codes
from bayesgeo.metrics.paired import fewest_blocks, joint_sign_flip_p

# That features help is what a decision rests on: it is claimed in error of one set of noise in 100, not one in 40.
HELP_PROB = 0.98


def against_baseline(
    evidences: Mapping[str, xr.DataTree], *, metric: str = "log_score", seed: int = 0
) -> dict[str, Any] | None:
    """Test all models against the best baseline at once.

    A model is shown better if :func:`bayesgeo.evaluation.compare.compare` calls it better than the baseline, and its
    one-sided p-value, adjusted for looking at every model
    (:func:`bayesgeo.metrics.paired.joint_sign_flip_p`), is at most 0.01.

    Parameters
    ----------
    evidences, metric, seed
        As for :func:`bayesgeo.evaluation.compare.compare`.

    Returns
    -------
    dict or None
        ``baseline``, its name; ``shown``, the names of the models shown better, best first; ``p`` of each model;
        ``blocks``, and the number ``needed`` before anything can be shown; ``conclusion`` ("better", "no detectable
        difference" or "too few groups to tell"). None without a baseline, or without other models.

    Raises
    ------
    InvalidInput
        If the Evidences are not about the same rows in the same folds, or lack the score.

    Examples
    --------
    >>> from bayesgeo.datasets.registry import load
    >>> from bayesgeo.datasets.split import split
    >>> from bayesgeo.evaluation.evaluate import evaluate
    >>> from bayesgeo.models.baselines import LogisticClassifier, MajorityClassifier
    >>> events = load("seismic_events")
    >>> folds = split(events, folds=2)
    >>> models = {"logistic": LogisticClassifier(), "majority": MajorityClassifier()}
    >>> found = against_baseline({name: evaluate(model, events, folds) for name, model in models.items()})
    >>> found["baseline"], found["shown"], found["conclusion"]
    ('majority', ['logistic'], 'better')
    """
    ranked = ranked_by(evidences, metric)
    baselines = [name for name in ranked if evidences[name].attrs["kind"] == "baseline"]
    models = [name for name in ranked if name not in baselines]
    if not baselines or not models:
        return None
    of_baseline = scores_of(evidences[baselines[0]], metric)
    codes = block_codes(blocks_of(evidences[ranked[0]]), seed=seed)
    gains = np.stack([scores_of(evidences[name], metric) - of_baseline for name in models], axis=1)
    p = dict(zip(models, joint_sign_flip_p(gains, codes, seed=seed).tolist(), strict=True))
    pairs = {name: paired(evidences, name, baselines[0], metric, seed)["conclusion"] for name in models}
    shown = [name for name in models if pairs[name] == "better" and p[name] <= (1 - HELP_PROB) / 2]
    blocks, needed = int(codes.max()) + 1, fewest_blocks(HELP_PROB)
    conclusion = "better" if shown else TOO_FEW if blocks < needed else NO_DIFFERENCE
    return {
        "baseline": baselines[0],
        "shown": shown,
        "p": p,
        "blocks": blocks,
        "needed": needed,
        "conclusion": conclusion,
    }
