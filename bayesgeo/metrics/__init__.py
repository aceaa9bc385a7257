"""Metrics: scores of predictions, calibration, decisions and selective prediction."""

from bayesgeo._registry import lazily

OTHERS = {
    "Means": "base",
    "Metric": "base",
    "Ranks": "base",
    "class_calibration": "calibration",
    "confusion_counts": "classification",
    "distance_to_training": "detection",
    "summarise_classes": "classification",
    "summarise_values": "regression",
    "value_calibration": "calibration",
}
__getattr__ = lazily(__name__, OTHERS)
