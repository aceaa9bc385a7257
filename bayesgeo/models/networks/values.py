"""Networks that PyTorch trains, for values: losses, targets and noise."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import one_of
from bayesgeo.models.base import Regressor
from bayesgeo.models.networks import noise as noises
from bayesgeo.models.networks.base import Fit, Parts, TorchNetwork
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.specification import Specification
from bayesgeo.models.training.curves import NEGATIVE_LOG_DENSITY
from bayesgeo.models.training.loop import squared_error
from bayesgeo.models.training.members import CONSTANTS, Loss, Weights


class TorchRegressor(TorchNetwork, Regressor):
    r"""Base of the networks for values, whose noise is that of the perceptron's ``noise``.

    All begin with the least squared error of the standardised target. Noise that is learned, by row or Student-t,
    begins there as wide as the error on the validation rows, and the network is trained on by the negative log
    likelihood: from random weights it would take for noise what it has not learned yet, and learn it no more (Seitzer
    et al. 2022, ICLR; Sluijterman et al. 2024, Neurocomputing 583). A ``start`` takes the place of the warm-up.

    Attributes
    ----------
    noise_floor_ : float
        Least standard deviation of the noise, in units of the standardised target; see
        :func:`bayesgeo.models.networks.noise.noise_floor`.
    sigma_ : float or numpy.ndarray
        Scale of the noise in the unit of ``y``, of each member ``(draw,)``; where it differs by row, its root mean
        square on the validation rows.
    nu_ : float or numpy.ndarray
        Degrees of freedom of Student-t noise.
    """

    def _check(self) -> None:
        super()._check()
        one_of("noise", self._plan().noise, noises.NOISES)

    def _n_outputs(self) -> int:
        return 2 if self._plan().noise == "heteroscedastic" else 1

    def _loss(self) -> Loss:
        losses = {"heteroscedastic": noises.gaussian_loss, "student-t": noises.student_t_loss}
        noise = self._plan().noise
        return losses[noise](self.noise_floor_) if noise in losses else squared_error

    def _loss_name(self) -> str:
        return "mean squared error" if self._plan().noise == "constant" else NEGATIVE_LOG_DENSITY

    def _warmed_up(self, fit: Fit) -> Weights | None:
        noise = self._plan().noise
        if noise == "constant":
            return None
        warm = fit(network=replace(self.network_, outputs=1), loss=squared_error)
        sd = np.sqrt(warm.curve["validation"].min("epoch").values)
        if noise == "student-t":
            return warm.weights | {CONSTANTS: noises.student_t_outputs(sd, noises.FIRST_NU, self.noise_floor_)}
        weight, bias = list(self.network_.shapes)[-2:]
        second = {weight: np.zeros_like(warm.weights[weight]), bias: noises.raw(sd, self.noise_floor_)[:, None]}
        return warm.weights | {name: np.concatenate([warm.weights[name], second[name]], axis=-1) for name in second}

    def _start_weights(self, start: Any, members: int) -> Weights:
        weights, fitted = super()._start_weights(start, members), self._plan().start
        if self._plan().noise != "student-t":
            return weights
        nu = float(np.mean(getattr(fitted, "nu_", noises.FIRST_NU)))
        sd = np.full(members, np.mean(fitted.sigma_) / self.target_scale_)
        sd *= np.sqrt(nu / (nu - 2)) if hasattr(fitted, "nu_") else 1.0
        return weights | {CONSTANTS: noises.student_t_outputs(sd, nu, self.noise_floor_)}

    def _standardise(self, rows: TrainingRows, plan: Any) -> None:
        super()._standardise(rows, plan)
        if hasattr(plan.start, "target_scale_"):
            self.target_center_, self.target_scale_ = plan.start.target_center_, plan.start.target_scale_
        else:
            self.target_center_, self.target_scale_ = (float(value) for value in standardisation(rows.y))
        self.noise_floor_ = noises.noise_floor(rows.y, self.target_scale_)

    def _scaled_target(self, y: np.ndarray) -> dict[str, np.ndarray]:
        return {"y": (y - self.target_center_) / self.target_scale_}

    def _test_target(self, y: np.ndarray) -> np.ndarray:
        return y.astype(np.float64)

    def _constant_loss(self, data: dict[str, np.ndarray], rows: np.ndarray, aside: np.ndarray) -> float:
        errors = data["y"][aside] - data["y"][rows].mean()
        return noises.constant_loss(errors, self._plan().noise, self.noise_floor_)

    def _estimate_noise(self, rows: TrainingRows, parts: Parts, trained: Weights) -> None:
        if CONSTANTS in trained:
            scale, tails = trained[CONSTANTS].T
            self.sigma_ = (noises.softplus(scale) + self.noise_floor_) * self.target_scale_
            self.nu_ = noises.degrees_of_freedom(tails)
        else:
            sds = [self._sd_beside(rows.part(aside), k, len(parts)) for k, (_, aside) in enumerate(parts)]
            self.sigma_ = np.maximum(sds, self.noise_floor_ * self.target_scale_)

    def _sd_beside(self, aside: TrainingRows, member: int, members: int) -> float:
        """Return the standard deviation of the noise on a member's validation rows."""
        predictive = {name: values[0] for name, values in self._noiseless(aside).items()}
        draws = np.array_split(np.arange(self._networks()), members)[member]
        if "sigma" in predictive:
            return float(np.sqrt(np.mean(predictive["sigma"][draws] ** 2)))
        expected = predictive["expected"][draws]
        error = np.mean((aside.y - expected.mean(axis=0)) ** 2)
        # Where draws spread more than the error, no noise is left: a tenth of the error keeps densities bounded.
        return float(np.sqrt(max(error - np.mean(expected.var(axis=0)), 0.01 * error)))

    def _noiseless(self, rows: Rows) -> dict[str, np.ndarray]:
        """Return ``expected (chain, draw, obs)`` and, where the noise differs by row, ``sigma (chain, draw, obs)``."""
        outputs = self._outputs(rows)
        found = {"expected": self.target_center_ + outputs[..., 0] * self.target_scale_}
        if self._n_outputs() == 1:
            return found
        return found | {"sigma": (noises.softplus(outputs[..., 1]) + self.noise_floor_) * self.target_scale_}

    def _predictive(self, rows: Rows) -> dict[str, np.ndarray]:
        same = {} if self._n_outputs() == 2 else {str(name): draws.values for name, draws in self.noise_.items()}
        return self._noiseless(rows) | same

    @property
    def noise_(self) -> xr.Dataset:
        """The noise ``sigma (chain, draw)`` in the unit of ``y``, and ``nu``; absent where it differs by row."""
        noise, draws = self._plan().noise, self._networks()
        if noise == "heteroscedastic":
            return super().noise_
        found = {"sigma": self.sigma_} | ({"nu": self.nu_} if noise == "student-t" else {})
        variables = {name: (("chain", "draw"), np.full((1, draws), values)) for name, values in found.items()}
        return xr.Dataset(variables, {"chain": [0], "draw": np.arange(draws)})

    def specification(self, labels: Sequence[str] = ()) -> Specification:
        """State the formula; see :meth:`Estimator.specification`."""
        plan = self._plan()
        hidden = " × ".join(str(width) for width in plan.hidden)
        network = f"f a network of {hidden} units ({plan.activation})"
        return Specification(f"{noises.LIKELIHOOD[plan.noise]}; {network}", scale="features and target standardised")
