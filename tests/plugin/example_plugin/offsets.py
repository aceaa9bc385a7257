"""Linear regression with one slope for each feature and an offset for each group."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from example_plugin.pathfinder import Pathfinder

from bayesgeo.inference.base import Problem
from bayesgeo.models.base import Regressor
from bayesgeo.models.bayesian import Bayesian, feature_names
from bayesgeo.models.criticism import PredictiveFunctions
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.specification import Prior, Specification

WIDE = "Wide for a standardised target."


def offsets_graph(n_features: int, n_groups: int) -> Any:
    """Build the PyMC model."""
    import pymc as pm

    with pm.Model() as model:
        X, y = pm.Data("X", np.zeros((2, n_features))), pm.Data("y", np.zeros(2))
        group = pm.Data("group", np.zeros(2, dtype=np.int64))
        slope = pm.Normal("slope", 0, 3, shape=n_features)
        spread = pm.HalfNormal("spread", 1)
        offset = pm.Deterministic("offset", spread * pm.Normal("z", 0, 1, shape=n_groups))
        mean = (X * slope).sum(axis=-1) + offset[group]
        pm.Normal("outcome", mean, pm.HalfNormal("sigma", 1), observed=y)
    return model


class SiteOffsets(Bayesian, Regressor):
    """Linear regression with offsets of groups; a new group is integrated over their population."""

    name = "site_offsets"
    unseen_groups = "population"

    def __init__(self, *, inference: Any = None, random_state: Any = None):
        self.inference = inference
        self.random_state = random_state

    def specification(self, labels: Any = ()) -> Specification:
        """State the model."""
        return Specification(
            likelihood="yᵢ ~ Normal(xᵢᵀb + u_g(i), s²), u_g ~ Normal(0, t²)",
            scale="features and target standardised",
            priors=(
                Prior("b", "Normal(0, 3²)", WIDE),
                Prior("t", "HalfNormal(1)", WIDE),
                Prior("s", "HalfNormal(1)", WIDE),
            ),
            prior_kind="default",
            quantities=("coefficient", "group_sd", "noise_sd"),
            effects="slope",
            names={"group_sd": "sd between groups"},
        )

    def _inference(self, problem: Problem) -> Any:
        """Take Pathfinder by default: quick, and labelled as an approximation."""
        return Pathfinder() if self.inference is None else super()._inference(problem)

    def _problem(self, rows: Any) -> Problem:
        self.target_center_, self.target_scale_ = (float(value) for value in standardisation(rows.y))
        labels = np.zeros(len(rows)) if rows.group is None else rows.group
        self.known_, codes = np.unique(labels.astype(str), return_inverse=True)
        return Problem(
            build=partial(offsets_graph, rows.X.shape[1], len(self.known_)),
            data={
                "X": self._scaled(rows.X),
                "y": (rows.y - self.target_center_) / self.target_scale_,
                "group": codes.astype(np.int64),
            },
            dims={"slope": ("feature",), "offset": ("known",), "spread": (), "sigma": ()},
            coords={"feature": feature_names(self), "known": self.known_.tolist()},
        )

    def _on_original_scale(self, posterior: xr.Dataset) -> xr.Dataset:
        scale = xr.DataArray(self.scale_, dims="feature")
        return posterior.assign(
            coefficient=posterior["slope"] * self.target_scale_ / scale,
            group_sd=posterior["spread"] * self.target_scale_,
            noise_sd=posterior["sigma"] * self.target_scale_,
        )

    def _predictive_functions(self, problem: Problem) -> PredictiveFunctions:
        return PredictiveFunctions(self._predict_from)

    def _predict_from(self, rows: Any, p: Any) -> dict[str, np.ndarray]:
        """Predict known groups by their offsets, new ones by their population."""
        place, known = self._places(rows)
        mean = (self._scaled(rows.X) @ p["slope"][..., None])[..., 0]
        mean = mean + np.where(known, p["offset"][..., place], 0.0)
        sigma = np.hypot(p["sigma"][..., None], np.where(known, 0.0, p["spread"][..., None]))
        return {"expected": self.target_center_ + mean * self.target_scale_, "sigma": sigma * self.target_scale_}

    def _places(self, rows: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the position of each row's group among the known ones, and whether it is one of them."""
        if rows.group is None:
            return np.zeros(len(rows), dtype=int), np.zeros(len(rows), dtype=bool)
        labels = rows.group.astype(str)
        place = np.searchsorted(self.known_, labels).clip(max=len(self.known_) - 1)
        return place, self.known_[place] == labels

    def _predictive(self, rows: Any) -> dict[str, np.ndarray]:
        return self._predict_from(rows, self._parameters())
