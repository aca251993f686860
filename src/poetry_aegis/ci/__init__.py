"""Pipelines: the files that run them, and what a command tells the one that it runs in."""
