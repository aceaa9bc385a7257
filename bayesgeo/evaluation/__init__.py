"""From a model and a data set to Evidence, and from Evidence to comparisons."""
