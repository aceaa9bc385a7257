"""Fit one method on one split in a process of its own, and write its predictive mixture.

Run by `bnn_vs_bde.py`, with whichever interpreter has the method:
python worker.py SPEC.json ROWS.npz MIXTURE.npz

Rows come standardised. A mixture is `mean` and `sd`, both (draw, obs): equally weighted Gaussians. Only
NumPy is imported before the method, so that the process holds nothing the method does not need.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

VALIDATION = 0.1
PACKAGES = ("bayesgeo", "blackjax", "catboost", "jax", "ngboost", "numpy", "pymc", "sklearn-contrib-bde", "torch")


class Rows(NamedTuple):
    """One split, standardised: features (obs, feature) and targets (obs)."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray


class Mixture(NamedTuple):
    """Gaussian components of the prediction, (draw, obs), and the CPU seconds of `fit` alone."""

    mean: np.ndarray
    sd: np.ndarray
    fit_cpu_s: float


def fit_cpu_s(fit: Callable[[], object]) -> float:
    """Call a fit and give the CPU seconds of all its threads."""
    start = time.process_time()
    fit()
    return time.process_time() - start


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bayesgeo_network(rows: Rows, seed: int, inference: list, **arguments: Any) -> Mixture:
    """Fit our Bayesian network; `inference` is the name of an inference object and its arguments."""
    import xarray as xr

    import bayesgeo

    name, settings = inference
    model = bayesgeo.BayesianMLPRegressor(
        **arguments | {"hidden": tuple(arguments["hidden"])},
        inference=getattr(bayesgeo, name)(**settings),
        random_state=seed,
    )
    spent = fit_cpu_s(lambda: model.fit(rows.X_train, rows.y_train))
    found = model.predictive(rows.X_test)
    parts = xr.broadcast(found["expected"], found["sigma"])
    mean, sd = (part.stack(component=("chain", "draw")).transpose("component", "obs").values for part in parts)
    return Mixture(mean, sd, spent)


def bde(rows: Rows, seed: int, progress_bar: bool, **arguments: Any) -> Mixture:
    """Fit bde with one XLA device a core, as its README asks, and take its raw draws.

    Its raw second output becomes a standard deviation by softplus + 1e-6 (`BdePredictor`). Its warm-up
    calls back to Python at each step of each member for a progress bar it has no option to leave out.
    """
    members = arguments["n_members"]
    devices = max(d for d in range(1, cores() + 1) if members % d == 0)
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
    from bde import BdeRegressor
    from bde.loss import GaussianNLL

    if not progress_bar:
        leave_out_progress_bar()
    model = BdeRegressor(**arguments, loss=GaussianNLL(), seed=seed)
    spent = fit_cpu_s(lambda: model.fit(rows.X_train, rows.y_train))
    raw = np.asarray(model.predict(rows.X_test, raw=True), dtype=float)
    raw = raw.reshape(-1, *raw.shape[2:])
    return Mixture(raw[..., 0], np.logaddexp(0.0, raw[..., 1]) + 1e-6, spent)


def leave_out_progress_bar() -> None:
    """Take the callback out of bde's warm-up; the draws stay the same, bit for bit."""
    from bde.sampler import warmup

    tune = warmup.mclmc_find_L_and_step_size
    warmup.mclmc_find_L_and_step_size = lambda **given: tune(**given | {"tick": None})


def catboost(rows: Rows, seed: int, virtual_members: int, **arguments: Any) -> Mixture:
    """Fit CatBoost's mean and variance; its virtual ensemble is the mixture, as in bde's benchmark."""
    from catboost import CatBoostRegressor

    model = CatBoostRegressor(
        **arguments,
        loss_function="RMSEWithUncertainty",
        random_seed=seed,
        thread_count=cores(),
        allow_writing_files=False,
        verbose=False,
    )
    spent = fit_cpu_s(lambda: model.fit(rows.X_train, rows.y_train))
    found = model.virtual_ensembles_predict(
        rows.X_test, prediction_type="VirtEnsembles", virtual_ensembles_count=virtual_members
    )
    return Mixture(found[..., 0].T, np.sqrt(found[..., 1].T), spent)


def ngboost(rows: Rows, seed: int, patience: int, **arguments: Any) -> Mixture:
    """Fit NGBoost's Gaussian, the number of trees chosen on a tenth of the training rows."""
    from ngboost import NGBRegressor

    model = NGBRegressor(**arguments, random_state=seed, verbose=False)
    held, kept = np.split(np.random.default_rng(seed).permutation(len(rows.y_train)), [held_out(rows)])

    def fit() -> None:
        model.fit(
            rows.X_train[kept],
            rows.y_train[kept],
            X_val=rows.X_train[held],
            Y_val=rows.y_train[held],
            early_stopping_rounds=patience,
        )

    spent = fit_cpu_s(fit)
    found = model.pred_dist(rows.X_test).params
    return Mixture(found["loc"][None], found["scale"][None], spent)


def held_out(rows: Rows) -> int:
    return round(VALIDATION * len(rows.y_train))


def ensemble(rows: Rows, seed: int, cpu_budget_s: float, **arguments: Any) -> Mixture:
    """Train a deep ensemble (Lakshminarayanan et al. 2017), a group of members at a time, until the budget is spent.

    The budget is CPU seconds of the whole process, imports included. A group starts only if it should
    still end inside it; the first always runs.
    """
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    start, parts, dearest = time.process_time(), [], 0.0
    while not parts or time.process_time() + dearest < cpu_budget_s:
        before = time.process_time()
        parts.append(train_group(torch, rows, **arguments))
        dearest = max(dearest, time.process_time() - before)
    mean, sd = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Mixture(mean, sd, time.process_time() - start)


def train_group(torch: Any, rows: Rows, members: int, epochs: int, batch: int, **net: Any) -> tuple:
    """Train members side by side with AdamW and a cosine schedule; keep each one's best validation epoch.

    Each member holds out its own random tenth. The loss is the Gaussian negative log likelihood, without
    adversarial examples.
    """
    X, y, X_test = (torch.as_tensor(a, dtype=torch.float32) for a in rows)
    order = torch.stack([torch.randperm(len(y)) for _ in range(members)])
    held, kept = order[:, : held_out(rows)], order[:, held_out(rows) :]
    weights = initial_weights(torch, members, (X.shape[1], *net["hidden"], 2))
    optimiser = torch.optim.AdamW(weights, lr=net["lr"], weight_decay=net["weight_decay"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    best, best_weights = torch.full((members,), torch.inf), [w.detach().clone() for w in weights]
    activation = getattr(torch.nn.functional, net["activation"])
    for _ in range(epochs):
        shuffled = kept.gather(1, torch.rand(kept.shape).argsort(1))
        for some in shuffled.split(batch, dim=1):
            optimiser.zero_grad()
            member_nll(torch, forward(torch, X[some], weights, activation), y[some]).sum().backward()
            optimiser.step()
        schedule.step()
        with torch.no_grad():
            loss = member_nll(torch, forward(torch, X[held], weights, activation), y[held])
            better = loss < best
            best = torch.where(better, loss, best)
            for kept_weight, weight in zip(best_weights, weights, strict=True):
                kept_weight[better] = weight[better]
    mean, sd = forward(torch, X_test.expand(members, -1, -1), best_weights, activation)
    return mean.numpy(), sd.numpy()


def initial_weights(torch: Any, members: int, sizes: tuple[int, ...]) -> list:
    """Draw weights and biases as `torch.nn.Linear` does, with a leading member axis."""
    weights = []
    for inputs, outputs in pairwise(sizes):
        for shape in ((members, inputs, outputs), (members, 1, outputs)):
            weights.append(torch.empty(shape).uniform_(-(inputs**-0.5), inputs**-0.5).requires_grad_())
    return weights


def forward(torch: Any, X: Any, weights: list, activation: Callable) -> tuple:
    """Give each member's mean and standard deviation, (member, obs), from rows (member, obs, feature)."""
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        X = activation(torch.baddbmm(bias, X, weight))
    out = torch.baddbmm(weights[-1], X, weights[-2])
    return out[..., 0], torch.nn.functional.softplus(out[..., 1]) + 1e-4


def member_nll(torch: Any, predicted: tuple, y: Any) -> Any:
    mean, sd = predicted
    return (torch.log(sd) + 0.5 * ((y - mean) / sd) ** 2).mean(dim=1)


FITS = {fit.__name__: fit for fit in (bayesgeo_network, bde, catboost, ngboost, ensemble)}


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in PACKAGES if any(metadata.Distribution.discover(name=name))}


def main(spec: str, rows: str, out: str) -> None:
    asked = json.loads(Path(spec).read_text())
    with np.load(rows) as data:
        split = Rows(*(data[name] for name in Rows._fields))
    budget = {"cpu_budget_s": asked["cpu_budget_s"]} if asked["cpu_budget_s"] else {}
    found = FITS[asked["fit"]](split, asked["seed"], **budget, **asked["arguments"])
    np.savez(out, **found._asdict(), versions=json.dumps(versions()))


if __name__ == "__main__":
    main(*sys.argv[1:])
