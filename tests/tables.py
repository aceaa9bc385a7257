"""Small data sets, made anew for each test."""

import numpy as np
import pandas as pd

from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Column


def events(n=90, n_labels=2, seed=0):
    """Return classified events at nine sites."""
    frame, signal = _features(n, seed)
    names = ("quake", "blast", "slide")[:n_labels]
    kinds = np.array(names)[np.digitize(signal, np.quantile(signal, np.arange(1, n_labels) / n_labels))]
    return _dataset("events", frame, pd.Series(kinds, name="kind"), labels=names)


def shaking(n=90, seed=0):
    """Return a quantity measured at nine sites: 10 + 2 a - b + noise of deviation 0.5."""
    frame, signal = _features(n, seed)
    return _dataset("shaking", frame, pd.Series(10.0 + signal, name="pga"))


def write_csv(dataset, path, rows=slice(None), target=True):
    """Write a data set as a user's table."""
    frame = dataset.X.to_pandas().assign(site=dataset.group.values)
    if target:
        values = dataset.y.values
        frame[str(dataset.y.name)] = np.array(dataset.labels)[values] if dataset.labels else values
    frame.iloc[rows].to_csv(path, index=False)
    return path


def _features(n, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "c": rng.normal(size=n)})
    return frame.round(6), 2.0 * frame["a"] - frame["b"] + 0.5 * rng.normal(size=n)


def _dataset(name, frame, target, **fields):
    sites = pd.Series([f"s{k % 9}" for k in range(len(frame))], name="site")
    columns = [Column("a", "m"), Column("b", "s"), Column("c", "")]
    return assemble(name, frame, columns=columns, target=target, groups=sites, **fields)
