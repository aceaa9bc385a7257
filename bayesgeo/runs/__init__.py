"""A run: several models on one data set, kept in a folder."""
