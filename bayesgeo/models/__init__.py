"""Models: Bayesian and deterministic, for classes and for values; each is a scikit-learn estimator."""

from bayesgeo._registry import lazily

OTHERS = {
    "Bayesian": "bayesian",
    "Classifier": "base",
    "Estimator": "base",
    "Prior": "specification",
    "Regressor": "base",
    "Rows": "rows",
    "Specification": "specification",
    "TrainingRows": "rows",
    "load_model": "storage",
    "load_student": "students.file",
    "save_model": "storage",
    "save_student": "students.file",
}
__getattr__ = lazily(__name__, OTHERS)
