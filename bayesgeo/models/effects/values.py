"""Base of the models of values with effects of groups: the standard deviation split by where it comes from."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from bayesgeo.models.base import Regressor
from bayesgeo.models.effects.base import Grouped
from bayesgeo.models.effects.prediction import Absent, Parameters
from bayesgeo.models.rows import Rows


class GroupedRegressor(Grouped, Regressor):
    """Base of the models of values with effects of groups."""

    @property
    def sd_parts(self) -> tuple[str, ...]:
        """Keys of the effects; see :meth:`predict_sd`."""
        return tuple(effect.key for effect in self.effects_)

    def predict_sd(self, X: Any, groups: Any = None, *, coordinates: Any = None) -> pd.DataFrame:
        r"""Split the standard deviation of each row's outcome by where it comes from.

        Parameters
        ----------
        X, groups, coordinates
            As in :meth:`predict`.

        Returns
        -------
        pandas.DataFrame
            A row for each row of ``X``, in the unit of ``y``: ``within``, the noise within groups; for each key how far
            groups differ, zero for a known group, whose effect is estimated; ``epistemic``, the deviation of the
            expected outcome, with that of known effects, over the posterior; and ``total``, the root of the sum of
            their squares.
        """
        check_is_fitted(self)
        parts = [self._variances(rows) for rows in self._parts(X, groups, coordinates, arrays=4)]
        frame = pd.concat(parts)
        return np.sqrt(frame.assign(total=frame.sum(axis=1)))

    def _variances(self, rows: Rows) -> pd.DataFrame:
        p = self._draws()
        absent = self._absent(rows, p)
        found = {"within": np.full(len(rows), np.mean(_within(p) ** 2))}
        for effect, own in zip(self.effects_, absent, strict=True):
            found[effect.key] = own.spread(own.variance, len(rows)).mean(axis=(0, 1))
        found["epistemic"] = self._mean(rows, p, absent).var(axis=(0, 1))
        return pd.DataFrame(found, index=rows.names)

    @abstractmethod
    def _draws(self) -> Parameters:
        """Return draws of ``noise_sd``, of effects and of their covariances in the units of the table."""

    @abstractmethod
    def _mean(self, rows: Rows, p: Parameters, absent: Sequence[Absent] | None = None) -> np.ndarray:
        """Return the mean ``(chain, draw, obs)`` in the unit of ``y``, groups not seen at the mean given those seen."""


def _within(p: Parameters) -> np.ndarray:
    """Return the standard deviation of the noise; infinite where its tails have none."""
    if "nu" not in p:
        return p["noise_sd"]
    nu = p["nu"]
    return np.where(nu > 2, p["noise_sd"] * np.sqrt(nu / np.where(nu > 2, nu - 2, 1.0)), np.inf)
