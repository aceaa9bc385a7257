"""Training of networks in PyTorch: recipe, loop, pruning, curves."""
