"""Maps: where a model may be applied, and what it predicts on a grid."""

from bayesgeo._registry import lazily

OTHERS: dict[str, str] = {}
__getattr__ = lazily(__name__, OTHERS)
