from .datasets.audit import audit as audit
from .datasets.base import Dataset as Dataset
from .datasets.registry import load as load
from .datasets.split import split as split
from .datasets.tables.read import read_table as read_table
from .diagnostics import diagnose as diagnose
from .evaluation.compare import compare as compare
from .evaluation.evaluate import evaluate as evaluate
from .evaluation.leaderboard import leaderboard as leaderboard
from .inference.advi import ADVI as ADVI
from .inference.exact import Exact as Exact
from .inference.laplace import Laplace as Laplace
from .inference.mclmc import MCLMC as MCLMC
from .inference.nuts import NUTS as NUTS
from .models.networks.bayesian_mlp import BayesianMLPClassifier as BayesianMLPClassifier
from .models.networks.bayesian_mlp import BayesianMLPRegressor as BayesianMLPRegressor
from .models.networks.ensemble import DeepEnsembleClassifier as DeepEnsembleClassifier
from .models.networks.ensemble import DeepEnsembleRegressor as DeepEnsembleRegressor
from .models.networks.mlp import MLPClassifier as MLPClassifier
from .models.networks.mlp import MLPRegressor as MLPRegressor
from .models.regression.linear import BayesianLinearRegression as BayesianLinearRegression
from .models.regression.logistic import BayesianLogisticRegression as BayesianLogisticRegression
from .models.training.recipe import Recipe as Recipe
from .models.wrappers.sklearn import SklearnClassifier as SklearnClassifier
from .models.wrappers.sklearn import SklearnRegressor as SklearnRegressor
from .reporting import report as report

__version__: str
