r"""Linear mixed models with Gaussian noise: everything that the effects of groups integrate to, by elimination.

For rows :math:`y = X \beta + \sum_k Z_k b_k + \varepsilon`, with :math:`b_{kg} \sim N(0, \sigma^2 T_k T_k^T)` and
:math:`\varepsilon \sim N(0, \sigma^2)`, the effect with most groups is eliminated group by group, because its groups
share no row; what remains is one Cholesky factor of the other effects, the coefficients and the target:

.. math:: S = \Lambda^T \left(R^T R - C^T W C\right) \Lambda + J, \quad R = [Z, X, y], \quad C = E^T R, \quad
          W_g = T (T^T E_g^T E_g T + I)^{-1} T^T

(Henderson's equations; Bates et al. 2015, Journal of Statistical Software 67:1, eliminate in the other order). Its last
pivot is the root of the penalised residual sum of squares. Groups of a key with fields are not eliminated: their
effects depend on each other, and :math:`\Lambda` holds the factors of these fields too.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import batched

import joblib
import numpy as np
from scipy import linalg, sparse

from bayesgeo._arrays import spaced
from bayesgeo._check import invalid
from bayesgeo.models.effects.elimination import Pairs, indicators, inner_root, own_products, weights_of
from bayesgeo.models.effects.fields import Field, FieldScales
from bayesgeo.models.effects.levels import Members

MOST_REMAINING = 5_000  # values after elimination: one factor takes some seconds
LEAST_SQUARE = 1e-12  # of a row: under a proper prior the effects may explain a standardised target without noise
AT_ONCE = 300_000  # numbers of the factors computed together: what a processor's cache holds
Roots = Mapping[int, np.ndarray]


@dataclass(frozen=True, eq=False)
class Solved:
    """Factors of the equations for some values of the covariances.

    Parameters
    ----------
    factor : numpy.ndarray
        ``(n, m, m)`` lower Cholesky factors over the remaining effects, the coefficients and the target.
    log_determinant, log_determinant_x : numpy.ndarray
        ``(n,)`` of the effects, and of the coefficients given these.
    squares : numpy.ndarray
        ``(n,)`` penalised residual sums of squares.
    roots : mapping of int to numpy.ndarray
        ``(n, term, level, level)`` factors of the fields of the keys that have some.
    """

    factor: np.ndarray
    log_determinant: np.ndarray
    log_determinant_x: np.ndarray
    squares: np.ndarray
    roots: Roots = field(default_factory=dict)

    def at(self, k: int) -> "Solved":
        """Return one of the solutions, of length one."""
        part = slice(k, k + 1)
        roots = {key: root[part] for key, root in self.roots.items()}
        return Solved(
            self.factor[part], self.log_determinant[part], self.log_determinant_x[part], self.squares[part], roots
        )


@dataclass(frozen=True, eq=False)
class Estimates:
    """Coefficients ``(n, p)`` and, for each effect, those of its groups ``(n, level, term)``."""

    coefficients: np.ndarray
    effects: tuple[np.ndarray, ...]


class MixedEquations:
    """The cross products of a table, from which the equations are solved for any covariances.

    Parameters
    ----------
    X : numpy.ndarray
        ``(obs, coefficient)`` with a column of ones.
    y : numpy.ndarray
        ``(obs,)``.
    groups : sequence of Members
        One for each effect, every row in a known group.
    sizes : sequence of int
        Number of levels of each.
    penalty : numpy.ndarray
        ``(coefficient,)`` prior precision of the coefficients in units of the noise; zeros for a flat prior.
    fields : sequence of (Field or None), optional
        The fields of each effect; none have any by default.

    Raises
    ------
    InvalidInput
        If too many groups of several keys share rows, or have fields.

    Examples
    --------
    >>> codes = np.array([0, 0, 1, 1])
    >>> equations = MixedEquations(np.ones((4, 1)), np.array([1.0, 2.0, 5.0, 6.0]),
    ...                            [Members(codes, np.ones((4, 1)))], [2], np.zeros(1))
    >>> solved = next(equations.solve([np.ones((1, 1, 1))]))[1]
    >>> solved.squares.round(6).tolist()
    [6.333333]
    """

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: Sequence[Members],
        sizes: Sequence[int],
        penalty: np.ndarray,
        *,
        fields: Sequence[Field | None] = (),
    ):
        self.rows, self.penalty = X.shape, penalty
        self.widths = [group.z.shape[1] for group in groups]
        self.groups, self.sizes = list(groups), list(sizes)
        self.fields = list(fields) or [None] * len(groups)
        counts = [size * width for size, width in zip(self.sizes, self.widths, strict=True)]
        free = [k for k, of_key in enumerate(self.fields) if of_key is None]
        self.eliminated = max(free, key=lambda k: counts[k], default=-1)
        self.others = [k for k in range(len(groups)) if k != self.eliminated]
        designs = [indicators(groups[k], self.sizes[k]) for k in self.others]
        table = sparse.csr_array(np.c_[X, y])
        remaining = self.design = sparse.hstack([*designs, table], format="csr") if designs else table
        if remaining.shape[1] > MOST_REMAINING:
            problem = f"{remaining.shape[1]} values remain when the effect with most groups is eliminated."
            remedy = "Drop a key, or join its rare groups; for a field of many rows there is SpatialRegression."
            raise invalid("effects", f"{sum(counts)} values", problem, remedy)
        self.products = (remaining.T @ remaining).toarray()
        if self.eliminated >= 0:
            own = indicators(groups[self.eliminated], self.sizes[self.eliminated])
            self.cross = (own.T @ remaining).tocsr()
            self.own = own_products(groups[self.eliminated], self.sizes[self.eliminated])
            self._pairs = Pairs.of(self.cross, self.widths[self.eliminated], [self.widths[k] for k in self.others])

    @property
    def remaining(self) -> int:
        """Number of values after elimination, the target among them."""
        return len(self.products)

    def solve(
        self, factors: Sequence[np.ndarray], scales: Sequence[FieldScales | None] = ()
    ) -> Iterator[tuple[slice, Solved]]:
        """Yield the factors for covariances, in parts.

        Parameters
        ----------
        factors : sequence of numpy.ndarray
            Lower factors ``(n, term, term)`` of the covariance of each effect's terms, in units of the noise.
        scales : sequence of (FieldScales or None), optional
            Of the fields of each effect.
        """
        n = len(factors[0]) if factors else 1
        step = max(1, AT_ONCE // self.remaining**2)
        parts = [slice(start, min(n, start + step)) for start in range(0, n, step)]

        def solved(part: slice) -> Solved:
            of_fields = {k: one.part(part) for k, one in enumerate(scales) if one is not None}
            return self._solve([factor[part] for factor in factors], of_fields)

        if len(parts) == 1:
            yield parts[0], solved(parts[0])
            return
        with ThreadPoolExecutor(joblib.cpu_count()) as pool:
            # A few parts ahead, so that memory stays bounded.
            for some in batched(parts, joblib.cpu_count()):
                yield from zip(some, pool.map(solved, some), strict=True)

    def _solve(self, factors: Sequence[np.ndarray], scales: Mapping[int, FieldScales]) -> Solved:
        n = len(factors[0]) if factors else 1
        matrix = np.repeat(self.products[None], n, axis=0)
        log_determinant = np.zeros(n)
        if self.eliminated >= 0:
            weights, log_determinant = weights_of(factors[self.eliminated], self.own)
            self._pairs.subtract(matrix, weights)
        roots = {k: self._roots(k, one) for k, one in scales.items()}
        self.scale(matrix, [factors[k] for k in self.others], roots=roots)
        at = np.arange(self.remaining)
        least = LEAST_SQUARE * self.rows[0] if self.penalty.any() else 0.0
        matrix[:, at, at] += np.r_[np.ones(self._first), self.penalty, least]
        factor = _cholesky(matrix)
        logs = 2 * np.log(factor[:, at, at])
        return Solved(
            factor,
            log_determinant + logs[:, : self._first].sum(axis=1),
            logs[:, self._first : -1].sum(axis=1),
            factor[:, -1, -1] ** 2,
            roots,
        )

    def _roots(self, key: int, scales: FieldScales) -> np.ndarray:
        of_key = self.fields[key]
        assert of_key is not None
        return np.stack([of_key.roots(*one) for one in zip(scales.length, scales.share, strict=True)])

    @property
    def _first(self) -> int:
        """Position of the first coefficient."""
        return self.remaining - self.rows[1] - 1

    def scale(
        self, matrix: np.ndarray, factors: Sequence[np.ndarray], *, rows: bool = True, roots: Roots | None = None
    ) -> None:
        """Multiply the columns ``(n, :, m)`` of the remaining effects by their factors, in place, and the rows too.

        Parameters
        ----------
        matrix : numpy.ndarray
            ``(n, :, m)``; symmetric where rows are multiplied.
        factors : sequence of numpy.ndarray
            ``(n, term, term)`` of each remaining effect.
        rows : bool
            Whether rows are multiplied too.
        roots : mapping of int to numpy.ndarray, optional
            ``(n, term, level, level)`` of effects with fields, which multiply after the factors.
        """
        scale, start, roots = np.ones((len(matrix), self.remaining)), 0, roots or {}
        for k, factor in zip(self.others, factors, strict=True):
            size, width = self.sizes[k], self.widths[k]
            part = slice(start, start + size * width)
            if width == 1:
                scale[:, part] = factor[:, :, 0]
            else:
                columns = matrix[:, :, part].reshape(len(matrix), -1, size, width) @ factor[:, None]
                matrix[:, :, part] = columns.reshape(len(matrix), -1, size * width)
            if width > 1 and rows:
                across = factor.transpose(0, 2, 1)[:, None] @ matrix[:, part].reshape(len(matrix), size, width, -1)
                matrix[:, part] = across.reshape(len(matrix), size * width, -1)
            if k in roots:
                _multiply(matrix, start, roots[k], rows=rows, diagonal=width == 1 and self.eliminated < 0)
            start = part.stop
        matrix *= scale[:, None, :]
        if rows:
            matrix *= scale[:, :, None]

    def estimates(self, solved: Solved, factors: Sequence[np.ndarray], noise: "Noise | None" = None) -> Estimates:
        """Return the best linear unbiased predictions at one solution, or draws given that noise.

        Parameters
        ----------
        solved : Solved
            Of length one.
        factors : sequence of numpy.ndarray
            ``(term, term)`` lower factor of each effect's covariance, in units of the noise.
        noise : Noise, optional
            To draw; without it the one estimate is the mean of all draws.
        """
        m, n = self.remaining - 1, 1 if noise is None else noise.draws
        root, right = solved.factor[0, :m, :m], solved.factor[0, m, :m, None]
        right = np.repeat(right, n, axis=1) if noise is None else right + noise.drawn((m, n))
        values = linalg.solve_triangular(root, right, lower=True, trans=1, check_finite=False).T
        effects: dict[int, np.ndarray] = {}
        start = 0
        for k in self.others:
            stop = start + self.sizes[k] * self.widths[k]
            unit = values[:, start:stop].reshape(n, self.sizes[k], self.widths[k])
            if k in solved.roots:
                unit = np.einsum("tij,njt->nit", solved.roots[k][0], unit, optimize=True)
            effects[k] = unit @ factors[k].T
            values[:, start:stop] = effects[k].reshape(n, -1)
            start = stop
        if self.eliminated >= 0:
            left = (self.cross @ np.c_[-values, np.ones(n)].T).T.reshape(n, -1, self.widths[self.eliminated])
            effects[self.eliminated] = self._eliminated(factors[self.eliminated], left, noise)
        return Estimates(values[:, start:], tuple(effects[k] for k in range(len(self.widths))))

    def _eliminated(self, factor: np.ndarray, left: np.ndarray, noise: "Noise | None") -> np.ndarray:
        """Return the eliminated effects ``(n, level, term)`` given sums ``left`` of what the others leave."""
        root = inner_root(factor[None], self.own)[0]
        right, z = left @ factor, 0.0 if noise is None else noise.drawn(left.shape)
        if left.shape[2] == 1:
            return (right / root[..., 0] + z) / root[..., 0] * factor[0, 0]
        half = np.linalg.solve(root, right[..., None])[..., 0] + z
        return np.linalg.solve(root.swapaxes(-1, -2), half[..., None])[..., 0] @ factor.T


def fewer_groups(equations: MixedEquations, n: int) -> MixedEquations | None:
    """Return the equations of the rows of about ``n`` groups of the largest key with a field; None without such."""
    with_field = [k for k, of_key in enumerate(equations.fields) if of_key is not None]
    largest = max(with_field, key=lambda k: equations.sizes[k], default=None)
    if largest is None or equations.sizes[largest] <= n:
        return None
    rows = np.flatnonzero(np.isin(equations.groups[largest].codes, spaced(equations.sizes[largest], n)))
    table = equations.design[rows][:, -equations.rows[1] - 1 :].toarray()
    groups, sizes, fields = [], [], []
    for own, of_key in zip(equations.groups, equations.fields, strict=True):
        levels, codes = np.unique(own.codes[rows], return_inverse=True)
        groups.append(Members(codes, own.z[rows]))
        sizes.append(len(levels))
        fields.append(of_key and Field(of_key.places.points[levels], of_key.smoothness))
    return MixedEquations(table[:, :-1], table[:, -1], groups, sizes, equations.penalty, fields=fields)


@dataclass(frozen=True, eq=False)
class Noise:
    """How many draws to take, the standard deviation of the noise, and where randomness comes from."""

    draws: int
    sigma: float
    rng: np.random.Generator

    def drawn(self, shape: tuple[int, ...]) -> np.ndarray:
        """Draw noise."""
        return self.sigma * self.rng.standard_normal(shape)


def _cholesky(matrix: np.ndarray) -> np.ndarray:
    """Factor each matrix; one that is not positive definite becomes NaN."""
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        if len(matrix) == 1:
            return np.full_like(matrix, np.nan)
        return np.concatenate([_cholesky(one[None]) for one in matrix])


def _multiply(matrix: np.ndarray, start: int, roots: np.ndarray, *, rows: bool, diagonal: bool) -> None:
    """Multiply the columns of one effect by the factors ``(n, term, level, level)`` of its fields, and its rows too.

    NumPy's products alone run beside each other; where the effect's own block is ``diagonal``, one is half the work.
    """
    width, size = roots.shape[1:3]
    stop = start + size * width
    others = np.r_[0:start, stop : matrix.shape[2]]
    for one, of_terms in zip(matrix, roots, strict=True):
        for term, root in enumerate(of_terms):
            part = slice(start + term, stop, width)
            if not (rows and diagonal):
                one[:, part] = one[:, part] @ root
                if rows:
                    one[part] = root.T @ one[part]
                continue
            half = np.sqrt(np.diagonal(one[part, part]))[:, None] * root
            across = one[others, part] @ root
            one[part, part], one[others, part], one[part, others] = half.T @ half, across, across.T
