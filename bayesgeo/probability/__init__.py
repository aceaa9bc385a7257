"""Probability on labelled arrays: joint, marginal, conditional, and what follows from them.

One vocabulary holds for tables (:class:`Discrete`), Gaussians (:class:`Gaussian`), densities on a grid
(:class:`Density`) and draws of any posterior (:class:`Draws`): ``marginal``, ``condition``, ``update``,
``expectation``, ``variance``, ``covariance``, ``probability``, ``sample``.
"""

from bayesgeo.probability.base import Event, Joint, LinearGaussian, VarianceSplit, bayes, where
from bayesgeo.probability.density import Density
from bayesgeo.probability.discrete import Discrete
from bayesgeo.probability.distributions import (
    RandomVariable,
    distribution,
    exponential,
    from_pdf,
    from_pmf,
    normal,
    poisson,
    uniform,
)
from bayesgeo.probability.draws import Draws
from bayesgeo.probability.experiments import Experiment
from bayesgeo.probability.gaussian import Gaussian
from bayesgeo.probability.importance import Importance, importance
from bayesgeo.probability.independent import Independent
from bayesgeo.probability.information import (
    IndependenceTest,
    entropy,
    independence_test,
    kullback_leibler,
    mutual_information,
)
from bayesgeo.probability.rejection import Accepted, rejection
from bayesgeo.probability.uncertainty import change_of_prior, entropy_split, variance_split

__all__ = [
    "Accepted",
    "Density",
    "Discrete",
    "Draws",
    "Event",
    "Experiment",
    "Gaussian",
    "Importance",
    "IndependenceTest",
    "Independent",
    "Joint",
    "LinearGaussian",
    "RandomVariable",
    "VarianceSplit",
    "bayes",
    "change_of_prior",
    "distribution",
    "entropy",
    "entropy_split",
    "exponential",
    "from_pdf",
    "from_pmf",
    "importance",
    "independence_test",
    "kullback_leibler",
    "mutual_information",
    "normal",
    "poisson",
    "rejection",
    "uniform",
    "variance_split",
    "where",
]
