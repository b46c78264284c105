"""Keeps the rules of each namespace at hand, and reads them again when the store says that they are outdated."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
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


class Rulebooks:
    """Any number of tasks may ask; a namespace is read by one of them at a time."""

    def __init__(self, *, definitions: Definitions) -> None:
        self._definitions = definitions
        self._books: dict[Namespace, Rulebook] = {}
        self._rules: dict[Namespace, dict[Version, Rule]] = {}
        # A lock lives as long as somebody waits for it.
        self._locks: WeakValueDictionary[Namespace, asyncio.Lock] = WeakValueDictionary()

    async def of(self, namespace: Namespace) -> Rulebook:
        known = self._books.get(namespace)
        if known is not None:
            return known
        lock = self._locks.setdefault(namespace, asyncio.Lock())
        async with lock:
            known = self._books.get(namespace)
            if known is None:
                known = await self._read(namespace)
                self._keep(namespace, known)
            return known

    def forget(self, book: Rulebook, namespace: Namespace) -> None:
        """It is outdated; whoever asks next reads the namespace anew."""
        if self._books.get(namespace) is book:
            del self._books[namespace]

    def _keep(self, namespace: Namespace, book: Rulebook) -> None:
        self._books[namespace] = book
        if len(self._books) > MOST:
            # Those where nothing was ever defined go first.
            oldest = next((name for name, each in self._books.items() if not each.revision), next(iter(self._books)))
            del self._books[oldest]
            self._rules.pop(oldest, None)

    async def _read(self, namespace: Namespace) -> Rulebook:
        snapshot = await self._definitions.snapshot(namespace)
        known = self._rules.get(namespace, {})
        triggers = [one for one in snapshot.definitions if one.kind == "Trigger"]
        rules: dict[Version, Rule] = {}
        for number, one in enumerate(triggers):
            version = (one.uid, one.generation)
            rules[version] = known.get(version) or rule_of(one)
            if number % TURN == TURN - 1:
                # Thousands take seconds, in which leases must be renewed and others be answered.
                await asyncio.sleep(0)
        self._rules.pop(namespace, None)
        if rules:
            self._rules[namespace] = rules
        return Rulebook(
            revision=snapshot.revision,
            ruling=ruling.rule_by(rules.values()),
            workflows={one.name: one.hash for one in snapshot.definitions if one.kind == "Workflow"},
            appliers={one.uid: one.applied_by for one in triggers},
        )


def rule_of(stored: StoredDefinition) -> Rule:
    """One that cannot be read stays visible, and decides nothing."""
    try:
        trigger = Trigger.model_validate(stored.body)
    except ValidationError as error:
        log.error("trigger %s of namespace %s cannot be read: %s", stored.name, stored.namespace, error)
        return deciding.unreadable(stored.name, stored.uid, stored.generation, str(error))
    return deciding.compile(trigger, stored.uid, stored.generation)
