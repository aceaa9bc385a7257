"""Bayesian machine learning for geoscience, with evidence."""

import lazy_loader

__version__ = "0.1.0"

# Names are imported when they are first used, so that the package itself opens at once; the stub beside lists them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
