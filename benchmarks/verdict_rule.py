"""Whether the verdict on a Bayesian network tells broken fits from healthy ones.

Ten healthy fits of other shapes, sizes and noise, and ten that are broken by means that also break real runs. Each
fit is judged twice: on the rows that it held out while its chains warmed up, as ``diagnose(model.posterior_)`` does,
and on rows that it has never seen, as ``evaluate`` does in a fold. A healthy fit passes if both verdicts are sound, a
broken one is flagged if neither is. The bar: 10 of 10 and 10 of 10. About ten minutes; ``--keep FOLDER`` keeps the
fits, and reads those that are there.

    python benchmarks/verdict_rule.py --keep fits
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import xarray as xr

from bayesgeo._progress import listening
from bayesgeo.diagnostics import Diagnosis, diagnose
from bayesgeo.inference.advi import ADVI
from bayesgeo.inference.mclmc import MCLMC
from bayesgeo.models.networks.bayesian_mlp import BayesianMLPClassifier, BayesianMLPRegressor

TEST_ROWS = 100
Rows = tuple[np.ndarray, np.ndarray]
Edit = Callable[[xr.Dataset], xr.Dataset]


def wave(rng: np.random.Generator, n: int) -> Rows:
    """Return a wave and a product, with constant noise."""
    X = rng.normal(size=(n, 4))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.2 * rng.normal(size=n)


def fan(rng: np.random.Generator, n: int) -> Rows:
    """Return a target far from zero whose noise grows along a feature."""
    X = rng.uniform(-2, 2, size=(n, 3))
    return X, 5e4 + 100 * (X[:, 0] ** 2 - X[:, 1] + (0.1 + 0.2 * np.abs(X[:, 2])) * rng.normal(size=n))


def outliers(rng: np.random.Generator, n: int) -> Rows:
    """Return a smooth trend with heavy-tailed noise."""
    X = rng.normal(size=(n, 5))
    return X, np.tanh(X[:, 0] + X[:, 1]) + 0.5 * X[:, 2] + 0.2 * rng.standard_t(2, size=n)


def weak(rng: np.random.Generator, n: int) -> Rows:
    """Return mostly noise."""
    X = rng.normal(size=(n, 8))
    return X, 0.5 * X[:, 0] + rng.normal(size=n)


def rings(rng: np.random.Generator, n: int) -> Rows:
    """Return two classes, one around the other, that overlap."""
    X = rng.normal(size=(n, 3))
    return X, (X[:, 0] ** 2 + X[:, 1] ** 2 + 0.5 * rng.normal(size=n) > 2).astype(int)


def bands(rng: np.random.Generator, n: int) -> Rows:
    """Return three classes along a bent direction, one of them rare."""
    X = rng.normal(size=(n, 4))
    return X, np.digitize(X[:, 0] + np.sin(X[:, 1]) + 0.4 * rng.normal(size=n), [-0.5, 1.8])


def apart(rng: np.random.Generator, n: int) -> Rows:
    """Return two classes that hardly meet, so that most probabilities are nearly 0 or 1."""
    X = rng.normal(size=(n, 4))
    codes = rng.integers(2, size=n)
    return X + 4.0 * codes[:, None], codes


@contextmanager
def starts_scaled(factor: np.ndarray) -> Iterator[None]:
    """Multiply the start of each chain."""
    from bayesgeo.inference.kernels import target as on_device
    from bayesgeo.inference.kernels.device import jnp

    usual = on_device.initial

    def scaled(*args: Any) -> Any:
        return usual(*args) * jnp.asarray(factor, "float32")[:, None]

    with mock.patch.object(on_device, "initial", scaled):
        yield


@contextmanager
def lost_chain() -> Iterator[None]:
    """Begin one chain far away, and leave it dead."""
    far = mock.patch("bayesgeo.inference.mclmc.DEAD_NATS", np.inf)
    with far, starts_scaled(np.array([40.0, 1.0, 1.0, 1.0])):
        yield


def far_starts() -> AbstractContextManager[None]:
    """Begin every chain far from where it should."""
    return starts_scaled(np.full(4, 6.0))


@contextmanager
def frozen_chain() -> Iterator[None]:
    """Let one chain sample with steps that lead nowhere."""
    from bayesgeo.inference.mclmc import _Run

    revive = _Run.revived

    def freeze(self: Any, *args: np.ndarray) -> Any:
        position, (step_size, *others) = revive(self, *args)
        return position, [np.r_[1e-9, step_size[1:]], *others]

    with mock.patch.object(_Run, "revived", freeze):
        yield


def interrupted() -> AbstractContextManager[None]:
    """Interrupt the run after its first kept draws."""

    def stop(phase: str, numbers: dict[str, Any]) -> None:
        if phase == "sampling":
            raise KeyboardInterrupt

    return listening(stop)


def with_nan(posterior: xr.Dataset) -> xr.Dataset:
    """Break one weight of one draw."""
    posterior["weight_1"].values[1, 7, 0, 0] = np.nan
    return posterior


def with_copy(posterior: xr.Dataset) -> xr.Dataset:
    """Let one chain repeat another."""
    for values in posterior.data_vars.values():
        values.values[2] = values.values[1]
    return posterior


@dataclass(frozen=True)
class Fit:
    """One fit: its rows, its model, and what breaks it."""

    name: str
    rows: Callable[[np.random.Generator, int], Rows]
    n: int
    model: BayesianMLPRegressor | BayesianMLPClassifier
    during: Callable[[], AbstractContextManager[None]] = nullcontext
    after: Edit | None = None


Regressor, Classifier = BayesianMLPRegressor, BayesianMLPClassifier
FOUR = {"chains": 4, "max_steps": 5_000}
HEALTHY = (
    Fit("regression, noise by row", fan, 500, Regressor((16, 16))),
    Fit("regression, constant noise", wave, 400, Regressor((8, 8), noise="constant")),
    Fit("regression, Student-t noise", outliers, 400, Regressor((16,), noise="student-t")),
    Fit("regression, learned scales", wave, 300, Regressor((8, 8), noise="constant", relevance="equal")),
    Fit("regression, three layers", wave, 600, Regressor((8, 8, 8))),
    Fit("regression, mostly noise", weak, 300, Regressor((16, 16), noise="constant", activation="tanh")),
    Fit("two classes", rings, 400, Classifier((8, 8))),
    Fit("three classes", bands, 600, Classifier((16, 16))),
    Fit("two classes, apart", apart, 300, Classifier((16,))),
    Fit("three classes, four chains", bands, 400, Classifier((8,), activation="tanh", inference=MCLMC(chains=4))),
)
BROKEN = (
    Fit("a chain lost far away", rings, 400, Classifier((8, 8), inference=MCLMC(**FOUR)), lost_chain),
    Fit("steps far too long", wave, 400, Regressor((8, 8), inference=MCLMC(**FOUR, energy_error=50.0))),
    Fit("far starts, few steps", wave, 400, Regressor((8, 8), inference=MCLMC(chains=4, max_steps=1_500)), far_starts),
    Fit("two draws", rings, 400, Classifier((8, 8), inference=MCLMC(**FOUR, draws=2))),
    Fit("a frozen chain", rings, 400, Classifier((8, 8), inference=MCLMC(**FOUR)), frozen_chain),
    Fit("a draw that is no number", bands, 400, Classifier((8, 8), inference=MCLMC(**FOUR)), after=with_nan),
    Fit("a chain twice", wave, 400, Regressor((8, 8), inference=MCLMC(**FOUR)), after=with_copy),
    Fit("interrupted", bands, 400, Classifier((8, 8), inference=MCLMC(**FOUR)), interrupted),
    Fit("one chain", wave, 400, Regressor((8, 8), inference=MCLMC(chains=1, max_steps=5_000))),
    Fit("a crude approximation", wave, 400, Regressor((8, 8), inference=ADVI(max_steps=200))),
)


def fitted(fit: Fit, seed: int) -> xr.DataTree:
    """Fit, and add what the networks say of rows they have never seen."""
    X, y = fit.rows(np.random.default_rng(seed), fit.n + TEST_ROWS)
    model = fit.model.set_params(random_state=seed)
    with fit.during():
        model.fit(X[: fit.n], y[: fit.n])
    if fit.after is not None:
        model.posterior_["posterior"] = xr.DataTree(
            fit.after(model.posterior_["posterior"].to_dataset().copy(deep=True))
        )
        held = model.holdout_rows_
        model.posterior_["functions"] = xr.DataTree(model.functions(X[held], y[held]))
    model.posterior_["unseen"] = xr.DataTree(model.functions(X[fit.n :], y[fit.n :]))
    return model.posterior_


def diagnoses(tree: xr.DataTree) -> list[Diagnosis]:
    """Judge on held-out rows, and on unseen ones."""
    unseen = tree.copy(deep=False)
    unseen["functions"] = xr.DataTree(tree["unseen"].to_dataset())
    return [diagnose(tree), diagnose(unseen)]


def show(name: str, found: list[Diagnosis]) -> None:
    """Print one line: the verdicts, and the checks that did not pass."""
    unsound = {c.code: c.value for d in found for c in d.checks if c.status in ("tip", "issue")}
    codes = ", ".join(f"{code} {value:.3g}" for code, value in unsound.items())
    print(f"{name:28} {' / '.join(d.verdict for d in found):20} {codes}", flush=True)


def main() -> None:
    """Print one line for each fit, then both counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="folder of the fits")
    parser.add_argument("--values", action="store_true", help="print the value of every check")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        counts = {}
        for kind, fits in (("healthy", HEALTHY), ("broken", BROKEN)):
            counts[kind] = 0
            for k, fit in enumerate(fits):
                path = folder / f"{kind}_{k}_{options.seed}.nc"
                if not path.exists():
                    fitted(fit, options.seed + k).to_netcdf(path, engine="h5netcdf")
                found = diagnoses(xr.load_datatree(path, engine="h5netcdf"))
                show(fit.name, found)
                if options.values:
                    print("   ", {c.code: round(c.value, 4) for c in found[1].checks})
                counts[kind] += all((d.verdict == "sound") == (kind == "healthy") for d in found)
    print(f"healthy passed: {counts['healthy']} of {len(HEALTHY)}; broken flagged: {counts['broken']} of {len(BROKEN)}")


if __name__ == "__main__":
    main()
