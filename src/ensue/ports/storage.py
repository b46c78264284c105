"""Files by key: log segments, artifacts."""

from collections.abc import AsyncIterator
from typing import Protocol


class Storage(Protocol):
    """Keys are paths of [A-Za-z0-9._-] segments. A written file never changes; writing it again with
    the same bytes is no error. A key is visible only once its bytes are durable."""

    async def write(self, key: str, data: bytes) -> None: ...

    async def read(self, key: str) -> bytes:
        """Raises NotFound."""

    async def delete(self, prefix: str) -> None:
        """All keys equal to or below `prefix/`. None there is no error."""

    def list(self, prefix: str) -> AsyncIterator[str]: ...
