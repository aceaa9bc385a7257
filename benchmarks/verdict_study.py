"""Which statistics of a network's draws tell that a run four times as long would answer otherwise.

Fits of simulated and real rows, of 60 to 2,000 rows, four or eight chains and 500 to 4,000 steps of warm-up, some from
broken starts. Each is paired with a run of four times its steps from the same starts, and both predict up to 1,000 rows
that neither has seen. Two outcomes: the longer run scores better by more than .005 nats a row, surely (two standard
errors of the paired difference); and its predictive means differ by more than .3 of their posterior deviation.

    BAYESGEO_DATA=folder python benchmarks/verdict_study.py --keep fits --minutes 25
    python benchmarks/verdict_study.py --records benchmarks/verdict_study.json

The first makes the fits that are not yet in the folder, writes their statistics to ``--records``, and prints the
tables; the second prints the tables again. Needs `uci/concrete`, `uci/energy`, `uci/yacht`, of which it uses the
training rows of split 0 alone.
"""

import argparse
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import xarray as xr
from verdict_rule import apart, bands, fan, far_starts, lost_chain, outliers, rings, wave, weak
from verdict_tables import report

import bayesgeo as bg
from bayesgeo._arrays import log_mean_exp
from bayesgeo.inference.mclmc import MCLMC
from bayesgeo.models.networks.bayesian_mlp import BayesianMLP, BayesianMLPClassifier, BayesianMLPRegressor

FRESH, UNSEEN = 1000, 100  # rows for the outcome, and others for the verdict, as a fold has
LONG = (1_500, 4_000)  # for slow ones
LONGER = 4
SET_ON = 20  # cases that were fitted when the limits were set
Rows = tuple[np.ndarray, np.ndarray]


def uci(name: str) -> Callable[[np.random.Generator, int], Rows]:
    """Return the training rows of split 0, shuffled."""

    def rows(rng: np.random.Generator, n: int) -> Rows:
        folder = Path(os.environ["BAYESGEO_DATA"]) / "uci" / name
        table = np.loadtxt(folder / "data.txt")
        X, y, train = (
            np.loadtxt(folder / f"index_{part}.txt").astype(int) for part in ("features", "target", "train_0")
        )
        picked = rng.permutation(train)[:n]
        return table[picked][:, X], table[picked, y]

    return rows


def table(name: str) -> Callable[[np.random.Generator, int], Rows]:
    """Return rows of a data set of the library, shuffled."""

    def rows(rng: np.random.Generator, n: int) -> Rows:
        data = bg.load(name)
        picked = rng.permutation(len(data.y))[:n]
        return data.X.values[picked], data.y.values[picked]

    return rows


events, facies, catalogue = table("seismic_events"), table("seg2016_facies"), table("pnsn_catalogue")
concrete, energy, yacht = uci("concrete"), uci("energy"), uci("yacht")


@dataclass(frozen=True)
class Case:
    """Rows, a network, and what breaks its start."""

    name: str
    rows: Callable[[np.random.Generator, int], Rows]
    n: int
    model: BayesianMLP
    chains: int = 4
    during: Callable[[], AbstractContextManager[None]] = nullcontext
    seed: int = 0
    lengths: tuple[int, ...] = (500, 1_500, 2_000, 4_000)  # at most; the last ends by itself

    @property
    def file(self) -> str:
        """Return the beginning of the names of its files."""
        return re.sub(r"[ ,]+", "_", self.name)


V, C = BayesianMLPRegressor, BayesianMLPClassifier
CASES = (
    Case("wave 300", wave, 300, V((8, 8))),
    Case("rings 400", rings, 400, C((8, 8))),
    Case("energy 350", energy, 350, V((16, 16))),
    Case("wave 400", wave, 400, V((8, 8))),
    Case("bands 200", bands, 200, C((8, 8))),
    Case("yacht 140", yacht, 140, V((16, 16)), 8),
    Case("outliers 400, t", outliers, 400, V((16,), noise="student-t")),
    Case("events 400", events, 400, C((16, 16))),
    Case("events 2000", events, 2000, C((8, 8)), lengths=LONG),
    Case("facies 600", facies, 600, C((16, 16)), lengths=LONG),
    Case("weak 100", weak, 100, V((8, 8))),
    Case("concrete 500", concrete, 500, V((16, 16)), lengths=LONG),
    Case("wave 100, constant", wave, 100, V((16, 16), noise="constant")),
    Case("yacht 140, constant", yacht, 140, V((8, 8), noise="constant")),
    Case("rings 100", rings, 100, C((8, 8))),
    Case("concrete 200", concrete, 200, V((8, 8))),
    Case("events 150", events, 150, C((8, 8))),
    Case("wave 60", wave, 60, V((8, 8)), 8),
    Case("fan 100", fan, 100, V((8, 8))),
    Case("energy 150", energy, 150, V((8, 8)), 8),
    Case("facies 200", facies, 200, C((8, 8))),
    Case("wave 400, far", wave, 400, V((8, 8)), during=far_starts),
    Case("wave 400, lost", wave, 400, V((8, 8), relevance="equal"), during=lost_chain),
    Case("yacht 140, again", yacht, 140, V((8, 8)), 8, seed=1),
    Case("bands 400, lost", bands, 400, C((8, 8)), during=lost_chain),
    Case("apart 300", apart, 300, C((16,))),
    Case("wave 300, equal", wave, 300, V((16,), relevance="equal")),
    Case("wave 300, again", wave, 300, V((8, 8)), seed=1),
    Case("outliers 400, t, again", outliers, 400, V((16,), noise="student-t"), seed=1),
    Case("rings 400, again", rings, 400, C((8, 8)), seed=1),
    Case("weak 300, constant", weak, 300, V((16, 16), noise="constant")),
    Case("fan 500", fan, 500, V((16, 16)), lengths=LONG),
    Case("wave 1000", wave, 1000, V((8, 8)), lengths=LONG),
    Case("catalogue 1000", catalogue, 1000, C((16, 16)), lengths=LONG),
    Case("energy 350, again", energy, 350, V((16, 16)), seed=1, lengths=LONG),
    Case("bands 600", bands, 600, C((16, 16)), lengths=LONG),
    Case("outliers 1000", outliers, 1000, V((8, 8)), lengths=LONG),
)


class Fitted:
    """Fits of one case, each length once."""

    def __init__(self, case: Case):
        self.case, self._done = case, {}
        rows = case.rows(np.random.default_rng(case.seed), case.n + UNSEEN + FRESH)
        self.train, self.unseen, self.fresh = (
            tuple(part[a:b] for part in rows)
            for a, b in ((0, case.n), (case.n, case.n + UNSEEN), (case.n + UNSEEN, None))
        )

    def run(self, steps: int, *, forced: bool) -> tuple[xr.DataTree, xr.Dataset]:
        """Return the posterior without its weights, and the functions on fresh rows."""
        key = steps, forced or steps < self.case.lengths[-1]
        if key not in self._done:
            model = self.case.model.set_params(
                inference=MCLMC(chains=self.case.chains, max_steps=steps, cores=1), random_state=self.case.seed
            )
            goes_on = mock.patch("bayesgeo.inference.mclmc._Run.settled", return_value=False)
            with self.case.during(), goes_on if forced else nullcontext():
                model.fit(*self.train)
            tree = model.posterior_
            tree["unseen"] = xr.DataTree(model.functions(*self.unseen))
            self._done[key] = tree, model.functions(*self.fresh)
        return self._done[key]

    def pairs(self) -> Iterator[tuple[int, xr.DataTree]]:
        """Yield each posterior with what a longer run changed."""
        for steps in self.case.lengths:
            tree, fresh = self.run(steps, forced=False)
            longer = self.run(LONGER * int(tree.attrs["warmup_steps"]), forced=True)[1]
            tree = tree.copy(deep=False)
            del tree["posterior"]
            tree.attrs = tree.attrs | outcome(fresh, longer) | {"n": self.case.n, "case": self.case.name}
            yield steps, tree


def outcome(short: xr.Dataset, longer: xr.Dataset) -> dict[str, float]:
    """Return the gain in score of the longer run, its standard error, and how far the answers are apart."""
    score = [log_mean_exp(f["log_density"].values.astype(float), (0, 1)) for f in (short, longer)]
    gain = score[1] - score[0]
    mean = [f["expected"].mean(("chain", "draw")).values for f in (short, longer)]
    deviation = longer["expected"].std(("chain", "draw")).values
    return {
        "gain": float(gain.mean()),
        "gain_error": float(gain.std() / np.sqrt(len(gain))),
        "apart": float(np.abs(mean[1] - mean[0]).sum() / deviation.sum()),
        "apart_nats": float(np.abs(gain).mean()),
        "score": float(score[1].mean()),
    }


def make(folder: Path, minutes: float) -> None:
    """Make the fits that are missing, until the time is over."""
    begun = time.process_time()
    folder.mkdir(exist_ok=True)
    for case in CASES:
        if (folder / f"{case.file}_{case.lengths[-1]}.nc").exists() or time.process_time() - begun > 60 * minutes:
            continue
        for steps, tree in Fitted(case).pairs():
            tree.to_netcdf(folder / f"{case.file}_{steps}.nc", engine="h5netcdf")
            found = {key: round(float(tree.attrs[key]), 4) for key in ("gain", "gain_error", "apart")}
            used = round(time.process_time() - begun)
            print(f"{case.name:24}{tree.attrs['warmup_steps']:6} {found} {used} s", flush=True)


def main() -> None:
    """Make fits, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="folder of the fits")
    parser.add_argument("--minutes", type=float, default=25.0, help="of CPU, after which no further case begins")
    parser.add_argument("--records", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    if options.keep:
        make(options.keep, options.minutes)
    report(options.keep, options.records, [case.name for case in CASES[:SET_ON]])


if __name__ == "__main__":
    main()
