"""What follows from reading files again: what is applied, what goes, what goes on as it was. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ensue.model.errors import Problem

Key = tuple[str, str, str]
"""Namespace, kind and name."""
ORDER = ("Permission", "Workflow", "Source", "Trigger")
"""What others refer to comes first, and goes last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A document of a file, whose name can be read."""

    key: Key
    file: str
    line: int
    digest: str = ""
    """Of what is to be applied."""
    problems: tuple[Problem, ...] = ()
    """Why it cannot be; empty when it can."""
    warnings: tuple[Problem, ...] = ()
    """What is wrong with it although it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All files as they are now, by path; a path of `blind` is a file or a directory of which not all can be read."""

    found: tuple[Found, ...] = ()
    blind: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)

    def problems_of(self, file: str) -> tuple[Problem, ...] | None:
        """Why not all of the file is known; None when it is."""
        for path, problems in self.blind.items():
            if file == path or file.startswith(f"{path}/"):
                return problems
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is known of a definition that files have, or had a moment ago."""

    file: str
    line: int
    digest: str = ""
    """Of what was applied; empty when nothing was yet."""
    problems: tuple[Problem, ...] = ()
    gone_since: float | None = None
    """When no file had it any more, on a clock that never jumps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """First `delete`, then `put`, each in its order; `held` is what is true then."""

    held: Mapping[Key, Held]
    delete: tuple[Key, ...] = ()
    put: tuple[Found, ...] = ()
    again_at: float | None = None
    """When something will go that no file has, unless one has it again."""


def plan(held: Mapping[Key, Held], reading: Reading, now: float, grace: float) -> Plan:
    """One definition never has two owners: of files that define the same, the one that had it first counts. What
    vanishes goes after the grace, since it may be on its way to another file; what is renamed goes at once."""
    found = _by_key(reading.found)
    after: dict[Key, Held] = {}
    put: list[Found] = []
    for key, documents in found.items():
        chosen = _chosen(held.get(key), documents)
        after[key] = _present(held.get(key), chosen, documents)
        if chosen.digest and not chosen.problems and after[key].digest != chosen.digest:
            put.append(chosen)
            after[key] = replace(after[key], digest=chosen.digest)
    delete, waiting = [], []
    newcomers = {(chosen.file, key[1]) for key, (chosen, *_) in found.items() if key not in held}
    for key in held.keys() - found.keys():
        kept = _absent(key, held[key], reading, newcomers, now, grace)
        if kept is None:
            delete.append(key)
            continue
        after[key] = kept
        waiting += [] if kept.gone_since is None else [kept.gone_since + grace]
    return Plan(
        held=after,
        delete=tuple(sorted(delete, key=lambda key: (-_rank(key), key))),
        put=tuple(sorted(put, key=lambda one: (_rank(one.key), one.file, one.line))),
        again_at=min(waiting, default=None),
    )


def refused(held: Held, problem: Problem) -> Held:
    """What was to be applied and could not: it is tried again."""
    return replace(held, digest="", problems=(*held.problems, problem))


def _rank(key: Key) -> int:
    return ORDER.index(key[1]) if key[1] in ORDER else len(ORDER)


def _by_key(found: Iterable[Found]) -> dict[Key, list[Found]]:
    keys: defaultdict[Key, list[Found]] = defaultdict(list)
    for one in found:
        keys[one.key].append(one)
    return dict(keys)


def _chosen(before: Held | None, documents: Sequence[Found]) -> Found:
    same_file = [one for one in documents if before is not None and one.file == before.file]
    good = [one for one in documents if not one.problems]
    return (same_file or good or documents)[0]


def _present(before: Held | None, chosen: Found, documents: Sequence[Found]) -> Held:
    repeated = [_repeated(chosen, other) for other in documents if other is not chosen]
    return Held(
        file=chosen.file,
        line=chosen.line,
        digest=before.digest if before is not None else "",
        problems=(*chosen.problems, *chosen.warnings, *repeated),
    )


def _repeated(chosen: Found, other: Found) -> Problem:
    _, kind, name = chosen.key
    return Problem(
        message=f"{kind} {name} is in {other.file}:{other.line} and in {chosen.file}:{chosen.line}, which counts",
        remedy="rename or remove one of the two",
        path="metadata.name",
        file=other.file,
        line=other.line,
    )


def _absent(
    key: Key, before: Held, reading: Reading, newcomers: set[tuple[str, str]], now: float, grace: float
) -> Held | None:
    """What is known of one that is in no file; None when it goes."""
    problems = reading.problems_of(before.file)
    if problems is not None:
        return replace(before, problems=problems, gone_since=None)
    since = now if before.gone_since is None else before.gone_since
    is_renamed = (before.file, key[1]) in newcomers
    return None if is_renamed or now - since >= grace else replace(before, gone_since=since)


def changes(before: Mapping[Key, Held], after: Mapping[Key, Held]) -> Iterator[tuple[Key, tuple[Problem, ...]]]:
    """What is to be told: the definitions whose problems are others now."""
    for key, held in after.items():
        known = before[key].problems if key in before else ()
        if known != held.problems:
            yield key, held.problems
