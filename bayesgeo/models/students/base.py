"""What the two students share: who teaches, on which rows, and how the network learns the answers."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import xarray as xr
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted, validate_data

from bayesgeo._check import invalid
from bayesgeo.models.architecture import Network
from bayesgeo.models.base import Classifier, Estimator, framed, row_labels
from bayesgeo.models.preparation import standardisation, validation_rows
from bayesgeo.models.students.draws import DRAWS
from bayesgeo.models.students.rows import transfer_rows
from bayesgeo.models.students.teacher import Moments, check_teacher, fit_teacher, is_fitted, with_names
from bayesgeo.models.training.loop import train
from bayesgeo.models.training.recipe import Recipe

HELD_OUT = 0.2  # part of the rows on which a teacher is calibrated
FEWEST = 10  # rows, below which none are set aside
ENOUGH, TIMES = 50_000, (2, 100)  # rows to draw by default, and bounds on how many times those of the table
BLOCK = 256  # rows at once: their units fit into a processor's cache, and every row is rounded as in any other block
# Large steps that end small, and no penalty: a teacher's answers have no noise to overfit.
LEARNING_RATE, WEIGHT_DECAY = 0.02, 0.0


class Student(Estimator):
    r"""Base of the two students (Hinton, Vinyals & Dean 2015, arXiv 1503.02531).

    The teacher learns from a part of the rows and is calibrated on the others (Yang & Song 2021, arXiv 2111.01684).
    It then answers for every row, for unlabelled ones and for rows drawn inside the data's support and beyond it; the
    student learns from these answers the mean and the spread of the teacher's draws (cf. Malinin et al. 2020, ICLR,
    who learn a Dirichlet distribution from the draws themselves).

    Draws are those of each row by itself: how two rows go together in the teacher's draws is not learned.

    Attributes
    ----------
    weights_ : dict of numpy.ndarray
        ``weight_k (input, output)`` and ``bias_k (output)`` of each layer, in single precision as they were trained.
    curve_ : xarray.Dataset
        ``training`` and ``validation`` loss by ``epoch``.
    held_out_rows_ : numpy.ndarray
        Rows on which the teacher was calibrated.
    correction_ : float
        What calibration did: the temperature, or the factor on the predictive standard deviation; 1 if nothing.
    spread_ : bool
        Whether the teacher had several draws, so that there is an epistemic uncertainty to learn.
    teacher_ : estimator
        The fitted teacher; it is not saved with the student.
    """

    kind = "deterministic"

    def __init__(
        self,
        teacher: Any = None,
        hidden: tuple[int, ...] = (32, 32),
        *,
        activation: str = "silu",
        calibrate: bool = True,
        mix: float = 0.0,
        transfer: int | None = None,
        max_epochs: int = 200,
        device: str = "auto",
        random_state: Any = None,
    ):
        self.teacher = teacher
        self.hidden = hidden
        self.activation = activation
        self.calibrate = calibrate
        self.mix = mix
        self.transfer = transfer
        self.max_epochs = max_epochs
        self.device = device
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None, *, held_out: Any = None, unlabelled: Any = None) -> Self:
        """Teach the teacher, unless it is fitted, and learn from it.

        Parameters
        ----------
        X, y, groups : array-like
            As :meth:`Estimator.fit`.
        held_out : array-like of int, optional
            Positions of rows of ``X`` on which the teacher is calibrated. A teacher that is not fitted learns from
            the others; None sets a fifth of the rows aside, in whole groups. A fitted teacher must not have learned
            from them; None leaves it as it is, because nobody knows which rows it has seen.
        unlabelled : array-like, optional
            ``(obs, feature)`` more rows to ask the teacher about.

        Returns
        -------
        self

        Raises
        ------
        InvalidInput
            If the teacher does not suit the task, or a setting cannot be used.
        """
        self._lent = {"recipe": self._check(), "held_out": held_out, "unlabelled": unlabelled}
        try:
            return super().fit(X, y, groups)
        finally:
            del self._lent

    def uncertainty(self, X: Any) -> xr.Dataset:
        """Return what the student is unsure of and why, for each row, in closed form.

        Returns
        -------
        xarray.Dataset
            ``total``, ``aleatoric`` and ``epistemic (obs)``, the last two adding up to the first: for classes
            entropies and the mutual information in nats, for values variances in the square of the unit of ``y``.
        """
        check_is_fitted(self)
        parts = [self._split(self._answers(values)) for values, _ in self._chunks(X)]
        split = {name: ("obs", np.concatenate([part[name] for part in parts])) for name in parts[0]}
        return xr.Dataset(split, {"obs": row_labels(X)}, {"unit": "nat"} if isinstance(self, Classifier) else {})

    @property
    def network_(self) -> Network:
        """The architecture of the fitted student."""
        return Network(self.n_features_in_, self.hidden, len(self.answer_center_), self.activation)

    @property
    def teacher_(self) -> Any:
        """The fitted teacher; only there until the student is saved."""
        return self._teacher

    @abstractmethod
    def _default_teacher(self) -> Estimator: ...

    def _knows_noise(self, teacher: Any) -> bool:
        return True

    @abstractmethod
    def _ask(self, X: np.ndarray) -> Moments: ...

    @abstractmethod
    def _correct(self, moments: Moments, y: np.ndarray) -> Moments:
        """Calibrate the moments of all rows by the labels of those held out."""

    @abstractmethod
    def _goals(self, moments: Moments, y: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the loss reads of each row, having set the scale of the answers."""

    @abstractmethod
    def _loss(self, outputs: Any, part: dict[str, Any]) -> Any: ...

    @abstractmethod
    def _split(self, answers: np.ndarray) -> dict[str, np.ndarray]: ...

    def _learn(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        recipe, held_out, unlabelled = self._lent.values()
        known = X
        if unlabelled is not None:
            known = np.r_[X, validate_data(self, framed(unlabelled), dtype=np.float64, reset=False)]
        self._teach(X, y, groups, held_out)
        drawn = transfer_rows(known, self._n_drawn(len(X)), np.random.default_rng(self.seed_))
        everything = np.r_[known, drawn]
        moments = self._correct(self._ask(everything), y)
        self.center_, self.scale_ = standardisation(X)
        data = {"X": (everything - self.center_) / self.scale_, **self._goals(moments, y)}
        judging = validation_rows(y, groups, self.seed_, stratify=False)
        # Too few rows to set some aside: learn from all.
        learning = np.delete(np.arange(len(everything)), judging if len(judging) < len(X) else [])
        rows = [(learning, judging)]
        trained = train(self.network_, data, rows, self._loss, recipe, [self.seed_], device=self.device)
        self.weights_ = {name: values[0].astype(np.float32) for name, values in trained.weights.items()}
        self.curve_ = trained.curve.isel(member=0)

    def _n_drawn(self, n: int) -> int:
        times = np.clip(ENOUGH // n, *TIMES) if self.transfer is None else self.transfer
        return int(times) * n

    def _check(self) -> Recipe:
        if not 0 <= self.mix <= 1:
            problem = "It is the weight of the labels beside the teacher's answers."
            raise invalid("mix", self.mix, problem, "Give a number from 0 to 1.")
        if self.transfer is not None and (not isinstance(self.transfer, int | np.integer) or self.transfer < 0):
            raise invalid("transfer", self.transfer, "It is how many rows to draw for each row.", "Give transfer=5.")
        check_teacher(self._chosen(), classifier=isinstance(self, Classifier))
        Network(1, self.hidden, 1, self.activation)
        return Recipe(
            schedule="cosine",
            learning_rate=LEARNING_RATE,
            weight_decay=WEIGHT_DECAY,
            max_epochs=self.max_epochs,
            patience=self.max_epochs,
        )

    def _chosen(self) -> Any:
        return self._default_teacher() if self.teacher is None else self.teacher

    def _teach(self, X: np.ndarray, y: np.ndarray, groups: Any, held_out: Any) -> None:
        teacher = self._chosen()
        given = None if held_out is None else _positions(held_out, len(X))
        if is_fitted(teacher):
            self._teacher, self.held_out_rows_ = teacher, np.arange(0) if given is None else given
            return
        needed = self.calibrate or not self._knows_noise(teacher)
        given = np.arange(0) if given is None and not needed else given
        self.held_out_rows_ = self._set_aside(y, groups) if given is None else given
        rows = np.setdiff1d(np.arange(len(X)), self.held_out_rows_)
        target = self.classes_[y] if isinstance(self, Classifier) else y
        part = None if groups is None else np.asarray(groups)[rows]
        named = with_names(X[rows], getattr(self, "feature_names_in_", None))
        self._teacher = fit_teacher(_seeded(clone(teacher), self.seed_), named, target[rows], part)

    def _set_aside(self, y: np.ndarray, groups: Any) -> np.ndarray:
        rows = validation_rows(y, groups, self.seed_, stratify=isinstance(self, Classifier), part=HELD_OUT)
        left = np.delete(y, rows)
        enough = len(y) >= FEWEST and (not isinstance(self, Classifier) or len(np.unique(left)) > 1)
        return rows if enough else rows[:0]

    def _answers(self, X: np.ndarray) -> np.ndarray:
        """Return the answers ``(obs, answer)`` that the network gives."""
        scaled = ((X - self.center_) / self.scale_).astype(np.float32)
        blocks = np.pad(scaled, ((0, -len(X) % BLOCK), (0, 0))).reshape(-1, BLOCK, X.shape[1])
        outputs = np.concatenate([self.network_.forward(block, self.weights_, np) for block in blocks])
        return self.answer_center_ + self.answer_scale_ * outputs[: len(X)]

    def _each(self, X: Any, answer: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return what ``answer`` makes of the answers of each row, a few rows at a time."""
        check_is_fitted(self)
        return np.concatenate([answer(self._answers(values)) for values, _ in self._chunks(X)])

    def _numbers_per_row(self) -> int:
        return max(super()._numbers_per_row(), 4 * DRAWS * len(self.answer_center_))


def _positions(held_out: Any, n: int) -> np.ndarray:
    rows = np.asarray(held_out)
    usable = rows.ndim == 1 and rows.dtype.kind in "iu" and np.isin(rows, range(n)).all()
    if not usable or len(np.unique(rows)) != len(rows):
        raise invalid("held_out", held_out, f"It is not a list of different positions below {n}.")
    return np.sort(rows)


def _seeded(estimator: Any, seed: int) -> Any:
    """Give a seed to whatever in an estimator has none."""
    unset = {
        name: seed
        for name, value in estimator.get_params().items()
        if value is None and name.split("__")[-1] == "random_state"
    }
    return estimator.set_params(**unset)
