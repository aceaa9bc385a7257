"""A run opened for one of its models: what the model learned from, and where."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo.datasets.base import ON_MAP
from bayesgeo.datasets.columns import Column
from bayesgeo.datasets.registry import raw_units
from bayesgeo.datasets.units import in_unit
from bayesgeo.maps.axes import PLANE
from bayesgeo.models.base import Estimator
from bayesgeo.runs.finished import chosen, load_fitted
from bayesgeo.runs.folder import load_study
from bayesgeo.runs.manifest import columns_of
from bayesgeo.runs.reference import Reference, load_reference


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """A run, and one of its models fitted on every row.

    Parameters
    ----------
    name : str
        The model's name in the run.
    manifest : mapping
        Of the run.
    evidence : xarray.DataTree
        Of the model.
    estimator : Estimator
        The model.
    reference : Reference
        Training rows to measure distances from.
    """

    name: str
    manifest: Mapping[str, Any]
    evidence: xr.DataTree
    estimator: Estimator
    reference: Reference

    @property
    def verdict(self) -> str:
        """What the checks of the posterior add up to."""
        return str(self.evidence["diagnostics"].attrs["verdict"])

    @property
    def labels(self) -> list[str]:
        """Names of the classes that the model knows, in its order; empty for values."""
        labels = self.manifest["dataset"].get("labels") or []
        return [labels[code] for code in getattr(self.estimator, "classes_", [])] if labels else []

    @property
    def unit(self) -> str:
        """Unit of the target; empty where unknown."""
        return str(json.loads(self.evidence.attrs["dataset_description"])["unit"])

    @property
    def columns(self) -> list[Column]:
        """How the columns of a table become features."""
        return columns_of(self.manifest)

    @property
    def library(self) -> str:
        """Name of the data set where it is one of those that come by name, else empty."""
        return str(self.manifest["dataset"]["library"])

    @property
    def wanted(self) -> dict[str, str]:
        """Units of the columns that the run reads, those of the original file of a data set by name among them."""
        raw = raw_units(self.library) if self.library else {}
        return {**raw, **{column.name: column.unit for column in self.columns}}

    @property
    def places(self) -> dict[str, np.ndarray]:
        """Where the rows of the run are, ``(obs,)`` by name, as far as that is known."""
        observed = self.evidence["observed_data"].to_dataset()
        found = {name: observed[name].values.astype(float) for name in ON_MAP if name in observed}
        return {name: values for name, values in found.items() if np.isfinite(values).any()}

    def places_in(self, units: Mapping[str, str]) -> dict[str, np.ndarray]:
        """Return :attr:`places` in other units, as far as both are known; degrees stay degrees."""
        stated = self.manifest["coordinates"]
        turned = {name: (stated.get(name, ""), units.get(name, "")) for name in PLANE}
        known = {name: pair for name, pair in turned.items() if all(pair) and name in self.places}
        found = {name: in_unit(pd.Series(self.places[name], name=name), *pair) for name, pair in known.items()}
        return self.places | {name: values.to_numpy(float) for name, values in found.items()}


def open_run(run: str | Path, model: str | None = None) -> OpenedRun:
    """Open a run for a model; without a name, for that of the best log score.

    Raises
    ------
    InvalidInput
        If the folder holds no run, or it has no such model, or not as it was saved.
    """
    evidences, manifest = load_study(run)
    name = chosen(evidences, model)
    reference = load_reference(run, len(manifest["features"]))
    return OpenedRun(name, manifest, evidences[name], load_fitted(Path(run), name, evidences[name]), reference)


__all__ = ["OpenedRun", "open_run"]
