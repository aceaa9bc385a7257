r"""Standard deviations of coefficients that hold where the rows of a group are alike.

A posterior takes rows as independent given its parameters. Where rows of one group share a term that the model lacks,
its standard deviations are too small. The sandwich needs no such assumption between rows of a group: at the posterior
mean, with the score :math:`s_g`, the sum over the rows of group :math:`g` of the gradients of the log likelihood,

.. math:: V = B \left(\sum_g s_g s_g^T\right) B,

where :math:`B` is the posterior covariance, the inverse curvature (Liang and Zeger 1986, Biometrika 73:1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

PROB = 0.9
WORK = 2_000_000_000  # groups times cubed coefficients: some ten seconds
LEVERAGE = 0.95  # of a group that alone determines a direction, as near to one as some thousand draws can tell
ALONE = 0.1  # share of a coefficient's variance along such directions that leaves its deviation untold
SAMPLE = ("chain", "draw")


@dataclass(frozen=True, eq=False)
class Slopes:
    """Derivatives of the log likelihood of each row with respect to its linear predictors.

    Parameters
    ----------
    first : numpy.ndarray
        ``(obs, part)`` first derivatives: one part for values and two classes, else one for each label.
    second : numpy.ndarray
        ``(obs, part, part)`` expected second derivatives, their signs changed.
    """

    first: np.ndarray
    second: np.ndarray


@dataclass(frozen=True, eq=False)
class _OfGroups:
    """Scores ``(group, coefficient)`` and information ``(group, coefficient, coefficient)`` of each group."""

    score: np.ndarray
    information: np.ndarray


def cluster_covariance(design: np.ndarray, residual: np.ndarray, groups: np.ndarray, bread: np.ndarray) -> np.ndarray:
    r"""Return the cluster-robust covariance of coefficients with the usual correction, CR1.

    .. math:: \frac{G}{G - 1} \frac{n - 1}{n - p} B \left(\sum_g X_g^T r_g r_g^T X_g\right) B

    Parameters
    ----------
    design : numpy.ndarray
        ``(obs, coefficient)``, with a column of ones for the intercept.
    residual : numpy.ndarray
        ``(obs,)`` derivatives of the log likelihood with respect to the linear predictor: the residual over the
        variance of the noise, or observed minus predicted probability.
    groups : numpy.ndarray
        ``(obs,)`` labels.
    bread : numpy.ndarray
        ``(coefficient, coefficient)`` posterior covariance, or inverse Hessian.

    Examples
    --------
    >>> design, residual = np.ones((4, 1)), np.array([1.0, 1.0, -1.0, -1.0])
    >>> cluster_covariance(design, residual, np.array(["a", "a", "b", "b"]), np.array([[0.25]])).round(6).tolist()
    [[1.0]]
    """
    codes = np.unique(groups, return_inverse=True)[1]
    score = _summed(codes, design * residual[:, None])
    n, p, of_groups = len(design), design.shape[1], len(score)
    correction = of_groups / (of_groups - 1) * (n - 1) / (n - p)
    return correction * bread @ score.T @ score @ bread


def cluster_robust(
    posterior: xr.Dataset, X: np.ndarray, groups: Mapping[str, np.ndarray], slopes: Slopes, names: Sequence[str]
) -> xr.Dataset | None:
    r"""Return cluster-robust standard deviations and intervals of the coefficients of a linear predictor.

    The score of each group is corrected for its own pull on the fit, which leaves no bias where rows are alike in fact
    independent (CR2; Bell and McCaffrey 2002, Survey Methodology 28:2), and the interval is of Student's t with their
    degrees of freedom, far fewer than the groups where few groups determine a coefficient (Imbens and Kolesár 2016,
    Review of Economics and Statistics 98:4). With :math:`K_g = B^{1/2} X_g^T W_g X_g B^{1/2}`,

    .. math:: V = B^{1/2} \left(\sum_g (I - K_g)^{-1/2} B^{1/2} s_g s_g^T B^{1/2} (I - K_g)^{-1/2}\right) B^{1/2}.

    Parameters
    ----------
    posterior : xarray.Dataset
        Draws of ``constant ([label])`` and ``coefficient (feature[, label])``, in the units of the table.
    X : numpy.ndarray
        ``(obs, feature)``, in the same units.
    groups : mapping of str to numpy.ndarray
        Labels ``(obs,)`` by key. Rows may be alike within the groups of the first, which a split keeps together.
    slopes : Slopes
        At the posterior mean.
    names : sequence of str
        Names of the features, ``(feature,)``.

    Returns
    -------
    xarray.Dataset or None
        Along ``feature`` and, with more than two classes, ``label``: ``sd``; ``df``, the degrees of freedom; ``low``
        and ``high``, the ends of the 90 % interval; ``ratio`` of ``sd`` to the posterior's; NaN where one group alone
        determines a coefficient, so that nothing tells how far groups are apart. None of a single group, of draws that
        are not numbers, or
        where coefficients and groups are so many that it would take long.
    """
    key, labels = next(iter(groups.items()))
    codes = np.unique(np.asarray(labels).astype(str), return_inverse=True)[1]
    draws, shape = _draws(posterior)
    n_groups, size = int(codes.max()) + 1, draws.shape[1]
    if n_groups < 2 or n_groups * size**3 > WORK or not np.isfinite(draws).all():
        return None
    bread = np.atleast_2d(np.cov(draws, rowvar=False))
    scale = np.sqrt(np.diag(bread))
    unit = np.where(scale > 0, scale, 1.0)
    design = np.c_[np.ones(len(X)), X]
    # In units of the posterior's deviations, so that roots of the bread do not depend on those of the table.
    sums = _sums(design, codes, slopes, unit)
    sd, df = _small_sample(sums, bread / np.outer(unit, unit))
    center, sd = draws.mean(axis=0), sd * unit
    reach = stats.t.ppf((1 + PROB) / 2, np.maximum(df, 1.0)) * sd
    found = {"sd": sd, "df": df, "low": center - reach, "high": center + reach, "ratio": sd / unit}
    dims = ("feature", "label")[: len(shape)]
    table = {name: (dims, values.reshape(shape)[1:]) for name, values in found.items()}
    coords = {"feature": list(names)} | ({"label": posterior["label"].values} if len(shape) > 1 else {})
    return xr.Dataset(table, coords, attrs={"key": key, "groups": n_groups, "prob": PROB})


def _draws(posterior: xr.Dataset) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return draws ``(sample, coefficient)``, the intercepts first, and the shape of one draw."""
    constant = posterior["constant"].expand_dims("feature")
    last = ("label",) * ("label" in posterior["coefficient"].dims)
    both = [part.transpose(*SAMPLE, "feature", *last).values for part in (constant, posterior["coefficient"])]
    together = np.concatenate(both, axis=2)
    return together.reshape(together.shape[0] * together.shape[1], -1), together.shape[2:]


def _summed(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sum values ``(obs, ...)`` over the rows of each group."""
    order = np.argsort(codes, kind="stable")
    return np.add.reduceat(values[order], np.flatnonzero(np.diff(codes[order], prepend=-1)), axis=0)


def _sums(design: np.ndarray, codes: np.ndarray, slopes: Slopes, unit: np.ndarray) -> _OfGroups:
    parts, (n, p) = slopes.first.shape[1], design.shape
    score = _summed(codes, (design[:, :, None] * slopes.first[:, None, :]).reshape(n, p * parts)) * unit
    information = np.empty((len(score), p * parts, p * parts))
    order = np.argsort(codes, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    for g, of_group in enumerate(rows):
        A, W = design[of_group], slopes.second[of_group]
        found = np.einsum("ia,ikl,ib->akbl", A, W, A, optimize=True)
        information[g] = found.reshape(p * parts, p * parts)
    return _OfGroups(score, information * np.outer(unit, unit))


def _small_sample(sums: _OfGroups, bread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Return standard deviations and degrees of freedom of each coefficient.

    With :math:`b = B^{1/2} e_j`, the variance of coefficient :math:`j` is the quadratic form of the residuals with
    :math:`\Omega_{gg} = b^T K_g b` and :math:`\Omega_{gh} = -u_g^T u_h`, :math:`u_g = K_g (I - K_g)^{-1/2} b`, if the
    rows are independent; the degrees of freedom are :math:`(\mathrm{tr}\,\Omega)^2 / \mathrm{tr}\,\Omega^2`.
    """
    values, vectors = np.linalg.eigh(bread)
    root = (vectors * np.sqrt(values.clip(0.0))) @ vectors.T
    leverage, axes = np.linalg.eigh(root @ sums.information @ root)
    freed = 1 / np.sqrt(1 - leverage.clip(0.0, LEVERAGE))
    turned = np.einsum("gak,ga->gk", axes, sums.score @ root)
    corrected = np.einsum("gak,gk->ga", axes, freed * turned) @ root
    sd = np.sqrt(np.sum(corrected**2, axis=0))
    along = axes.transpose(0, 2, 1) @ root  # (group, axis, coefficient)
    own = np.einsum("gk,gkj->gj", leverage, along**2)
    u = axes @ ((leverage * freed)[:, :, None] * along)
    cross = np.einsum("gaj,gbj->jab", u, u, optimize=True)
    squares = np.sum(own**2 - np.sum(u**2, axis=1) ** 2, axis=0) + np.sum(cross**2, axis=(1, 2))
    total, alone = np.sum(own, axis=0), np.einsum("gk,gkj->gj", leverage > LEVERAGE, along**2).max(axis=0)
    told = (total > 0) & (alone <= ALONE * np.diag(bread))
    return np.where(told, sd, np.nan), np.where(told, total**2 / np.where(told, squares, 1.0), np.nan)
