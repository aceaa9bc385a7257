"""The page that explains every check, included in wheels."""

from functools import lru_cache
from pathlib import Path

from bayesgeo._check import one_of
from bayesgeo.diagnostics.base import CODES, PAGE


def explain(code: str) -> str:
    """Return the explanation of a check: its question, thresholds with sources, and fixes.

    Parameters
    ----------
    code : str
        Code of a check.

    Raises
    ------
    InvalidInput
        If the code is unknown.

    Examples
    --------
    >>> print(explain("finite"))
    *Is every draw a number?* One NaN or infinity fails, ...
    """
    return _sections()[one_of("code", code, CODES)]


@lru_cache
def _sections() -> dict[str, str]:
    packaged, checkout = Path(__file__).with_name("checks.md"), Path(__file__).parents[2] / PAGE
    page = (packaged if packaged.exists() else checkout).read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in page.split("\n## ")[1:])
    return {code.strip(): text.strip() for code, _, text in parts}
