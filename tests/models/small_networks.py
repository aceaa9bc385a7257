"""Small networks for tests: what belongs to the recipe and what to the network in one call."""

from dataclasses import fields

from bayesgeo.models.training.recipe import Recipe

OF_RECIPE = {field.name for field in fields(Recipe)}


def perceptron(kind, hidden=(8,), **settings):
    """Build an MLP of a kind; settings that a recipe has go into its recipe."""
    recipe = {name: value for name, value in settings.items() if name in OF_RECIPE}
    others = {name: value for name, value in settings.items() if name not in OF_RECIPE}
    return kind(hidden, recipe=Recipe(**recipe), **others)


def ensemble(kind, members=3, random_state=None, **settings):
    """Build a deep ensemble of a kind whose members are :func:`perceptron`."""
    return kind(perceptron(kind.member, **settings), members=members, random_state=random_state)
