"""Effects of groups: which key, and which coefficients vary with it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bayesgeo._check import invalid, positive

INTERCEPT = "1"
PLACE = "place"  # the key of a field over the places of rows, which need no labels
# Dimensions and variables of a posterior and of a table, which a key cannot share.
RESERVED = (
    *("chain", "draw", "obs", "feature", "label", "unit", "residual", "noise", "sigma", "nu"),
    *("weight", "intercept", "coefficient", "constant"),
)
# What follows the key in a name of the posterior.
PARTS = ("sd", "effect", "correlation", "term", "pair", "length_scale", "field_share", "practical_range")
SMOOTHNESS = (0.5, 1.5, 2.5)


@dataclass(frozen=True)
class Effect:
    """State that coefficients vary from group to group around the coefficients of all rows.

    Parameters
    ----------
    key : str
        Name of the labels: ``"event"``, ``"station"``; ``"region:city"`` is the pair of two. ``"place"``, with a
        smoothness, needs no labels: rows at one place are a group.
    slopes : tuple of str
        Features whose coefficients vary too.
    intercept : bool
        Whether the intercept varies.
    correlated : bool
        Whether the terms of one group may be correlated. If not, features are not centred for it: the intercept that
        varies is the one at zero.
    lkj : float
        Shape of the LKJ prior of the correlations (Lewandowski, Kurowicka & Joe 2009): 1 is uniform over correlation
        matrices, more favours weak correlations.
    smoothness : float, optional
        Groups near each other are alike: of each term a share of the variance is that of a Matérn field of this
        smoothness over the places of the groups, 0.5 (rough, exponential), 1.5 or 2.5; the rest is each group's own.
        None: all is each group's own. The places are the coordinates ``<key>_longitude`` and ``<key>_latitude`` or
        ``<key>_easting`` and ``<key>_northing``, or those without the key.

    Raises
    ------
    InvalidInput
        If nothing varies, a slope occurs twice or is named ``"1"``, the key cannot name a dimension, ``lkj`` is not
        above zero, or the smoothness is another.

    Examples
    --------
    >>> Effect("station", ("log_r",)).terms
    ('1', 'log_r')
    >>> Effect("region:city").columns
    ('region', 'city')
    """

    key: str
    slopes: tuple[str, ...] = ()
    intercept: bool = True
    correlated: bool = True
    lkj: float = 2.0
    smoothness: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.slopes, str):
            raise invalid("slopes", self.slopes, "It is text.", "Give a tuple of names.")
        object.__setattr__(self, "slopes", tuple(self.slopes))
        if isinstance(self.key, str) and ("|" in self.key or "~" in self.key):
            raise invalid("key", self.key, "It is a formula.", "Give it as formula=..., without effects.")
        if not isinstance(self.key, str) or not all(self.key.split(":")) or "/" in self.key or self.key in RESERVED:
            raise invalid("key", self.key, "It cannot name a dimension of the posterior.", "Rename the column.")
        if not self.terms:
            raise invalid("effect", self.key, "Nothing varies.", "Let the intercept vary, or name slopes.")
        if INTERCEPT in self.slopes:
            raise invalid("slopes", self.slopes, "'1' is the intercept.", "Rename that feature.")
        if len(set(self.terms)) < len(self.terms):
            raise invalid("slopes", self.slopes, "A name occurs twice.", "Name each feature once.")
        positive("lkj", self.lkj)
        if self.smoothness is not None and self.smoothness not in SMOOTHNESS:
            raise invalid("smoothness", self.smoothness, "It is not 0.5, 1.5 or 2.5.", "Give one of these, or None.")

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of what varies: ``"1"`` for the intercept, then the slopes."""
        return (*((INTERCEPT,) if self.intercept else ()), *self.slopes)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of labels that make up the key; none where the places of rows do."""
        return () if self.of_places else tuple(self.key.split(":"))

    @property
    def of_places(self) -> bool:
        """Whether the groups are the places of rows."""
        return self.key == PLACE and self.smoothness is not None

    @property
    def correlations(self) -> int:
        """Number of correlations between the terms."""
        return len(self.terms) * (len(self.terms) - 1) // 2 if self.correlated else 0

    @property
    def scales(self) -> int:
        """Number of values that its covariance depends on: deviations, correlations, and two for each field."""
        return len(self.terms) * (1 if self.smoothness is None else 3) + self.correlations

    @property
    def components(self) -> tuple[str, ...]:
        """Names of the standard deviations: the key for the intercept, ``key:feature`` for slopes."""
        return tuple(self.key if term == INTERCEPT else f"{self.key}:{term}" for term in self.terms)

    @property
    def pairs(self) -> tuple[str, ...]:
        """Names of the correlations."""
        n = len(self.terms) if self.correlated else 0
        return tuple(f"{self.terms[j]}, {self.terms[i]}" for i in range(n) for j in range(i))


def effects_of(effects: str | Effect | Iterable[str | Effect] | None, keys: Sequence[str]) -> tuple[Effect, ...]:
    """Return effects from names of keys and effects; None is a varying intercept for each of ``keys``.

    Raises
    ------
    InvalidInput
        If a key has two effects, two keys would share a name, or an item is neither a name nor an effect.

    Examples
    --------
    >>> [effect.key for effect in effects_of(["event", Effect("station", ("log_r",))], ())]
    ['event', 'station']
    """
    if not isinstance(effects, Collection | Effect | None) or isinstance(effects, Mapping):
        problem = "It is neither the name of a key, nor an Effect, nor a list of these."
        raise invalid("effects", effects, problem, 'Try effects=["event"].')
    given = keys if effects is None else [effects] if isinstance(effects, str | Effect) else list(effects)
    for item in given:
        if not isinstance(item, str | Effect):
            raise invalid("effects", item, "It is neither the name of a key nor an Effect.", 'Try effects=["event"].')
    found = tuple(item if isinstance(item, Effect) else Effect(item) for item in given)
    for effect in found:
        if sum(other.key == effect.key for other in found) > 1:
            raise invalid("effects", effect.key, "The key has two effects.", "Name all slopes of a key in one Effect.")
        for other in found:
            if other.key in [f"{effect.key}_{part}" for part in PARTS]:
                problem = f"The posterior has that name beside the key {effect.key!r}."
                raise invalid("key", other.key, problem, "Rename the column.")
    return found


__all__ = ["Effect"]
