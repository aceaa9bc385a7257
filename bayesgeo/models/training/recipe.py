"""The training recipe of a network: optimiser, schedule, penalties."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesgeo._check import invalid, one_of, positive

OPTIMISERS: dict[str, tuple[str, dict[str, Any]]] = {
    "adamw": ("AdamW", {"fused": True}),
    "adam": ("Adam", {"fused": True}),
    "sgd": ("SGD", {"fused": True}),
    "momentum": ("SGD", {"fused": True, "momentum": 0.9}),
    "nesterov": ("SGD", {"fused": True, "momentum": 0.9, "nesterov": True}),
    "rmsprop": ("RMSprop", {}),
}
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: 0.5 * (1.0 + np.cos(np.pi * done)),
    "step": lambda done: 0.1 ** int(3 * done),
}
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Recipe:
    """Training recipe of a network: optimiser, schedule, penalties.

    Parameters
    ----------
    optimiser : {"adamw", "adam", "sgd", "momentum", "nesterov", "rmsprop"}
        AdamW (Loshchilov & Hutter 2019), Adam (Kingma & Ba 2015), gradient descent, also with momentum 0.9 as is or
        by Nesterov (Sutskever et al. 2013), or RMSprop.
    learning_rate : float
        Initial learning rate.
    schedule : {"constant", "cosine", "step"}
        How steps shrink over ``max_epochs``: not, by half a cosine to zero, or tenfold after each third.
    weight_decay : float
        L2 penalty, decoupled for AdamW.
    l1 : float
        Weight of the sum of absolute weights (not biases) in the loss.
    dropout : float
        Share of hidden units dropped at each step (Srivastava et al. 2014).
    batch_size : int, optional
        Rows a step; None takes a twentieth of them, between 16 and 512.
    max_epochs : int
        Maximum number of epochs.
    patience : int
        Epochs without a better validation loss after which a member stops.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to train; ``"auto"`` takes a GPU when there is one.

    Raises
    ------
    InvalidInput
        If a value is unknown or out of range.

    Examples
    --------
    >>> Recipe(optimiser="adam").learning_rate
    0.003
    """

    optimiser: str = "adamw"
    learning_rate: float = 3e-3
    schedule: str = "constant"
    weight_decay: float = 0.01
    l1: float = 0.0
    dropout: float = 0.0
    batch_size: int | None = None
    max_epochs: int = 500
    patience: int = 25
    device: str = "auto"

    def __post_init__(self) -> None:
        one_of("optimiser", self.optimiser, list(OPTIMISERS))
        one_of("schedule", self.schedule, list(SCHEDULES))
        one_of("device", self.device, DEVICES)
        positive("learning_rate", self.learning_rate)
        for name in ("weight_decay", "l1", "dropout"):
            value = getattr(self, name)
            if not np.isfinite(value) or value < 0:
                raise invalid(name, value, "It must be finite and not negative.")
        if self.dropout >= 1:
            raise invalid("dropout", self.dropout, "It must be in [0, 1).", "Give dropout=0.1.")
        for name in ("batch_size", "max_epochs", "patience"):
            if (name, getattr(self, name)) != ("batch_size", None):
                positive(name, getattr(self, name), integer=True)

    def rows_a_step(self, n_rows: int) -> int:
        """Return the batch size for ``n_rows`` rows."""
        return self.batch_size or int(np.clip(n_rows // 20, 16, 512))


__all__ = ["Recipe"]
