"""Everything that goes out: the only HTTP client code."""
