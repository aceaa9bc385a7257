"""Calibration of classes: CORP decomposition and reliability curve.

The primary figure is the miscalibration of the CORP decomposition, which has no bins to choose (Dimitriadis, Gneiting
and Jordan 2021, PNAS 118:e2016191118). All is of the averaged prediction.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import optimize, special

from bayesgeo._check import invalid, one_of
from bayesgeo.metrics.together import Together, events_together, has_blocks, resamples_of

POINTS = 100  # of a reliability curve
# Of the probability of the observed outcome; the log loss with the floor of that of classes.
LOSSES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "brier_score": lambda chosen: (1 - chosen) ** 2,
    "log_loss": lambda chosen: -np.log(np.maximum(chosen, np.finfo(float).eps)),
}
SCORES = tuple(LOSSES)


@dataclass(frozen=True)
class Decomposition:
    """Hold a mean score as ``miscalibration - discrimination + uncertainty``, in its own unit.

    ``miscalibration`` is what recalibration would gain, ``discrimination`` what the recalibrated forecast gains over
    the overall frequency, and ``uncertainty`` the score of that frequency. None is negative.
    """

    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float


@dataclass(frozen=True, eq=False)
class _Forecasts:
    """Distinct probabilities in rising order, how many rows have each, and in how many the event happened."""

    predicted: np.ndarray
    count: np.ndarray
    hits: np.ndarray

    def recalibrated(self, hits: np.ndarray) -> np.ndarray:
        """Return the isotonic regression of frequency on probability, by pooling adjacent violators."""
        return optimize.isotonic_regression(hits / self.count, weights=self.count).x

    def loss(self, costs: tuple[np.ndarray, np.ndarray], hits: np.ndarray) -> float:
        """Return the mean loss from the :func:`_costs` of a probability for the rows of each distinct forecast."""
        return float(np.sum(hits * costs[0] + (self.count - hits) * costs[1]) / self.count.sum())

    def decompose(self, score: str, hits: np.ndarray, fit: np.ndarray) -> Decomposition:
        overall = np.full(len(hits), hits.sum() / self.count.sum())
        own, best, base = (self.loss(_costs(score, p), hits) for p in (self.predicted, fit, overall))
        return Decomposition(own, own - best, base - best, base)


def _costs(score: str, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss of a probability if the event happens, and if it does not."""
    return LOSSES[score](probability), LOSSES[score](1 - probability)


def _forecasts(predicted: np.ndarray, happened: np.ndarray) -> _Forecasts:
    if not len(predicted) or len(predicted) != len(happened):
        problem = f"There are {len(predicted)} probabilities and {len(happened)} outcomes."
        raise invalid("probabilities", np.shape(predicted), problem, "Give one of each for each row.")
    # NaN compares as false.
    if not ((np.asarray(predicted) >= 0) & (np.asarray(predicted) <= 1)).all():
        raise invalid("probabilities", f"{np.min(predicted)} to {np.max(predicted)}", "They must lie between 0 and 1.")
    values, place, count = np.unique(predicted, return_inverse=True, return_counts=True)
    return _Forecasts(values, count, np.bincount(place, happened, minlength=len(values)))


def event_of(probability: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of an event, and whether it happened, each ``(obs,)``.

    With two labels the event is the positive one, with more it is that the most probable class is right.

    Examples
    --------
    >>> event_of(np.array([[0.3, 0.7], [0.8, 0.2]]), np.array([1, 1]))
    (array([0.7, 0.2]), array([ True,  True]))
    """
    if probability.shape[1] == 2:
        return probability[:, 1], y == 1
    return probability.max(axis=1), probability.argmax(axis=1) == y


def decompose(predicted: np.ndarray, happened: np.ndarray, *, score: str = "brier_score") -> Decomposition:
    """Decompose the score of probabilities of an event by isotonic recalibration (CORP).

    Parameters
    ----------
    predicted : numpy.ndarray
        ``(obs,)`` probabilities of the event.
    happened : numpy.ndarray
        ``(obs,)`` of bool, or 0 and 1.
    score : {"brier_score", "log_loss"}
        Score to decompose.

    Raises
    ------
    InvalidInput
        If there are no rows, a probability is outside 0 to 1, or the score is not known.

    Examples
    --------
    Nine in ten events happen at a predicted probability of 0.5:

    >>> parts = decompose(np.full(10, 0.5), np.arange(10) > 0)
    >>> round(parts.miscalibration, 4), round(parts.discrimination, 4), round(parts.uncertainty, 4)
    (0.16, 0.0, 0.09)
    """
    forecasts = _forecasts(predicted, happened)
    one_of("score", score, SCORES)
    return forecasts.decompose(score, forecasts.hits, forecasts.recalibrated(forecasts.hits))


def class_calibration(
    predictions: xr.Dataset,
    y: np.ndarray,
    labels: tuple[str, ...],
    *,
    prob: float,
    seed: int,
    codes: np.ndarray | None = None,
) -> xr.Dataset:
    """Decompose the scores of class probabilities and draw their reliability curve with consistency bands.

    The event is that of :func:`event_of`. The distribution under calibration is simulated by drawing outcomes from the
    predicted probabilities: where rows have blocks, outcomes that are alike within a block as far as the observed ones
    may be, by :func:`bayesgeo.metrics.together.events_together`; else of independent rows.

    Parameters
    ----------
    predictions : xarray.Dataset
        ``probability (obs, label)``.
    y : numpy.ndarray
        ``(obs,)`` codes.
    labels : tuple of str
        Names of the classes.
    prob : float
        Probability of the bands.
    seed : int
        Seed of the outcomes drawn.
    codes : numpy.ndarray, optional
        ``(obs,)`` block of each row: what counts as one where chance is measured.

    Returns
    -------
    xarray.Dataset
        Along ``score`` (Brier score, log loss): ``value`` and its parts ``miscalibration``, ``discrimination``,
        ``uncertainty``; ``miscalibration_by_chance``, the quantile ``prob`` of it for calibrated probabilities, and
        ``p_calibrated``, the p-value of it. Along ``point``: ``predicted`` and recalibrated
        ``observed`` probability, the pointwise consistency band ``band_low`` to ``band_high`` in which ``observed``
        lies if the probabilities are calibrated, and ``rows`` since the point before. Along ``label``:
        ``label_miscalibration``, ``label_discrimination`` and ``label_uncertainty`` of each class against the rest,
        which add up to the Brier score. Attribute ``correlation``: the median latent correlation within blocks under
        which outcomes were drawn, NaN for independent rows.

    Examples
    --------
    >>> chance = np.repeat([0.25, 0.75], 40)
    >>> predictions = xr.Dataset({"probability": (("obs", "label"), np.column_stack([1 - chance, chance]))})
    >>> y = np.arange(80) % 4 < np.repeat([1, 3], 40)
    >>> found = class_calibration(predictions, y.astype(int), ("no", "yes"), prob=0.9, seed=0)
    >>> found["predicted"].values, found["observed"].values
    (array([0.25, 0.75]), array([0.25, 0.75]))
    """
    probability = predictions["probability"].values
    event = event_of(probability, y)
    forecasts, rng = _forecasts(*event), np.random.default_rng(seed)
    resamples = resamples_of(len(forecasts.predicted) if codes is None else len(y))
    together = None if codes is None or not has_blocks(codes) else events_together(*event, codes, resamples, rng)
    fit = forecasts.recalibrated(forecasts.hits)
    at = _points(forecasts.count)
    curves, by_chance = _under_calibration(forecasts, at, _outcomes(forecasts, event[0], together, resamples, rng))
    parts = [forecasts.decompose(score, forecasts.hits, fit) for score in SCORES]
    found = np.array([part.miscalibration for part in parts])
    low, high = np.quantile(curves, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    rows = np.diff(np.cumsum(forecasts.count)[at], prepend=0)
    return xr.Dataset(
        {
            "value": ("score", [part.score for part in parts]),
            "miscalibration": ("score", found),
            "discrimination": ("score", [part.discrimination for part in parts]),
            "uncertainty": ("score", [part.uncertainty for part in parts]),
            "miscalibration_by_chance": ("score", np.quantile(by_chance, prob, axis=0)),
            "p_calibrated": ("score", (1 + (by_chance >= found).sum(axis=0)) / (1 + len(by_chance))),
            "predicted": ("point", forecasts.predicted[at]),
            "observed": ("point", fit[at]),
            "band_low": ("point", low),
            "band_high": ("point", high),
            "rows": ("point", rows),
            **_by_label(probability, y),
        },
        coords={"score": list(SCORES), "label": list(labels)},
        attrs={
            "prob": prob,
            "event": labels[1] if len(labels) == 2 else "the most probable class is right",
            "correlation": np.nan if together is None else together.typical,
        },
    )


def _points(count: np.ndarray) -> np.ndarray:
    """Choose distinct forecasts spread evenly over the rows, the last one among them."""
    total = np.cumsum(count)
    return np.unique(np.searchsorted(total, np.linspace(0, total[-1], POINTS + 1)[1:] - 0.5))


def _outcomes(
    forecasts: _Forecasts, predicted: np.ndarray, together: Together | None, resamples: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield how often the event happens at each distinct forecast if the forecasts are right."""
    if together is None:
        yield from (rng.binomial(forecasts.count, forecasts.predicted) for _ in range(resamples))
        return
    place, threshold = np.searchsorted(forecasts.predicted, predicted), special.ndtri(predicted)
    for k in range(resamples):
        yield np.bincount(place, together.normals(k, rng) < threshold, minlength=len(forecasts.count))


def _under_calibration(
    forecasts: _Forecasts, at: np.ndarray, outcomes: Iterable[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return curves ``(resample, point)`` and miscalibrations ``(resample, score)`` of simulated outcomes."""
    curves, found = [], []
    given = [_costs(score, forecasts.predicted) for score in SCORES]
    for hits in outcomes:
        fit = forecasts.recalibrated(hits)
        curves.append(fit[at])
        best = [_costs(score, fit) for score in SCORES]
        found.append([forecasts.loss(a, hits) - forecasts.loss(b, hits) for a, b in zip(given, best, strict=True)])
    return np.array(curves), np.array(found)


def _by_label(probability: np.ndarray, y: np.ndarray) -> dict[str, tuple[str, list[float]]]:
    n_labels = probability.shape[1]
    share = 2 if n_labels == 2 else 1  # the Brier score of two classes is halved
    parts = [decompose(probability[:, k], y == k) for k in range(n_labels)]
    names = ("miscalibration", "discrimination", "uncertainty")
    return {f"label_{name}": ("label", [getattr(part, name) / share for part in parts]) for name in names}
