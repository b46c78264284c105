"""The size of the terminal that a step with `pty` has."""

ROWS, COLUMNS = 24, 80
