"""The port between transactions and the two databases."""

from collections.abc import Sequence
from typing import Protocol

from ensue.store.dialects import Dialect
from ensue.store.statement import Begin, Row, Statement, T


class Driver(Protocol):
    """Runs transactions. Calls may come from any number of tasks of the loop that called `open`.

    `begin` may be called again when the database asks for a retry, so a transaction holds no state
    of its own outside the generator. Two transactions of one task run in the order it awaited them.
    An exception raised in a transaction rolls it back and reaches the caller; an error of a statement
    is never sent into the generator. When the calling task is cancelled the transaction may still
    commit, as after a lost connection.

    Raises StoreFull, StoreUnreachable or Unavailable when the same call may work later, and StoreBroken
    when it will not.
    """

    @property
    def dialect(self) -> Dialect: ...

    async def open(self) -> None: ...

    async def close(self) -> None:
        """Finish what was accepted, then release everything. May be opened again."""

    async def write(self, begin: Begin[T]) -> T: ...

    async def read(self, begin: Begin[T]) -> T:
        """One snapshot for all statements; one that writes is refused."""

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        """One statement that reads; cheaper than a transaction."""
