"""Neural networks: trained by PyTorch, or with a posterior over their weights."""
