"""Checks that what was computed from draws and rows was computed from these draws, and these rows."""

import hashlib
from collections.abc import Iterable

import numpy as np
import xarray as xr

from bayesgeo._arrays import spaced
from bayesgeo.diagnostics.base import Check, counted, graded, not_applicable
from bayesgeo.diagnostics.draws import quantities

OF_DRAWS = ("log_likelihood", "cdf", "log_prior")
# A log prior may hang on what was sampled and not kept, such as the level of coefficients of classes: its draws are
# known by their labels alone.
OF_ROWS = FOLLOWING = ("log_likelihood", "cdf")
COLUMNS = 200  # rows of a group that are looked at
LENGTH, SHIFTS = 200, 60  # successive draws of each half of a chain, and shifts of them
NEAR = 3  # draws by which a group is thought to be late or early
# Standard deviations of shifted alignments, added up over the halves of chains. Groups of other draws lie at -2 to 3,
# those of regressions with 3 to 200 coefficients at 60 and more.
ALIGNED_GOOD, ALIGNED_BAD = 6.0, 3.0
CLEAR, CHANCE = 10.0, 3.0  # of most halves of chains, and of one that does not belong
DRAWS_EACH = 4  # draws for each direction, without which the directions are not known
PLAIN = 12.0  # what a group of these very draws must be able to reach for its absence to say anything
NONE = "No group is stored draw by draw of which it can be told whether it follows the posterior's draws."


def of_rows(tree: xr.DataTree) -> Check:
    """Check that the log likelihood has a value for each row that the model learned from."""
    if not set(OF_ROWS) & set(tree.children):
        return not_applicable("of_rows", "Nothing is stored row by row.")
    found = [fault for name in OF_ROWS if name in tree.children for fault in _other_rows(tree, name)]
    advice = "A group by row belongs to other rows than the model's: files were cut or mixed. Fit again."
    return counted("of_rows", found, "groups of other rows", advice)


def _other_rows(tree: xr.DataTree, name: str) -> Iterable[str]:
    """Yield how the rows of a group are not those that the tree observed, or states that it learned from."""
    group = tree[name].to_dataset()
    observed = tree["observed_data"].to_dataset() if "observed_data" in tree.children else xr.Dataset()
    own = group.attrs.get("data_sha256")
    if own is not None and own != tree.attrs.get("data_sha256", own):
        yield f"{name}, computed from other data"
    for variable, values in group.data_vars.items():
        size = int(np.prod([values.sizes[dim] for dim in values.dims if dim not in ("chain", "draw")]))
        if variable in observed and size != observed[variable].size:
            yield f"{name}, {size} rows of {variable}, {observed[variable].size} observed"
    rows = group["row"].values if "row" in group.coords else np.arange(0)
    total = int(group.attrs.get("rows", 0))
    if total and rows.size and (rows[0] != 0 or rows[-1] != total - 1 or (np.diff(rows) <= 0).any()):
        yield f"{name}, rows {rows[0]} to {rows[-1]} of {total}"


def of_draws(tree: xr.DataTree) -> Check:
    r"""Check that the groups computed from draws follow the draws of this posterior.

    Let :math:`K_{ij}` be the inner product of draws i and j of a chain along all directions in which the posterior
    varies, each of unit deviation, and :math:`L_{ij}` that of the values of a group. What is a function of the draws is
    alike where they are: :math:`\sum_{ij} K_{ij} L_{ij}` then exceeds the same sum with the group shifted in time,
    which leaves the memory of each chain as it is. Told is the difference in standard deviations over shifts, added up
    over the halves of the chains. The functions of a network follow its weights too crookedly for that: they carry a
    fingerprint instead.
    """
    posterior = tree["posterior"].to_dataset()
    groups = {name: tree[name].to_dataset() for name in OF_DRAWS if name in tree.children}
    threshold = f">= {ALIGNED_GOOD:g} sd of shifted draws"
    advice = "Computed from other draws than the posterior's: files were mixed. Compute it again."
    other = [f"{name}: {text}" for name, group in groups.items() if (text := _labels(group, posterior))]
    other += _forged(tree)
    if other:
        return Check("of_draws", "issue", np.nan, threshold, f"{'; '.join(other)}. {advice}")
    found = {name: _followed(groups[name], posterior) for name in FOLLOWING if name in groups}
    known = {name: result for name, result in found.items() if result is not None}
    if not known:
        return _fingerprinted(tree)
    worst = min(known, key=lambda name: known[name][0])
    value, what = known[worst]
    return graded("of_draws", value, ALIGNED_GOOD, ALIGNED_BAD, f"{worst}: {what}. {advice}", threshold=threshold)


def fingerprint(functions: xr.Dataset, posterior: xr.Dataset) -> str:
    """Hash functions of a network together with the draws that they were computed from.

    Examples
    --------
    >>> draws, other = (xr.Dataset({"weight": (("chain", "draw"), np.full((4, 9), value))}) for value in (0.0, 1.0))
    >>> fingerprint(draws, draws) == fingerprint(draws, other)
    False
    """
    found = hashlib.sha256()
    for group in (functions, posterior):
        for name in sorted(map(str, group.data_vars)):
            values = group[name]
            values = values.transpose("chain", "draw", *sorted(map(str, {*values.dims} - {"chain", "draw"})))
            found.update(f"{name} {values.shape} ".encode() + np.ascontiguousarray(values, dtype="<f8").tobytes())
    return found.hexdigest()


def _forged(tree: xr.DataTree) -> list[str]:
    group = tree["functions"].to_dataset() if "functions" in tree.children else xr.Dataset()
    stated = group.attrs.get("fingerprint")
    if stated is None or stated == fingerprint(group, tree["posterior"].to_dataset()):
        return []
    return ["functions: their fingerprint is not that of them and these draws"]


def _fingerprinted(tree: xr.DataTree) -> Check:
    if "functions" in tree.children and "fingerprint" in tree["functions"].attrs:
        return Check("of_draws", "passed", 0.0, "0 other groups", "The fingerprint of the functions is right.")
    return not_applicable("of_draws", NONE)


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


def _followed(group: xr.Dataset, posterior: xr.Dataset) -> tuple[float, str] | None:
    """Return how clearly a group follows the draws, and where it does not; None where that cannot be told."""
    same = {dim: group[dim] for dim in ("chain", "draw") if dim in group.coords and dim in posterior.coords}
    draws, known = _directions(_varying(posterior.sel(same) if same else posterior))
    values = _bounded(_varying(group))
    if not values.shape[2] or not draws.shape[2]:
        return None
    values = values[..., spaced(values.shape[2], COLUMNS)]
    parts = [(k, part) for k in range(len(draws)) for part in _halves(draws.shape[1])]
    aligned = [_aligned(draws[part], values[part]) for part in parts]
    by_part, late = (np.array([found[k] for found in aligned]) for k in range(2))
    together = float(by_part.sum() / np.sqrt(len(parts)))
    # Of n draws along so many directions, one of which decides.
    able = min(LENGTH, draws.shape[1] // 2) * np.sqrt(len(parts) / draws.shape[2])
    if together < ALIGNED_GOOD and not (known and able > PLAIN):
        return None
    if np.median(late) > CHANCE:
        return -float(np.median(late)), "it follows draws before or after"
    lost = int(by_part.argmin())
    if together >= ALIGNED_GOOD and np.median(by_part) > CLEAR and by_part[lost] < CHANCE:
        return float(min(by_part[lost], CHANCE - 1)), f"it does not follow chain {parts[lost][0]}"
    return together, f"it {'follows' if together >= ALIGNED_GOOD else 'does not follow'} the draws"


def _halves(n: int) -> Iterable[slice]:
    """Yield successive draws from the middle of each half of a chain."""
    length = min(LENGTH, n // 2)
    for middle in (n // 4, n - n // 4):
        start = min(max(middle - length // 2, 0), n - length)
        yield slice(start, start + length)


def _varying(group: xr.Dataset) -> np.ndarray:
    """Return the quantities that are numbers and vary in every chain, ``(chain, draw, quantity)``."""
    numbers = [name for name, values in group.data_vars.items() if {"chain", "draw"} <= set(values.dims)]
    values = quantities(group[numbers])[1] if numbers else np.empty((group.sizes["chain"], group.sizes["draw"], 0))
    values = values[..., np.isfinite(values).all(axis=(0, 1))]
    return values[..., (np.ptp(values, axis=1) > 0).all(axis=0)]


def _directions(values: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return draws along all directions, each of unit deviation, and whether there are enough to know these.

    What a likelihood tells best varies least: the sum of two coefficients that are only known together.
    """
    known = values.shape[2] * DRAWS_EACH <= values[..., 0].size if values.shape[2] else False
    if known:
        z = (values - values.mean(axis=(0, 1))) / values.std(axis=(0, 1))
        flat = z.reshape(-1, values.shape[2])
        variance, vectors = np.linalg.eigh(flat.T @ flat / len(flat))
        kept = variance > 1e-12 * variance[-1]
        values = z @ (vectors[:, kept] / np.sqrt(variance[kept]))
    bounded = _bounded(values)
    return np.concatenate([bounded, np.abs(bounded)], axis=2), known


def _bounded(values: np.ndarray) -> np.ndarray:
    """Return draws from their median, bounded so that a far one does not decide."""
    low, center, high = np.quantile(values, [0.25, 0.5, 0.75], axis=(0, 1))
    return np.arctan((values - center) / np.where(high > low, high - low, 1.0))


def _aligned(draws: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Return the alignment of a part of a chain, and how much greater it is a few draws off."""
    n = len(draws)
    K, L = _similarity(draws), np.tile(_similarity(values), (2, 2))

    def at(shift: int) -> float:
        return float((K * L[shift : shift + n, shift : shift + n]).sum())

    far = [at(shift) for shift in np.unique(np.linspace(n // 10, n - n // 10, SHIFTS).astype(int)).tolist()]
    near = [at(shift) for k in range(1, NEAR + 1) for shift in (k, n - k)]
    here, spread = at(0), float(np.std(far))
    return ((here - float(np.mean(far))) / spread, (max(near) - here) / spread) if spread > 0 else (0.0, 0.0)


def _similarity(values: np.ndarray) -> np.ndarray:
    """Return the inner products of standardised draws, ``(draw, draw)``."""
    z = values - values.mean(axis=0)
    spread = z.std(axis=0)
    z = z / np.where(spread > 0, spread, 1.0)
    return z @ z.T
