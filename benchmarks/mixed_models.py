"""Mixed models on lme4's classic tables: maximum likelihood beside published figures, and a full posterior.

Needs ``mixedlm``, which carries the tables (Bates et al. 2015, Journal of Statistical Software 67:1) and fits them too.
About two minutes.

Run: python benchmarks/mixed_models.py [sleepstudy] [penicillin] [insteval]
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import arviz as az
import mixedlm
import pandas as pd
from mixedlm import datasets

import bayesgeo as bg
from bayesgeo.models.effects.mixed import MixedRegression
from bayesgeo.models.effects.regression import HierarchicalRegression


@dataclass(frozen=True)
class Table:
    """A table, its model, and the published maximum likelihood estimates."""

    load: Callable[[], pd.DataFrame]
    formula: str
    published: dict[str, float]
    numbers: tuple[str, ...] = field(default=())  # columns of text that are numbers

    def read(self) -> pd.DataFrame:
        """Return the table."""
        table = self.load()
        return table.assign(**{name: table[name].astype(float) for name in self.numbers})

    @property
    def response(self) -> str:
        """Name of the outcome."""
        return self.formula.split(" ")[0]


TABLES = {
    "sleepstudy": Table(
        datasets.load_sleepstudy,
        "Reaction ~ Days + (1 + Days | Subject)",
        {"-2 log L": 1751.9393, "intercept": 251.4051, "Days": 10.4673, "sd Subject": 23.781, "sd Subject:Days": 5.717},
    ),
    "penicillin": Table(
        datasets.load_penicillin,
        "diameter ~ 1 + (1 | plate) + (1 | sample)",
        {"-2 log L": 332.1883, "intercept": 22.9722},
    ),
    "insteval": Table(
        datasets.load_insteval,
        "y ~ service + (1 | s) + (1 | d) + (1 | dept)",
        {"-2 log L": 237721.7688},
        numbers=("service", "y"),
    ),
}


def timed(fit: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what a call returns, its wall seconds and its CPU seconds."""
    wall, cpu = time.perf_counter(), sum(os.times()[:4])
    found = fit()
    return found, time.perf_counter() - wall, sum(os.times()[:4]) - cpu


def estimates(model: MixedRegression) -> dict[str, float]:
    """Return estimates under the names of the published ones."""
    names = [":".join(term) for term in model.fixed_]
    found = {"-2 log L": model.criterion_, "intercept": model.intercept_, **dict(zip(names, model.coef_, strict=True))}
    return found | {f"sd {name}": sd for name, sd in model.variance_components()["mean"].items()}


def compare(table: Table) -> None:
    """Print our estimates beside the published ones, and the seconds of both packages."""
    rows = table.read()
    y, X = rows[table.response], rows.drop(columns=table.response)
    own, wall, cpu = timed(lambda: MixedRegression(formula=table.formula, method="ml").fit(X, y))
    found = pd.DataFrame({"ours": estimates(own), "published": table.published})
    print(found.assign(difference=found["ours"] - found["published"]).to_string(float_format="{:.4f}".format))
    peer, of_peer, _ = timed(lambda: mixedlm.lmer(table.formula, rows, REML=False))
    print(f"ours {wall:.2f} s ({cpu:.2f} CPU s), mixedlm {of_peer:.2f} s and -2 log L {-2 * float(peer.logLik()):.4f}")


def sample(table: Table) -> None:
    """Print the seconds of the full posterior, its components and how far its chains agree."""
    rows = table.read()
    y, X = rows[table.response], rows.drop(columns=table.response)
    model, wall, cpu = timed(lambda: HierarchicalRegression(formula=table.formula, random_state=0).fit(X, y))
    draws = model.posterior_["posterior"].to_dataset()
    sizes = az.ess(draws[["noise_sd", *(f"{effect.key}_sd" for effect in model.effects_)]], method="bulk").min()
    print(f"full posterior: {wall:.1f} s ({cpu:.1f} CPU s)")
    print("effective draws: " + ", ".join(f"{name} {float(size):.0f}" for name, size in sizes.data_vars.items()))
    print(f"verdict: {bg.diagnose(model.posterior_).verdict}")
    print(model.variance_components().round(4).to_string())


def main() -> None:
    for name in sys.argv[1:] or TABLES:
        print(f"\n{name}: {TABLES[name].formula}")
        compare(TABLES[name])
        sample(TABLES[name])


if __name__ == "__main__":
    main()
