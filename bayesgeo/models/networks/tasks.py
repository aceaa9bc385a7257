"""What the networks that PyTorch trains do for classes, and for values: losses, targets and expected outcomes."""

import numpy as np
from scipy import special
from sklearn.utils import compute_class_weight

from bayesgeo._check import invalid, shown
from bayesgeo.models.base import Classifier, Regressor
from bayesgeo.models.networks.base import MLP
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.training.loop import cross_entropy, squared_error


class NetworkClassifier(MLP, Classifier):
    """Base of the networks for classes: softmax and cross-entropy, which of two classes is the binary one."""

    loss = staticmethod(cross_entropy)

    def _standardise(self, X: np.ndarray, y: np.ndarray) -> None:
        super()._standardise(X, y)
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_[y])
        # On average one, so that steps have the length they have without.
        self.class_weights_ = None if self.class_weight is None else weights / weights[y].mean()

    def _scaled_target(self, y: np.ndarray) -> dict[str, np.ndarray]:
        weight = {} if self.class_weights_ is None else {"weight": self.class_weights_[y]}
        return {"y": y.astype(np.int64)} | weight

    def _test_target(self, y: np.ndarray) -> np.ndarray:
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise invalid("test", shown(unknown), "The rows to learn from have no such class.")
        return np.searchsorted(self.classes_, y)

    def _constant_loss(self, data: dict[str, np.ndarray], rows: np.ndarray, aside: np.ndarray) -> float:
        weight = data.get("weight", np.ones(len(data["y"])))
        counts = np.bincount(data["y"][rows], weight[rows], minlength=len(self.classes_))
        return float(-np.mean(weight[aside] * np.log(np.maximum(counts, 0.5) / counts.sum())[data["y"][aside]]))

    def _expected(self, X: np.ndarray) -> np.ndarray:
        return special.softmax(self._outputs(X), axis=-1)


class NetworkRegressor(MLP, Regressor):
    """Base of the networks for values, by mean squared error of the standardised target."""

    loss = staticmethod(squared_error)

    def _check(self) -> None:
        super()._check()
        if self.class_weight is not None:
            raise invalid("class_weight", self.class_weight, "Values have no classes.", "Leave it None.")

    def _standardise(self, X: np.ndarray, y: np.ndarray) -> None:
        super()._standardise(X, y)
        if hasattr(self.start, "target_scale_"):
            self.target_center_, self.target_scale_ = self.start.target_center_, self.start.target_scale_
        else:
            self.target_center_, self.target_scale_ = (float(value) for value in standardisation(y))

    def _scaled_target(self, y: np.ndarray) -> dict[str, np.ndarray]:
        return {"y": (y - self.target_center_) / self.target_scale_}

    def _test_target(self, y: np.ndarray) -> np.ndarray:
        return y.astype(np.float64)

    def _constant_loss(self, data: dict[str, np.ndarray], rows: np.ndarray, aside: np.ndarray) -> float:
        return float(np.mean((data["y"][aside] - data["y"][rows].mean()) ** 2))

    def _expected(self, X: np.ndarray) -> np.ndarray:
        return self.target_center_ + self._outputs(X)[..., 0] * self.target_scale_
