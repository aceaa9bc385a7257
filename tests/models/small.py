"""Small models for tests; of networks, what belongs to the recipe and what to the network in one call."""

from dataclasses import fields

from bayesgeo.models.bayesian import Bayesian
from bayesgeo.models.networks.ensemble import DeepEnsemble
from bayesgeo.models.networks.mlp import MLP
from bayesgeo.models.networks.tuned import TunedMLP
from bayesgeo.models.students.base import Student
from bayesgeo.models.training.recipe import Recipe
from bayesgeo.models.wrappers.base import Holdout
from tests.fake import FakePosterior

OF_RECIPE = {field.name for field in fields(Recipe)}


def perceptron(kind, hidden=(8,), **settings):
    """Build an MLP of a kind; settings that a recipe has go into its recipe."""
    recipe = {name: value for name, value in settings.items() if name in OF_RECIPE}
    others = {name: value for name, value in settings.items() if name not in OF_RECIPE}
    return kind(hidden, recipe=Recipe(**recipe), **others)


def ensemble(kind, members=3, random_state=None, **settings):
    """Build a deep ensemble of a kind whose members are :func:`perceptron`."""
    return kind(perceptron(kind.member, **settings), members=members, random_state=random_state)


def small(kind, hidden=(8,), max_epochs=20, draws=250, **parameters):
    """Build a model of any kind of the catalog that fits in milliseconds."""
    size = {"hidden": hidden, "max_epochs": max_epochs}
    if issubclass(kind, MLP):
        return perceptron(kind, **size, **parameters)
    if issubclass(kind, DeepEnsemble):
        return ensemble(kind, members=2, **size, **parameters)
    if issubclass(kind, Bayesian):
        parameters |= {"inference": FakePosterior(draws=draws)}
    if issubclass(kind, Holdout):
        parameters |= {"estimator": perceptron(kind.default, **size)}
    if issubclass(kind, Student):
        teacher = ensemble(type(kind()._default_teacher()), members=2, **size)
        parameters |= {"teacher": teacher, "transfer": 2, **size}
    if issubclass(kind, TunedMLP):
        parameters |= {"widths": hidden, "depths": (1,), "max_epochs": max_epochs}
    return kind(**parameters)
