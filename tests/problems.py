"""The problem that a model states, without its posterior."""

from copy import copy


class Stated(Exception):
    """What a model stated, on its way out of ``fit``."""


class Statement:
    """An inference that computes nothing."""

    def run(self, problem, seed):
        raise Stated(problem)


def problem_of(model, X, y, groups=None):
    """Return the problem that a model states of rows ``X (obs, feature)``, targets ``y (obs,)`` and their groups."""
    try:
        copy(model).set_params(inference=Statement()).fit(X, y, groups)
    except Stated as stated:
        return stated.args[0]
    raise AssertionError("the model stated no problem")
