"""Keeps the rules of each namespace at hand, and reads what has changed when the store says that they are outdated."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final
from weakref import WeakValueDictionary

from pydantic import ValidationError

from ensue.core import deciding, ruling
from ensue.core.deciding import Rule
from ensue.core.ruling import Ruling
from ensue.model.identity import Identity
from ensue.model.trigger import Trigger
from ensue.model.values import DefinitionHash, Namespace
from ensue.ports.store import Definitions, StoredDefinition

log = logging.getLogger("ensue.intake")

MOST = 1000
"""Namespaces at hand; senders can make up any number of names."""
TURN = 50
"""Rules that are made ready without letting others of the loop have their turn."""

Version = tuple[str, int]
"""A trigger's uid and generation."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """A namespace as events meet it."""

    revision: int
    ruling: Ruling
    workflows: Mapping[str, DefinitionHash]
    appliers: Mapping[str, Identity]
    """Who applied each trigger, by its uid."""
    is_outdated: bool = False


NOTHING: Final = Rulebook(
    revision=0,
    ruling=ruling.rule_by(()),
    workflows=MappingProxyType({}),
    appliers=MappingProxyType({}),
)


class Rulebooks:
    """Any number of tasks may ask; a namespace is read by one of them at a time."""

    def __init__(self, *, definitions: Definitions) -> None:
        self._definitions = definitions
        self._books: dict[Namespace, Rulebook] = {}
        # A lock lives as long as somebody waits for it.
        self._locks: WeakValueDictionary[Namespace, asyncio.Lock] = WeakValueDictionary()

    async def of(self, namespace: Namespace) -> Rulebook:
        known = self._books.get(namespace, NOTHING)
        if known is not NOTHING and not known.is_outdated:
            return known
        lock = self._locks.setdefault(namespace, asyncio.Lock())
        async with lock:
            known = self._books.get(namespace, NOTHING)
            if known is NOTHING or known.is_outdated:
                known = await self._read(namespace, known)
                self._keep(namespace, known)
            return known

    def forget(self, book: Rulebook, namespace: Namespace) -> None:
        """It is outdated; whoever asks next reads what has changed since."""
        if self._books.get(namespace) is book:
            self._books[namespace] = replace(book, is_outdated=True)

    def _keep(self, namespace: Namespace, book: Rulebook) -> None:
        self._books[namespace] = book
        if len(self._books) > MOST:
            # Those where nothing was ever defined go first.
            oldest = next((name for name, each in self._books.items() if not each.revision), next(iter(self._books)))
            del self._books[oldest]

    async def _read(self, namespace: Namespace, known: Rulebook) -> Rulebook:
        changes = await self._definitions.snapshot(namespace, since=known.revision)
        if changes.revision < known.revision:
            # The database was restored.
            known, changes = NOTHING, await self._definitions.snapshot(namespace)
        revision, names, changed = changes.revision, changes.names, list(changes.definitions)
        del changes
        return await _after(known, revision, names, changed)


async def _after(
    book: Rulebook, revision: int, names: frozenset[tuple[str, str]], changed: list[StoredDefinition]
) -> Rulebook:
    """The book at this revision; of a trigger whose version is the same the rule is kept.

    Empties `changed`: thousands of definitions and the rules made of them need not be in memory together."""
    stay = names - {(one.kind, one.name) for one in changed}
    before = {(rule.uid, rule.generation): rule for rule in book.ruling.rules.values()}
    rules = {uid: rule for uid, rule in book.ruling.rules.items() if ("Trigger", rule.name) in stay}
    appliers = {uid: book.appliers[uid] for uid in rules}
    workflows = {name: hash for name, hash in book.workflows.items() if ("Workflow", name) in stay}
    workflows |= {one.name: one.hash for one in changed if one.kind == "Workflow"}
    changed.reverse()
    while changed:
        one = changed.pop()
        if one.kind != "Trigger":
            continue
        rules[one.uid] = before.get((one.uid, one.generation)) or rule_of(one)
        appliers[one.uid] = one.applied_by
        if len(changed) % TURN == 0:
            # Thousands take seconds, in which leases must be renewed and others be answered.
            await asyncio.sleep(0)
    return Rulebook(
        revision=revision,
        ruling=ruling.rule_by(rules.values()),
        workflows=workflows,
        appliers=appliers,
    )


def rule_of(stored: StoredDefinition) -> Rule:
    """One that cannot be read stays visible, and decides nothing."""
    try:
        trigger = Trigger.model_validate(stored.body, extra="ignore")
    except ValidationError as error:
        log.error("trigger %s of namespace %s cannot be read: %s", stored.name, stored.namespace, error)
        return deciding.unreadable(stored.name, stored.uid, stored.generation, str(error))
    return deciding.compile(trigger, stored.uid, stored.generation)
