"""The area of applicability by loops over plain numbers: slow, and nothing but the published formulas.

Reads a case as JSON from standard input and writes what follows from it as JSON; shares no code with the package.

    python benchmarks/applicability_by_loops.py < case.json
"""

import itertools
import json
import math
import sys


def quantile(values: list[float], share: float) -> float:
    """Interpolate between order statistics: the default of R (type 7)."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def answer(case: dict) -> dict:
    """Return mean distance, training dissimilarity, thresholds, and what holds for each new row."""
    train, features = case["train"], range(len(case["train"][0]))
    n = len(train)
    means = [math.fsum(row[j] for row in train) / n for j in features]
    spreads = [math.sqrt(math.fsum((row[j] - means[j]) ** 2 for row in train) / (n - 1)) for j in features]
    weights = [max(weight, 0.0) for weight in case["weights"]]

    def scaled(row: list[float]) -> list[float]:
        return [weights[j] * (row[j] - means[j]) / spreads[j] if weights[j] else 0.0 for j in features]

    points = [scaled(row) for row in train]
    pairs = [math.dist(a, b) for a, b in itertools.combinations(points, 2)]
    mean = math.fsum(pairs) / len(pairs)
    held = [
        min(math.dist(points[i], points[j]) for j in case["compared_with"][i]) / mean
        if case["compared_with"][i]
        else None
        for i in range(n)
    ]
    known = [value for value in held if value is not None]
    fence = quantile(known, 0.75) + 1.5 * (quantile(known, 0.75) - quantile(known, 0.25))
    limits = {"whisker": max(value for value in known if value <= fence), "fence": min(fence, max(known))}
    limit = limits[case["rule"]]
    distances = [[math.dist(scaled(row), point) / mean for point in points] for row in case["new"]]
    return {
        "mean_distance": mean,
        "training_dissimilarity": held,
        "threshold": limit,
        "dissimilarity": [min(row) for row in distances],
        "inside": [min(row) <= limit for row in distances],
        "local_point_density": [sum(distance < limit for distance in row) for row in distances],
    }


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
