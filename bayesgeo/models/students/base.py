"""Base class of the two students: the teacher, the rows that it predicts, and the training of the network."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import xarray as xr
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from bayesgeo._check import invalid
from bayesgeo.models.architecture import Network
from bayesgeo.models.base import Classifier, Estimator
from bayesgeo.models.preparation import standardisation, validation_rows
from bayesgeo.models.rows import TrainingRows, row_names
from bayesgeo.models.students.draws import DRAWS
from bayesgeo.models.students.rows import transfer_rows
from bayesgeo.models.students.teacher import Moments, check_teacher, fit_teacher, is_fitted, with_names
from bayesgeo.models.training.loop import train
from bayesgeo.models.training.recipe import Recipe
from bayesgeo.models.wrappers.sklearn import seeded

HELD_OUT = 0.2  # share of the rows on which a teacher is calibrated
FEWEST = 10  # rows, below which none are set aside
ENOUGH, TIMES = 50_000, (2, 100)  # rows to draw by default, and bounds on how many times those of the table
BLOCK = 256  # rows at once: their units fit into a processor's cache, and every row is rounded as in any other block
# A large, decaying learning rate and no penalty: a teacher's predictions have no noise to overfit.
LEARNING_RATE, WEIGHT_DECAY = 0.02, 0.0


class Student(Estimator):
    r"""Base of the two students (Hinton, Vinyals & Dean 2015, arXiv 1503.02531).

    The teacher is fitted to a part of the rows and calibrated on the others (Yang & Song 2021, arXiv 2111.01684).
    It then predicts every row, unlabelled rows and rows drawn inside the data's support and beyond it; the student is
    trained on these predictions: on the mean and the spread of the teacher's draws (cf. Malinin et al. 2020, ICLR,
    who learn a Dirichlet distribution from the draws themselves).

    Draws are independent by row: the correlation of rows in the teacher's draws is not learned.

    Attributes
    ----------
    weights_ : dict of numpy.ndarray
        ``weight_k (input, output)`` and ``bias_k (output)`` of each layer, in single precision as they were trained.
    curve_ : xarray.Dataset
        ``training`` and ``validation`` loss by ``epoch``.
    holdout_rows_ : numpy.ndarray
        Rows on which the teacher was calibrated.
    correction_ : float
        Result of the calibration: the temperature, or the factor on the predictive standard deviation; 1 without it.
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

    def fit(
        self,
        X: Any,
        y: Any,
        groups: Any = None,
        *,
        coordinates: Any = None,
        weights: Any = None,
        held_out: Any = None,
        unlabelled: Any = None,
    ) -> Self:
        """Fit the teacher, unless it is fitted, and train the student on its predictions.

        Parameters
        ----------
        X, y, groups, coordinates, weights
            As :meth:`Estimator.fit`.
        held_out : array-like of int, optional
            Positions of rows of ``X`` on which the teacher is calibrated. A teacher that is not fitted is
            fitted to the others; None holds out a fifth of the rows, in whole groups. A fitted teacher must not have
            been trained on them; None leaves it uncalibrated, because its training rows are unknown.
        unlabelled : array-like, optional
            ``(obs, feature)`` more rows for the teacher to predict.

        Returns
        -------
        self

        Raises
        ------
        InvalidInput
            If the teacher does not suit the task, or a setting cannot be used.
        """
        recipe = self._check()
        return self._fit(X, y, groups, coordinates, weights, recipe=recipe, held_out=held_out, unlabelled=unlabelled)

    def uncertainty(self, X: Any) -> xr.Dataset:
        """Return the total, aleatoric and epistemic uncertainty of each row, in closed form.

        Returns
        -------
        xarray.Dataset
            ``total``, ``aleatoric`` and ``epistemic (obs)``, the last two adding up to the first: for classes
            entropies and the mutual information in nats, for values variances in the square of the unit of ``y``.
        """
        check_is_fitted(self)
        parts = [self._split(self._answers(rows.X)) for rows in self._parts(X, None, None)]
        split = {name: ("obs", np.concatenate([part[name] for part in parts])) for name in parts[0]}
        return xr.Dataset(split, {"obs": row_names(X)}, {"unit": "nat"} if isinstance(self, Classifier) else {})

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

    def _has_noise(self, teacher: Any) -> bool:
        return True

    @abstractmethod
    def _teacher_moments(self, X: np.ndarray) -> Moments: ...

    @abstractmethod
    def _correct(self, moments: Moments, y: np.ndarray) -> Moments:
        """Calibrate the moments of all rows by the labels of the held-out rows."""

    @abstractmethod
    def _goals(self, moments: Moments, y: np.ndarray) -> dict[str, np.ndarray]:
        """Return the targets of the loss for each row, having set the scale of the outputs."""

    @abstractmethod
    def _loss(self, outputs: Any, part: dict[str, Any]) -> Any: ...

    @abstractmethod
    def _split(self, answers: np.ndarray) -> dict[str, np.ndarray]: ...

    def _learn(
        self, rows: TrainingRows, *, recipe: Recipe | None = None, held_out: Any = None, unlabelled: Any = None
    ) -> None:
        X, y = rows.X, rows.y
        known = X if unlabelled is None else np.r_[X, self._rows(unlabelled).X]
        self._teach(rows, held_out)
        drawn = transfer_rows(known, self._n_drawn(len(X)), np.random.default_rng(self.seed_))
        everything = np.r_[known, drawn]
        moments = self._correct(self._teacher_moments(everything), y)
        self.center_, self.scale_ = standardisation(X)
        data = {"X": (everything - self.center_) / self.scale_, **self._goals(moments, y)}
        judging = validation_rows(y, rows.group, self.seed_, stratify=False)
        # Too few rows to set some aside: learn from all.
        learning = np.delete(np.arange(len(everything)), judging if len(judging) < len(X) else [])
        parts = [(learning, judging)]
        trained = train(self.network_, data, parts, self._loss, recipe or self._check(), [self.seed_])
        self.weights_ = {name: values[0].astype(np.float32) for name, values in trained.weights.items()}
        self.curve_ = trained.curve.isel(member=0)

    def _n_drawn(self, n: int) -> int:
        times = np.clip(ENOUGH // n, *TIMES) if self.transfer is None else self.transfer
        return int(times) * n

    def _check(self) -> Recipe:
        if not 0 <= self.mix <= 1:
            problem = "It must be in [0, 1]."
            raise invalid("mix", self.mix, problem, "Give mix=0.5.")
        if self.transfer is not None and (not isinstance(self.transfer, int | np.integer) or self.transfer < 0):
            raise invalid("transfer", self.transfer, "It must be an int of at least 0.", "Give transfer=5.")
        check_teacher(self._chosen(), classifier=isinstance(self, Classifier))
        Network(1, self.hidden, 1, self.activation)
        return Recipe(
            schedule="cosine",
            learning_rate=LEARNING_RATE,
            weight_decay=WEIGHT_DECAY,
            max_epochs=self.max_epochs,
            patience=self.max_epochs,
            device=self.device,
        )

    def _chosen(self) -> Any:
        return self._default_teacher() if self.teacher is None else self.teacher

    def _teach(self, rows: TrainingRows, held_out: Any) -> None:
        teacher = self._chosen()
        given = None if held_out is None else _positions(held_out, len(rows))
        if is_fitted(teacher):
            self._teacher, self.holdout_rows_ = teacher, np.arange(0) if given is None else given
            return
        needed = self.calibrate or not self._has_noise(teacher)
        given = np.arange(0) if given is None and not needed else given
        self.holdout_rows_ = self._set_aside(rows) if given is None else given
        part = rows.part(np.setdiff1d(np.arange(len(rows)), self.holdout_rows_))
        target = self.classes_[part.y] if isinstance(self, Classifier) else part.y
        named = with_names(part.X, getattr(self, "feature_names_in_", None))
        self._teacher = fit_teacher(seeded(clone(teacher), self.seed_), named, target, part)

    def _set_aside(self, rows: TrainingRows) -> np.ndarray:
        classes = isinstance(self, Classifier)
        aside = validation_rows(rows.y, rows.group, self.seed_, stratify=classes, part=HELD_OUT)
        left = np.delete(rows.y, aside)
        enough = len(rows) >= FEWEST and (not classes or len(np.unique(left)) > 1)
        return aside if enough else aside[:0]

    def _answers(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs of the network on the scale of the teacher, ``(obs, answer)``."""
        scaled = ((X - self.center_) / self.scale_).astype(np.float32)
        blocks = np.pad(scaled, ((0, -len(X) % BLOCK), (0, 0))).reshape(-1, BLOCK, X.shape[1])
        outputs = np.concatenate([self.network_.forward(block, self.weights_, np) for block in blocks])
        return self.answer_center_ + self.answer_scale_ * outputs[: len(X)]

    def _each(self, X: Any, answer: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Apply ``answer`` to the outputs of each row, a few rows at a time."""
        check_is_fitted(self)
        return np.concatenate([answer(self._answers(rows.X)) for rows in self._parts(X, None, None)])

    def _numbers_per_row(self) -> int:
        return max(super()._numbers_per_row(), 4 * DRAWS * len(self.answer_center_))


def _positions(held_out: Any, n: int) -> np.ndarray:
    rows = np.asarray(held_out)
    usable = rows.ndim == 1 and rows.dtype.kind in "iu" and np.isin(rows, range(n)).all()
    if not usable or len(np.unique(rows)) != len(rows):
        raise invalid("held_out", held_out, f"It is not a list of different positions below {n}.")
    return np.sort(rows)
