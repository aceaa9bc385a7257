"""Whether the verdict tells broken posteriors from healthy ones, beside what ``arviz.diagnose`` finds in the same.

The posteriors are those of :mod:`bayesgeo.testing.posteriors`. A broken one counts as flagged if its verdict is not
sound and the expected check is the reason; a healthy one passes if it is sound. A minute or two for each seed; no
sampler runs. ArviZ is asked once.

    python benchmarks/broken_posteriors.py --seeds 5
"""

import argparse

from bayesgeo.testing.case import flagged_by_arviz, unsound
from bayesgeo.testing.posteriors import BROKEN, HEALTHY


def main() -> None:
    """Print one line for each posterior, then the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    seeds = range(parser.parse_args().seeds)
    for kind, cases in (("broken", BROKEN), ("healthy", HEALTHY)):
        right = theirs = 0
        for case in cases:
            for seed in seeds:
                found = case.diagnosis(seed)
                by_arviz = flagged_by_arviz(case.tree(seed)) if seed == seeds[0] else ""
                right += case.right(found)
                theirs += by_arviz == "flagged"
                codes = ", ".join(f"{check.code} {check.value:.3g}" for check in unsound(found))
                print(f"{kind:8}{case.name:38}{found.verdict:10}arviz: {by_arviz:24}{codes}", flush=True)
        total = len(cases) * len(seeds)
        what = "flagged for the right reason" if kind == "broken" else "sound"
        print(f"{kind}: {right} of {total} {what}; arviz.diagnose flags {theirs} of {len(cases)}\n")


if __name__ == "__main__":
    main()
