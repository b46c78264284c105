"""The size of the terminal that a step is given when it asks for one."""

ROWS, COLUMNS = 24, 80
