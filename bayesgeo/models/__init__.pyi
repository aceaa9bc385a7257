from .base import Classifier as Classifier
from .base import Estimator as Estimator
from .base import Regressor as Regressor
from .baselines import BoostingClassifier as BoostingClassifier
from .baselines import BoostingRegressor as BoostingRegressor
from .baselines import ForestClassifier as ForestClassifier
from .baselines import ForestRegressor as ForestRegressor
from .baselines import LogisticClassifier as LogisticClassifier
from .baselines import MajorityClassifier as MajorityClassifier
from .baselines import MeanRegressor as MeanRegressor
from .baselines import RidgeRegressor as RidgeRegressor
from .bayesian import Bayesian as Bayesian
from .effects.classification import HierarchicalClassifier as HierarchicalClassifier
from .effects.formula import Formula as Formula
from .effects.mixed import MixedRegression as MixedRegression
from .effects.regression import HierarchicalRegression as HierarchicalRegression
from .effects.terms import Effect as Effect
from .networks.bayesian_mlp import BayesianMLPClassifier as BayesianMLPClassifier
from .networks.bayesian_mlp import BayesianMLPRegressor as BayesianMLPRegressor
from .networks.ensemble import DeepEnsembleClassifier as DeepEnsembleClassifier
from .networks.ensemble import DeepEnsembleRegressor as DeepEnsembleRegressor
from .networks.mlp import MLPClassifier as MLPClassifier
from .networks.mlp import MLPRegressor as MLPRegressor
from .networks.tuned import TunedMLPClassifier as TunedMLPClassifier
from .networks.tuned import TunedMLPRegressor as TunedMLPRegressor
from .regression.linear import BayesianLinearRegression as BayesianLinearRegression
from .regression.logistic import BayesianLogisticRegression as BayesianLogisticRegression
from .rows import Rows as Rows
from .rows import TrainingRows as TrainingRows
from .spatial.classification import SpatialClassifier as SpatialClassifier
from .spatial.gaussian_process import GaussianProcess as GaussianProcess
from .spatial.regression import SpatialRegression as SpatialRegression
from .specification import Prior as Prior
from .specification import Specification as Specification
from .storage import load_model as load_model
from .storage import save_model as save_model
from .students.file import load_student as load_student
from .students.file import save_student as save_student
from .students.students import StudentClassifier as StudentClassifier
from .students.students import StudentRegressor as StudentRegressor
from .students.students import distill as distill
from .training.recipe import Recipe as Recipe
from .wrappers.calibrated import CalibratedClassifier as CalibratedClassifier
from .wrappers.calibrated import CalibratedRegressor as CalibratedRegressor
from .wrappers.conformal import ConformalClassifier as ConformalClassifier
from .wrappers.conformal import ConformalRegressor as ConformalRegressor
from .wrappers.sklearn import SklearnClassifier as SklearnClassifier
from .wrappers.sklearn import SklearnRegressor as SklearnRegressor

OTHERS: dict[str, str]
__all__ = [
    "Bayesian",
    "BayesianLinearRegression",
    "BayesianLogisticRegression",
    "BayesianMLPClassifier",
    "BayesianMLPRegressor",
    "BoostingClassifier",
    "BoostingRegressor",
    "CalibratedClassifier",
    "CalibratedRegressor",
    "Classifier",
    "ConformalClassifier",
    "ConformalRegressor",
    "DeepEnsembleClassifier",
    "DeepEnsembleRegressor",
    "Effect",
    "Estimator",
    "ForestClassifier",
    "ForestRegressor",
    "Formula",
    "GaussianProcess",
    "HierarchicalClassifier",
    "HierarchicalRegression",
    "LogisticClassifier",
    "MLPClassifier",
    "MLPRegressor",
    "MajorityClassifier",
    "MeanRegressor",
    "MixedRegression",
    "Prior",
    "Recipe",
    "Regressor",
    "RidgeRegressor",
    "Rows",
    "SklearnClassifier",
    "SklearnRegressor",
    "SpatialClassifier",
    "SpatialRegression",
    "Specification",
    "StudentClassifier",
    "StudentRegressor",
    "TrainingRows",
    "TunedMLPClassifier",
    "TunedMLPRegressor",
    "distill",
    "load_model",
    "load_student",
    "save_model",
    "save_student",
]
