"""All permissions of the server, and when to read them again (port Permissions)."""

from ensue.ports.store import StoredDefinition
from ensue.store import definitions
from ensue.store.driver import Driver
from ensue.store.statement import Sql

REVISION = Sql("SELECT coalesce(sum(revision), 0) FROM namespaces")


class PermissionTable:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def revision(self) -> int:
        # PostgreSQL sums integers up to a decimal.
        return int((await self._driver.fetch(REVISION()))[0][0])

    async def all(self) -> tuple[StoredDefinition, ...]:
        return await self._driver.read(lambda: definitions.current(None, "Permission"))
