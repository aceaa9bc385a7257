"""The parts of a standard deviation, of models that say more than what is noise and what is not."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from bayesgeo.maps.layers import Layer

OWN = ("sd_epistemic", "sd_aleatoric")  # names of the parts that every map has
FIELD = "field"


@runtime_checkable
class SplitsSd(Protocol):
    """A model that splits the standard deviation of a response."""

    def predict_sd(self, X: Any, *, groups: Any, coordinates: Any) -> pd.DataFrame:
        """Return ``within``, what lies between, ``epistemic`` and ``total`` of each row."""
        ...


@runtime_checkable
class HasParts(SplitsSd, Protocol):
    """A model that names the parts before it predicts, as a map must."""

    @property
    def sd_parts(self) -> tuple[str, ...]:
        """Names of what lies between: ``field``, or keys of groups."""
        ...


def part_layers(parts: Sequence[str], of: str, unit: str) -> list[Layer]:
    """Return the variables of the parts between noise and epistemic.

    Examples
    --------
    >>> [layer.name for layer in part_layers(["field"], "lead", "ppm")]
    ['sd_field']
    """
    return [Layer(name, _title(part, of), unit) for part, name in zip(parts, _names(parts), strict=True)]


def split_sd(estimator: HasParts, found: Mapping[str, np.ndarray], X: Any, labels: Mapping[str, Any]) -> Any:
    """Return the standard deviations of cells by part, ``(obs,)`` each, as :meth:`predict_sd` has them.

    Parameters
    ----------
    estimator : HasParts
        Fitted model.
    found : mapping of str to numpy.ndarray
        What :func:`bayesgeo.maps.mixture.summarise_cells` found. Where it has ``sd_within``, the model has one part,
        which is what that leaves: what places cost to predict, they cost once.
    X, labels
        The cells.
    """
    names = list(_names(estimator.sd_parts))
    if "sd_within" in found:
        left = (found["sd_aleatoric"] ** 2 - found["sd_within"] ** 2).clip(min=0)
        return {"sd_aleatoric": found["sd_within"], names[0]: np.sqrt(left)}
    frame = estimator.predict_sd(X, **labels)
    own = {"sd": "total", "sd_epistemic": "epistemic", "sd_aleatoric": "within"}
    columns = own | dict(zip(names, estimator.sd_parts, strict=True))
    return {name: frame[column].to_numpy() for name, column in columns.items()}


def _names(parts: Sequence[str]) -> Iterator[str]:
    """Yield a name for the variable of each part, none twice."""
    taken = {*OWN}
    for part in parts:
        name = f"sd_{re.sub(r'\W', '_', part, flags=re.ASCII)}"
        while name in taken:
            name += "_"
        taken.add(name)
        yield name


def _title(part: str, of: str) -> str:
    if part == FIELD:
        return f"standard deviation of {of} from the field between the samples, which more samples nearby would reduce"
    return f"standard deviation of {of} between groups of {part}, where the group is not known"
