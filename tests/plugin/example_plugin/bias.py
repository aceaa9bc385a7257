"""The mean error, which should be zero."""

from bayesgeo.metrics.base import Means, Metric

bias = Metric(
    "bias",
    "regression",
    Means(lambda predictions, y: predictions["mean"].values - y),
    best=0.0,
    bounds=(-float("inf"), float("inf")),
    column=9,
)
