"""Networks that PyTorch trains, for classes: loss, target and probabilities."""

from typing import Any

import numpy as np
from scipy import special
from sklearn.utils import compute_class_weight

from bayesgeo._check import invalid, shown
from bayesgeo.models.base import Classifier
from bayesgeo.models.networks.base import TorchNetwork
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.training.loop import cross_entropy
from bayesgeo.models.training.members import Loss


class TorchClassifier(TorchNetwork, Classifier):
    """Base of the networks for classes: softmax and cross-entropy, which equals the binary one for two classes."""

    def _loss(self) -> Loss:
        return cross_entropy

    def _loss_name(self) -> str:
        return "cross-entropy"

    def _n_outputs(self) -> int:
        return len(self.classes_)

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
