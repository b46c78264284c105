"""Expression languages behind one interface: compile a text once, evaluate it against a scope, nothing else is read."""
