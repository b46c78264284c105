"""The small protocols between the core's loops and the edges. Implementations do not inherit from them."""
