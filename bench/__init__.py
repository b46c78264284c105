"""Benchmarks: each prints what we and a named peer do on the same machine in turn. See docs/benchmarks.md."""
