"""Proof that the tests of the guarantees notice when a guarantee is taken away."""
