"""Networks that PyTorch trains, for classes and for values: losses, targets and expected outcomes."""

from typing import Any

import numpy as np
from scipy import special
from sklearn.utils import compute_class_weight

from bayesgeo._check import invalid, shown
from bayesgeo.models.base import Classifier, Regressor
from bayesgeo.models.networks.base import TorchNetwork
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.training.loop import cross_entropy, squared_error


class TorchClassifier(TorchNetwork, Classifier):
    """Base of the networks for classes: softmax and cross-entropy, which equals the binary one for two classes."""

    loss = staticmethod(cross_entropy)

    def _standardise(self, rows: TrainingRows, plan: Any) -> None:
        super()._standardise(rows, plan)
        weights = compute_class_weight(plan.class_weight, classes=self.classes_, y=self.classes_[rows.y])
        # Weights average one, so that steps are as long as without weights.
        self.class_weights_ = None if plan.class_weight is None else weights / weights[rows.y].mean()

    def _scaled_target(self, y: np.ndarray) -> dict[str, np.ndarray]:
        weight = {} if self.class_weights_ is None else {"weight": self.class_weights_[y]}
        return {"y": y.astype(np.int64)} | weight

    def _test_target(self, y: np.ndarray) -> np.ndarray:
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise invalid("test", shown(unknown), "The training rows have no such class.")
        return np.searchsorted(self.classes_, y)

    def _constant_loss(self, data: dict[str, np.ndarray], rows: np.ndarray, aside: np.ndarray) -> float:
        weight = data.get("weight", np.ones(len(data["y"])))
        counts = np.bincount(data["y"][rows], weight[rows], minlength=len(self.classes_))
        return float(-np.mean(weight[aside] * np.log(np.maximum(counts, 0.5) / counts.sum())[data["y"][aside]]))

    def _expected(self, rows: Rows) -> np.ndarray:
        return special.softmax(self._outputs(rows), axis=-1)


class TorchRegressor(TorchNetwork, Regressor):
    """Base of the networks for values, by mean squared error of the standardised target."""

    loss = staticmethod(squared_error)

    def _check(self) -> None:
        super()._check()
        weight = self._plan().class_weight
        if weight is not None:
            raise invalid("class_weight", weight, "Values have no classes.", "Leave it None.")

    def _standardise(self, rows: TrainingRows, plan: Any) -> None:
        super()._standardise(rows, plan)
        if hasattr(plan.start, "target_scale_"):
            self.target_center_, self.target_scale_ = plan.start.target_center_, plan.start.target_scale_
        else:
            self.target_center_, self.target_scale_ = (float(value) for value in standardisation(rows.y))

    def _scaled_target(self, y: np.ndarray) -> dict[str, np.ndarray]:
        return {"y": (y - self.target_center_) / self.target_scale_}

    def _test_target(self, y: np.ndarray) -> np.ndarray:
        return y.astype(np.float64)

    def _constant_loss(self, data: dict[str, np.ndarray], rows: np.ndarray, aside: np.ndarray) -> float:
        return float(np.mean((data["y"][aside] - data["y"][rows].mean()) ** 2))

    def _expected(self, rows: Rows) -> np.ndarray:
        return self.target_center_ + self._outputs(rows)[..., 0] * self.target_scale_
