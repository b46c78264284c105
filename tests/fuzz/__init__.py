"""Mutated texts for every parser: `python -m tests.fuzz TARGET… --seconds N`."""
