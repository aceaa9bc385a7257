"""What is believed: each file is one family of models."""
