"""Metrics: scores of predictions, calibration, decisions, selective prediction and out-of-distribution detection."""

from bayesgeo._registry import lazily

OTHERS = {
    "Detection": "detection",
    "Means": "base",
    "Metric": "base",
    "Ranks": "base",
    "class_calibration": "calibration",
    "confusion_counts": "classification",
    "distance_to_training": "detection",
    "economic_value": "decision",
    "lack_of_confidence": "detection",
    "ood_detection": "detection",
    "selective_scores": "selective",
    "summarise_classes": "classification",
    "summarise_values": "regression",
    "value_calibration": "transforms",
}
__getattr__ = lazily(__name__, OTHERS)
