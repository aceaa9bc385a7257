"""The noise of networks for values: its floor, the losses that learn it, and where it starts."""

from typing import Any

import numpy as np
from scipy import optimize, special, stats

from bayesgeo.models.architecture import ACTIVATIONS
from bayesgeo.models.networks.graph import LEAST_SD, NU_RATE, NU_SHAPE
from bayesgeo.models.preparation import resolution
from bayesgeo.models.training.members import Loss, whole_turns

NOISES = ("heteroscedastic", "constant", "student-t")
LIKELIHOOD = {
    "heteroscedastic": "yᵢ ~ Normal(f₁(xᵢ), σ(xᵢ)²), σ = log(1 + exp f₂) + floor",
    "constant": "yᵢ ~ Normal(f(xᵢ), σ²)",
    "student-t": "yᵢ ~ Student-t(ν, f(xᵢ), σ²), ν > 2",
}
LEAST_NU = 2.0  # below, the noise has no variance, and no share of it could be called noise
MOST_NU = 100.0  # hardly different from a Gaussian; single precision cannot tell far larger ones
FIRST_NU = 5.0


def noise_floor(y: np.ndarray, scale: float) -> float:
    r"""Return the least standard deviation of the noise, in units of the standardised target.

    A value rounded to steps of :math:`r` has an error that is uniform over a step, of standard deviation
    :math:`r / \sqrt{12}` (Sheppard 1898, Proceedings of the London Mathematical Society 29): narrower noise claims what
    the values cannot show, and its density at them has no bound. Where they are not rounded, the least is
    ``LEAST_SD``.

    Parameters
    ----------
    y : numpy.ndarray
        ``(obs,)`` training targets in their unit.
    scale : float
        Standard deviation that one of the standardised target stands for.

    Examples
    --------
    >>> y = np.repeat([4.0, 5.0, 6.0, 7.0], 10)
    >>> round(noise_floor(y, scale=2.0), 4)
    0.1443
    """
    return max(LEAST_SD, float(resolution(y) / (np.sqrt(12.0) * scale)))


def softplus(output: np.ndarray) -> np.ndarray:
    """Return ``log(1 + exp(output))``, which is above zero.

    Examples
    --------
    >>> softplus(np.array([-50.0, 0.0, 50.0])).round(3).tolist()
    [0.0, 0.693, 50.0]
    """
    return ACTIVATIONS["softplus"](output, np)


def raw(value: Any, floor: float) -> np.ndarray:
    """Return the output whose softplus, with ``floor`` added, is ``value``, or a little more than ``floor``.

    Examples
    --------
    >>> (softplus(raw([0.5, 3.0], 0.1)) + 0.1).round(6).tolist()
    [0.5, 3.0]
    """
    above = np.maximum(np.asarray(value, dtype=float) - floor, LEAST_SD)
    # Of large values expm1 overflows.
    return above + np.log(-np.expm1(-above))


def degrees_of_freedom(output: np.ndarray) -> np.ndarray:
    """Return the degrees of freedom that the third output stands for, between 2 and 100.

    Examples
    --------
    >>> degrees_of_freedom(np.array([-50.0, 0.0, 50.0])).round(3).tolist()
    [2.0, 51.0, 100.0]
    """
    return LEAST_NU + (MOST_NU - LEAST_NU) * special.expit(output)


def student_t_outputs(sd: np.ndarray, nu: Any, floor: float) -> np.ndarray:
    """Return the second and third output ``(member, 2)`` for noise of standard deviation ``sd (member,)``.

    Examples
    --------
    >>> outputs = student_t_outputs(np.array([2.0]), 4.0, 0.1)
    >>> (softplus(outputs[:, 0]) + 0.1).round(4).tolist(), degrees_of_freedom(outputs[:, 1]).round(4).tolist()
    ([1.4142], [4.0])
    """
    nu = np.clip(nu, LEAST_NU + 0.1, MOST_NU - 0.1)
    tails = special.logit((nu - LEAST_NU) / (MOST_NU - LEAST_NU))
    return np.stack(np.broadcast_arrays(raw(sd * np.sqrt((nu - 2) / nu), floor), tails), axis=1)


def gaussian_loss(floor: float) -> Loss:
    r"""Return the loss :math:`-\log N(y; f_1, \sigma^2)`, with :math:`\sigma = \log(1 + e^{f_2}) +` ``floor``."""

    def loss(outputs: Any, part: dict[str, Any]) -> Any:
        import torch

        error = part["y"] - outputs[..., 0]
        sd, log_sd = _sd(torch, outputs[..., 1], floor)
        return log_sd + 0.5 * (error / sd) ** 2 + 0.5 * np.log(2 * np.pi)

    return loss


def student_t_loss(floor: float) -> Loss:
    r"""Return the loss :math:`-\log t_\nu(y; f_1, \sigma^2)`.

    :math:`\sigma = \log(1 + e^{f_2}) +` ``floor`` and :math:`\nu = 2 + 98 / (1 + e^{-f_3})` are the same in every row.
    """

    def loss(outputs: Any, part: dict[str, Any]) -> Any:
        import torch

        error = part["y"] - outputs[..., 0]
        sd, log_sd = _sd(torch, outputs[:, :1, 1], floor)
        nu = LEAST_NU + (MOST_NU - LEAST_NU) * torch.sigmoid(whole_turns(torch, outputs[:, :1, 2]))
        peak = torch.lgamma((nu + 1) / 2) - torch.lgamma(nu / 2) - 0.5 * torch.log(np.pi * nu)
        nu, peak = nu[:, :1], peak[:, :1]
        far = torch.log1p(whole_turns(torch, (error / sd) ** 2 / nu))[:, : error.shape[1]]
        return log_sd - peak + 0.5 * (nu + 1) * far

    return loss


def _sd(torch: Any, output: Any, floor: float) -> tuple[Any, Any]:
    """Return the scale of the noise and its logarithm, ``(member, row)``."""
    rows = output.shape[1]
    sd = torch.nn.functional.softplus(whole_turns(torch, output)) + floor
    return sd[:, :rows], torch.log(sd)[:, :rows]


def student_t_of(errors: np.ndarray) -> tuple[float, float]:
    """Return scale and degrees of freedom of the Student-t distribution about zero that fits errors best.

    The degrees of freedom have the prior Gamma(2, 0.1) (Juárez & Steel 2010) and lie between 2 and 100.

    Examples
    --------
    >>> errors = stats.t(4.0, scale=0.5).ppf((np.arange(1000) + 0.5) / 1000)
    >>> scale, nu = student_t_of(errors)
    >>> bool(abs(scale - 0.5) < 0.02), bool(abs(nu - 4) < 0.5)
    (True, True)
    """
    size = max(float(np.sqrt(np.mean(errors**2))), np.finfo(float).tiny)
    squares = (errors / size) ** 2

    def loss(p: np.ndarray) -> float:
        variance, nu = np.exp(2 * p[0]), np.exp(p[1])
        peak = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - 0.5 * np.log(nu * np.pi) - p[0]
        far = np.log1p(squares / (nu * variance)).sum()
        return 0.5 * (nu + 1) * far - len(squares) * peak - stats.gamma.logpdf(nu, NU_SHAPE, scale=1 / NU_RATE)

    bounds = [(np.log(1e-6), np.log(2.0)), (np.log(LEAST_NU), np.log(MOST_NU))]
    found = optimize.minimize(loss, [np.log(0.7), np.log(5.0)], method="L-BFGS-B", bounds=bounds)
    return float(size * np.exp(found.x[0])), float(np.exp(found.x[1]))


def constant_loss(errors: np.ndarray, noise: str, floor: float) -> float:
    """Return the mean loss of the errors of one constant, with the noise that fits them, as that of networks begins.

    Examples
    --------
    >>> constant_loss(np.array([-1.0, 3.0]), "constant", 1e-3)
    5.0
    """
    square = float(np.mean(errors**2))
    if noise == "constant":
        return square
    if noise == "student-t":
        scale, nu = student_t_of(errors)
        return float(-np.mean(stats.t.logpdf(errors, nu, scale=max(scale, floor))))
    return float(-np.mean(stats.norm.logpdf(errors, scale=max(np.sqrt(square), floor))))
