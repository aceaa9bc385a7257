"""Base class of the PyTorch networks: rows, scales, training, pruning and outputs."""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.models.architecture import Network
from bayesgeo.models.base import Classifier, Estimator
from bayesgeo.models.networks.warm_start import start_from
from bayesgeo.models.preparation import standardisation, validation_rows
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.training.loop import Trained, train
from bayesgeo.models.training.members import Loss, Weights
from bayesgeo.models.training.pruning import magnitude_masks, pruning_shares
from bayesgeo.models.training.recipe import Recipe

Parts = list[tuple[np.ndarray, np.ndarray]]
Fit = Callable[..., Trained]


class TorchNetwork(Estimator):
    """Base of the perceptrons, and of the ensembles that train several of them at once.

    Networks are trained on standardised rows in minibatches; some rows (whole groups, when groups are given) are set
    aside, and the weights of the epoch with the least loss on them are kept.

    Attributes
    ----------
    weights_ : dict of numpy.ndarray
        ``weight_k (input, output)`` and ``bias_k (output)`` of each layer; several networks have ``(chain, draw)``
        first.
    curve_ : xarray.Dataset
        ``training``, ``validation`` and, where :meth:`fit` was given test rows, ``test`` loss by ``epoch``;
        ``best_epoch``, and the ``constant`` loss of a prediction that ignores the features; the attribute ``loss``
        names it. Of the last round, where weights are pruned, without the warm-up. See
        :func:`bayesgeo.models.training.curves.training_verdict`.
    """

    kind = "deterministic"
    weights_: dict[str, np.ndarray]

    @abstractmethod
    def _plan(self) -> Any:
        """Return the perceptron whose parameters set how each network is built and trained."""

    @property
    def network_(self) -> Network:
        """The architecture of each fitted network; batch normalisation is folded into its weights."""
        plan = self._plan()
        norm = None if plan.norm == "batch" else plan.norm
        return Network(self.n_features_in_, plan.hidden, self._n_outputs(), plan.activation, norm)

    @abstractmethod
    def _n_outputs(self) -> int: ...

    def _check(self) -> None:
        """Refuse parameters that contradict each other."""

    def _learn(self, rows: TrainingRows, *, test: tuple[Any, Any] | None = None, folds: Parts | None = None) -> None:
        """Train each network; with ``folds``, each on the rows of another fold."""
        self._check()
        plan, network, seeds = self._plan(), self.network_, self._member_seeds()
        recipe: Recipe = plan.recipe or Recipe()
        start = None if plan.start is None else start_from(plan.start, self)
        parts = self._parts_of(rows, seeds, folds)
        self._standardise(rows, plan)
        data, loss, frozen = self._data(rows.X, rows.y), self._loss(), _frozen_names(plan, network)
        how: dict[str, Any] = {"data": data, "rows": parts, "recipe": recipe, "seeds": seeds, "frozen": frozen}
        how |= {"watched": self._watched(test), "batch_normalisation": plan.norm == "batch"}
        fit: Fit = partial(train, **how)
        begin = self._start_weights(start, len(seeds)) if start else self._warmed_up(fit)
        trained = fit(network=network, loss=loss, start=begin)
        for share in pruning_shares(plan.sparsity):
            masks = magnitude_masks(trained.weights, share, frozen)
            trained = fit(network=network, loss=loss, start=trained.weights, keep=masks)
        constant = [self._constant_loss(data, *part) for part in parts]
        curve = trained.curve.assign(constant=("member", constant)).assign_attrs(loss=self._loss_name())
        self._keep(trained.weights, curve, parts)
        self._estimate_noise(rows, parts, trained.weights)

    @abstractmethod
    def _loss(self) -> Loss:
        """Return the loss of each row."""

    @abstractmethod
    def _loss_name(self) -> str: ...

    def _warmed_up(self, fit: Fit) -> Weights | None:
        """Return the weights at which training begins; None begins at random ones."""
        return None

    @abstractmethod
    def _member_seeds(self) -> list[int]: ...

    @abstractmethod
    def _keep(self, weights: dict[str, np.ndarray], curve: xr.Dataset, parts: Parts) -> None:
        """Keep trained weights and curves as fitted attributes."""

    def _parts_of(self, rows: TrainingRows, seeds: list[int], folds: Parts | None) -> Parts:
        """Return the training and the validation rows of each network."""
        if folds is None:
            return [self._parted(rows, seed) for seed in seeds]
        found = []
        for (within, _), seed in zip(folds, seeds, strict=True):
            learning, deciding = self._parted(rows.part(within), seed)
            found.append((within[learning], within[deciding]))
        return found

    def _parted(self, rows: TrainingRows, seed: int) -> tuple[np.ndarray, np.ndarray]:
        aside = validation_rows(rows.y, rows.group, seed, stratify=isinstance(self, Classifier))
        rest = np.setdiff1d(np.arange(len(rows)), aside)
        # Too few rows to set some aside: train and stop on the same ones.
        return (rest if len(rest) else aside), aside

    def _standardise(self, rows: TrainingRows, plan: Any) -> None:
        """Estimate the scales; keep those of ``start``, because its weights hold on them only."""
        if plan.start is None:
            self.center_, self.scale_ = standardisation(rows.X)
        else:
            self.center_, self.scale_ = plan.start.center_, plan.start.scale_

    def _start_weights(self, start: Any, members: int) -> Weights:
        weights, _ = start(np.random.default_rng(), 0)
        return {name: np.stack([weights[name]] * members) for name in self.network_.shapes}

    def _watched(self, test: tuple[Any, Any] | None) -> dict[str, np.ndarray] | None:
        if test is None:
            return None
        X, y = test
        return self._data(self._rows(X).X, self._test_target(np.asarray(y)))

    def _data(self, X: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        return {"X": (X - self.center_) / self.scale_} | self._scaled_target(y)

    @abstractmethod
    def _scaled_target(self, y: np.ndarray) -> dict[str, np.ndarray]:
        """Return the arrays of the target that the loss uses."""

    @abstractmethod
    def _test_target(self, y: np.ndarray) -> np.ndarray:
        """Return the target of test rows in the form of that of the training rows."""

    @abstractmethod
    def _constant_loss(self, data: dict[str, np.ndarray], rows: np.ndarray, aside: np.ndarray) -> float:
        """Return the loss, on the validation rows, of the best prediction that ignores the features."""

    def _estimate_noise(self, rows: TrainingRows, parts: Parts, trained: Weights) -> None:
        """Estimate the noise that is the same in every row, after ``_keep``; classifiers have none."""

    def _outputs(self, rows: Rows) -> np.ndarray:
        """Return the outputs of each network, ``(chain, draw, obs, output)``."""
        outputs = self.network_.forward((rows.X - self.center_) / self.scale_, self.weights_, np)
        return outputs if outputs.ndim == 4 else outputs[None, None]

    @abstractmethod
    def _networks(self) -> int:
        """Return the number of networks that predict."""

    def _numbers_per_row(self) -> int:
        return max(super()._numbers_per_row(), self._networks() * max(self.network_.sizes))


def _frozen_names(plan: Any, network: Network) -> list[str]:
    return [name for name in network.shapes if int(name.split("_")[1]) < plan.frozen]
