"""Keeps the rules of each namespace at hand, and reads them again when the store says that they are outdated."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from ensue.core import deciding, ruling
from ensue.core.deciding import Rule
from ensue.core.ruling import Ruling
from ensue.model.identity import Identity
from ensue.model.trigger import Trigger
from ensue.model.values import DefinitionHash, Namespace
from ensue.ports.store import Definitions, Snapshot, StoredDefinition

log = logging.getLogger("ensue.intake")

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
        self._locks: defaultdict[Namespace, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, namespace: Namespace) -> Rulebook:
        known = self._books.get(namespace)
        if known is not None:
            return known
        async with self._locks[namespace]:
            if namespace not in self._books:
                self._books[namespace] = self._read(namespace, await self._definitions.snapshot(namespace))
            return self._books[namespace]

    def forget(self, book: Rulebook, namespace: Namespace) -> None:
        """It is outdated; whoever asks next reads the namespace anew."""
        if self._books.get(namespace) is book:
            del self._books[namespace]

    def _read(self, namespace: Namespace, snapshot: Snapshot) -> Rulebook:
        known = self._rules.get(namespace, {})
        triggers = [one for one in snapshot.definitions if one.kind == "Trigger"]
        rules = {(one.uid, one.generation): known.get((one.uid, one.generation)) or rule_of(one) for one in triggers}
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
