from .base import Means as Means
from .base import Metric as Metric
from .base import Ranks as Ranks
from .calibration import class_calibration as class_calibration
from .classification import accuracy as accuracy
from .classification import average_precision as average_precision
from .classification import balanced_accuracy as balanced_accuracy
from .classification import brier_score as brier_score
from .classification import calibration_error as calibration_error
from .classification import confusion_counts as confusion_counts
from .classification import f1 as f1
from .classification import log_loss as log_loss
from .classification import matthews_corrcoef as matthews_corrcoef
from .classification import precision as precision
from .classification import recall as recall
from .classification import roc_auc as roc_auc
from .classification import summarise_classes as summarise_classes
from .decision import economic_value as economic_value
from .detection import Detection as Detection
from .detection import distance_to_training as distance_to_training
from .detection import lack_of_confidence as lack_of_confidence
from .detection import ood_detection as ood_detection
from .paired import fewest_blocks as fewest_blocks
from .paired import joint_sign_flip_p as joint_sign_flip_p
from .paired import mean_error as mean_error
from .paired import mean_interval as mean_interval
from .paired import outer_effect_p as outer_effect_p
from .paired import sign_flip_p as sign_flip_p
from .regression import coverage_50 as coverage_50
from .regression import coverage_80 as coverage_80
from .regression import coverage_90 as coverage_90
from .regression import coverage_95 as coverage_95
from .regression import crps as crps
from .regression import interval_score_50 as interval_score_50
from .regression import interval_score_80 as interval_score_80
from .regression import interval_score_90 as interval_score_90
from .regression import interval_score_95 as interval_score_95
from .regression import log_score as log_score
from .regression import mae as mae
from .regression import rmse as rmse
from .regression import summarise_values as summarise_values
from .selective import selective_scores as selective_scores
from .spatial import Moran as Moran
from .spatial import morans_i as morans_i
from .transforms import value_calibration as value_calibration

OTHERS: dict[str, str]
__all__ = [
    "Detection",
    "Means",
    "Metric",
    "Moran",
    "Ranks",
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "brier_score",
    "calibration_error",
    "class_calibration",
    "confusion_counts",
    "coverage_50",
    "coverage_80",
    "coverage_90",
    "coverage_95",
    "crps",
    "distance_to_training",
    "economic_value",
    "f1",
    "fewest_blocks",
    "interval_score_50",
    "interval_score_80",
    "interval_score_90",
    "interval_score_95",
    "joint_sign_flip_p",
    "lack_of_confidence",
    "log_loss",
    "log_score",
    "mae",
    "matthews_corrcoef",
    "mean_error",
    "mean_interval",
    "morans_i",
    "ood_detection",
    "outer_effect_p",
    "precision",
    "recall",
    "rmse",
    "roc_auc",
    "selective_scores",
    "sign_flip_p",
    "summarise_classes",
    "summarise_values",
    "value_calibration",
]
