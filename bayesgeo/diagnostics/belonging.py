"""Check that what was computed from draws and rows was computed from these draws, and these rows."""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from bayesgeo._arrays import spaced
from bayesgeo.diagnostics.base import Check, counted, graded, not_applicable
from bayesgeo.diagnostics.draws import quantities

OF_DRAWS = ("log_likelihood", "cdf", "log_prior", "functions")
OF_ROWS = ("log_likelihood", "cdf")
COLUMNS = 200  # rows, or points, of a group that are looked at
LENGTH, SHIFTS = 200, 60  # successive draws of each half of a chain, and shifts of them
NEAR = 3  # draws by which a group is thought to be late or early
# Standard deviations of shifted alignments. Groups of other draws reach 3 once in a few thousand posteriors; the log
# likelihood of a regression of 100 coefficients lies at 100 and more.
ALIGNED_GOOD, ALIGNED_BAD = 6.0, 3.0
CLEAR, CHANCE = 10.0, 3.0  # of most halves of chains, and of one that does not belong
PLAIN = 12.0  # what groups of these very draws must be able to reach for their absence to say anything


def of_rows(tree: xr.DataTree) -> Check:
    """Check that the log likelihood has a value for each row that the model learned from."""
    found = [fault for name in OF_ROWS if name in tree.children for fault in _other_rows(tree, name)]
    if not set(OF_ROWS) & set(tree.children):
        return not_applicable("of_rows", "Nothing is stored row by row.")
    advice = "A group by row belongs to other rows than the model's: files were cut or mixed. Fit again."
    return counted("of_rows", found, "groups of other rows", advice)


def _other_rows(tree: xr.DataTree, name: str) -> list[str]:
    group = tree[name].to_dataset()
    found = []
    if tree.attrs.get("data_sha256", "") != group.attrs.get("data_sha256", tree.attrs.get("data_sha256", "")):
        found.append(f"{name}, computed from other data")
    observed = tree["observed_data"].to_dataset() if "observed_data" in tree.children else xr.Dataset()
    for variable, values in group.data_vars.items():
        sizes = [values.sizes[dim] for dim in values.dims if dim not in ("chain", "draw")]
        if variable in observed and int(np.prod(sizes)) != observed[variable].size:
            found.append(f"{name}, {np.prod(sizes)} rows of {variable}, {observed[variable].size} observed")
    rows = group["row"].values if "row" in group.coords else np.arange(0)
    total = int(group.attrs.get("rows", 0))
    if total and rows.size and (rows[0] != 0 or rows[-1] != total - 1 or (np.diff(rows) <= 0).any()):
        found.append(f"{name}, rows {rows[0]} to {rows[-1]} of {total}")
    return found


def of_draws(tree: xr.DataTree) -> Check:
    r"""Check that the groups computed from draws follow the draws of this posterior.

    Let :math:`K_{ij}` be the inner product of draws i and j of a chain over all standardised quantities and their
    distances from the median, and :math:`L_{ij}` that over the values of a group. What is a function of the draws is
    alike where they are: :math:`\\sum_{ij} K_{ij} L_{ij}` then exceeds the same sum with all of a group's draws shifted
    in time, which leaves each chain's memory as it is. The statistic is the difference in standard deviations over
    shifts, for each half of each chain, added up over them.
    """
    posterior = tree["posterior"].to_dataset()
    groups = {name: tree[name].to_dataset() for name in OF_DRAWS if name in tree.children}
    other = [f"{name}: {text}" for name, group in groups.items() if (text := _labels(group, posterior))]
    threshold = f">= {ALIGNED_GOOD:g} sd of shifted draws"
    advice = "A group was computed from other draws than the posterior's: files were mixed. Compute it again."
    if other:
        return Check("of_draws", "issue", np.nan, threshold, f"{'; '.join(other)}. {advice}")
    found = {name: _followed(name, group, posterior) for name, group in groups.items()}
    known = {name: result for name, result in found.items() if result is not None}
    if not known:
        return not_applicable("of_draws", "No group is stored draw by draw whose draws the posterior's could explain.")
    worst = min(known, key=lambda name: known[name][0])
    value, what = known[worst]
    return graded("of_draws", value, ALIGNED_GOOD, ALIGNED_BAD, f"{worst}: {what}. {advice}", threshold=threshold)


def _labels(group: xr.Dataset, posterior: xr.Dataset) -> str:
    """Return why the draws of a group are not among the posterior's, by number or label; empty if they are."""
    for dim in ("chain", "draw"):
        if dim not in group.dims:
            return f"it has no dimension {dim}"
        if dim in group.coords and dim in posterior.coords:
            if not np.isin(group[dim].values, posterior[dim].values).all():
                return f"its labels along {dim} are not the posterior's"
        elif group.sizes[dim] != posterior.sizes[dim]:
            return f"it has {group.sizes[dim]} of {posterior.sizes[dim]} along {dim}"
    return ""


def _followed(name: str, group: xr.Dataset, posterior: xr.Dataset) -> tuple[float, str] | None:
    """Return how clearly a group follows the draws, and where it does not; None where that cannot be told."""
    same = {dim: group[dim] for dim in ("chain", "draw") if dim in group.coords and dim in posterior.coords}
    chosen = posterior.sel(same) if same else posterior
    draws, values = (_columns(part) for part in (chosen, group))
    if not values.shape[2] or not draws.shape[2]:
        return None
    values = values[..., spaced(values.shape[2], COLUMNS)]
    if name == "functions" and draws.shape[2] / 2 < _directions(values[0]):
        return None  # not all weights were kept
    parts = [(k, part) for k in range(len(draws)) for part in _halves(draws.shape[1])]
    aligned = [_aligned(draws[part], values[part]) for part in parts]
    by_part, late, able = (np.array([found[k] for found in aligned]) for k in range(3))
    together = float(by_part.sum() / np.sqrt(len(parts)))
    if together < ALIGNED_GOOD and np.sqrt((able**2).sum()) < PLAIN:
        return None
    if np.median(late) > CHANCE:
        return -float(np.median(late)), "it follows draws before or after"
    lost = int(by_part.argmin())
    if together >= ALIGNED_GOOD and np.median(by_part) > CLEAR and by_part[lost] < CHANCE:
        return float(min(by_part[lost], CHANCE - 1)), f"it does not follow chain {parts[lost][0]}"
    return together, "it does not follow the draws" if together < ALIGNED_GOOD else "it follows the draws"


def _halves(n: int) -> Iterable[slice]:
    """Yield successive draws from the middle of each half of a chain."""
    length = min(LENGTH, n // 2)
    for middle in (n // 4, n - n // 4):
        start = min(max(middle - length // 2, 0), n - length)
        yield slice(start, start + length)


def _columns(group: xr.Dataset) -> np.ndarray:
    """Return quantities that vary in every chain, bounded, and their distances from the median."""
    numbers = [name for name, values in group.data_vars.items() if {"chain", "draw"} <= set(values.dims)]
    values = quantities(group[numbers])[1]
    values = values[..., np.isfinite(values).all(axis=(0, 1))]
    values = values[..., (np.ptp(values, axis=1) > 0).all(axis=0)]
    low, center, high = np.quantile(values, [0.25, 0.5, 0.75], axis=(0, 1))
    z = np.arctan((values - center) / np.where(high > low, high - low, 1.0))
    return np.concatenate([z, np.abs(z)], axis=2)


def _aligned(draws: np.ndarray, values: np.ndarray) -> tuple[float, float, float]:
    """Return the alignment of a part of a chain, how much greater it is a few draws off, and what it could be."""
    n = len(draws)
    K, L = _similarity(draws), np.tile(_similarity(values), (2, 2))

    def at(shift: int) -> float:
        return float((K * L[shift : shift + n, shift : shift + n]).sum())

    far = [at(shift) for shift in np.unique(np.linspace(n // 10, n - n // 10, SHIFTS).astype(int)).tolist()]
    near = [at(shift) for k in range(1, NEAR + 1) for shift in (k, n - k)]
    here, spread = at(0), float(np.std(far))
    if not spread > 0:
        return 0.0, 0.0, 0.0
    # Of n draws along so many directions, one of which decides.
    able = n / np.sqrt(2 * max(_directions(draws), 1.0))
    return (here - float(np.mean(far))) / spread, (max(near) - here) / spread, float(able)


def _similarity(values: np.ndarray) -> np.ndarray:
    """Return the inner products of standardised draws, ``(draw, draw)``."""
    z = values - values.mean(axis=0)
    spread = z.std(axis=0)
    z = z / np.where(spread > 0, spread, 1.0)
    return z @ z.T


def _directions(values: np.ndarray) -> float:
    """Return along how many directions draws vary: the squared sum of their variances over the sum of squares."""
    K = _similarity(values)
    own = np.diag(K)
    apart = max((K**2).sum() - (own**2).sum(), np.finfo(float).tiny)
    return float(own.sum() ** 2 / apart)
