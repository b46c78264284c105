"""What became of definitions of files elsewhere: others took them over, or deleted them. One read of a namespace's
revision tells whether to look."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ensue.core.following import Held, Key
from ensue.model.errors import Problem
from ensue.model.values import Namespace
from ensue.operations.world import World
from ensue.ports.origins import FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    lost: frozenset[Key] = frozenset()
    """Not as files have it any more: it is to be applied again, or refused with the reason."""
    deleted: frozenset[Key] = frozenset()
    """By somebody who knew that files define it: that stays so until its document is edited."""
    free: frozenset[Key] = frozenset()
    """Nobody else manages it."""
    gone: frozenset[Key] = frozenset()
    """There is none of the name."""
    namespaces: frozenset[str] = frozenset()
    """Those that were looked at."""
    revisions: Mapping[str, int] = field(default_factory=dict)


class Elsewhere:
    """Compares what files had applied with what is stored now."""

    def __init__(self, *, world: World) -> None:
        self._world = world
        self._revisions: dict[str, int] = {}

    async def look(self, held: Mapping[Key, Held]) -> Change | None:
        """None when nothing was changed since the last `note`."""
        places = sorted({key[0] for key in held})
        now = {place: await self._world.definitions.revision(Namespace(place)) for place in places}
        changed = {place for place, revision in now.items() if self._revisions.get(place) != revision}
        if not changed:
            return None
        lost: set[Key] = set()
        deleted: set[Key] = set()
        free: set[Key] = set()
        gone: set[Key] = set()
        for place in sorted(changed):
            managers = await self._world.origins.managers(Namespace(place))
            for key, one in held.items():
                if key[0] != place:
                    continue
                manager = managers.get((key[1], key[2]))
                if manager in (None, FILE):
                    free.add(key)
                if manager is None:
                    gone.add(key)
                if one.digest and manager is None and await self._was_of_file(key):
                    deleted.add(key)
                elif one.digest and manager != FILE:
                    lost.add(key)
        return Change(
            lost=frozenset(lost),
            deleted=frozenset(deleted),
            free=frozenset(free),
            gone=frozenset(gone),
            namespaces=frozenset(changed),
            revisions=now,
        )

    def note(self, change: Change) -> None:
        """It was acted upon."""
        self._revisions = dict(change.revisions)

    async def _was_of_file(self, key: Key) -> bool:
        """When it was deleted; what somebody took over before leaves the file's version to come back."""
        namespace, kind, name = key
        last = await self._world.definitions.history(Namespace(namespace), kind, name, 1)
        return bool(last) and last[0].manager == FILE


def problem(key: Key, held: Held) -> Problem:
    """Of one that was deleted though a file has it."""
    _, kind, name = key
    return Problem(
        message=f"{kind} {name} was deleted on the server",
        remedy="it comes back when its document is edited, or the server starts; or take the document out of the file",
        path="metadata.name",
        file=held.file,
        line=held.line,
    )
