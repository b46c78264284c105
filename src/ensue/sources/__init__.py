"""Sources: what lets events in."""
