"""Files: what is created, changed and deleted below a path becomes an event."""

from ensue.sources.file.watching import FileSource

__all__ = ["FileSource"]
