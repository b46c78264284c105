"""Which triggers an event concerns, and what their filters say of it: cost grows with matches, not with triggers."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ensue.expr import indexing, interface
from ensue.expr.indexing import Clauses, Key, Path
from ensue.expr.interface import Absent, Explanation, Program, Result, Scope, Value
from ensue.model.decision import Answer, Clause, Verdict
from ensue.model.values import Json

EVERYTHING = Verdict(answer=Answer.YES)
"""Of a trigger without a filter."""
MOST_SHOWN = 200
"""Characters of a value that a clause compared."""
CUT = "… (cut)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A trigger as matching sees it. `clauses` must hold whenever the filter says yes."""

    uid: str
    sources: frozenset[str]
    """The keys of the source objects whose events it sees."""
    filter: Program | None = None
    clauses: Clauses = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Table:
    """The triggers of one source: those found by a value at a path, and those nothing is known of."""

    paths: Mapping[Path, Mapping[Key, tuple[Candidate, ...]]]
    rest: tuple[Candidate, ...]

    def find(self, roots: dict[str, Json]) -> Iterable[Candidate]:
        for path, by_key in self.paths.items():
            key = indexing.find(roots, path)
            if key is not None:
                yield from by_key.get(key, ())
        yield from self.rest


class Index:
    """The candidates among a fixed set of triggers; built anew when one of them changes."""

    def __init__(self, triggers: Iterable[Candidate]) -> None:
        by_source: defaultdict[str, list[Candidate]] = defaultdict(list)
        for trigger in triggers:
            for source in trigger.sources:
                if not indexing.is_never(trigger.clauses):
                    by_source[source].append(trigger)
        self._tables = {source: _table(found) for source, found in by_source.items()}

    def candidates(self, source: str, roots: dict[str, Json]) -> list[Candidate]:
        """Those of a source whose clauses hold; `roots` are those that filters read (`event`)."""
        table = self._tables.get(source)
        if table is None:
            return []
        return [found for found in table.find(roots) if indexing.hold(found.clauses, roots)]


def _table(triggers: Sequence[Candidate]) -> _Table:
    """Each trigger under that path of its clauses which tells most triggers apart."""
    values: defaultdict[Path, set[Key]] = defaultdict(set)
    asked: Counter[Path] = Counter()
    for trigger in triggers:
        for path, keys in trigger.clauses.items():
            values[path] |= keys
            asked[path] += 1
    paths: defaultdict[Path, defaultdict[Key, list[Candidate]]] = defaultdict(lambda: defaultdict(list))
    rest = []
    for trigger in triggers:
        if not trigger.clauses:
            rest.append(trigger)
            continue
        path = max(trigger.clauses, key=lambda one: (len(values[one]) / len(trigger.clauses[one]), asked[one], one))
        for key in trigger.clauses[path]:
            paths[path][key].append(trigger)
    return _Table(
        {path: {key: tuple(found) for key, found in by_key.items()} for path, by_key in paths.items()}, tuple(rest)
    )


def judge(trigger: Candidate, scope: Scope) -> Verdict:
    """What the filter says: yes, no with the clauses that decided, or could not tell with the reason."""
    if trigger.filter is None:
        return EVERYTHING
    explained = trigger.filter.explain(scope)
    because = _because(explained)
    if isinstance(explained.result, Value) and isinstance(explained.result.value, bool):
        return Verdict(answer=Answer.YES if explained.result.value else Answer.NO, because=because)
    return Verdict(answer=Answer.COULD_NOT_TELL, because=because, error=error_text(explained.result))


def error_text(result: Result) -> str:
    if isinstance(result, Value):
        return f"the filter gives {json.dumps(result.value)[:100]}, neither true nor false"
    remedy = result.remedy if isinstance(result, interface.Error) else ""
    return f"{interface.reason(result)} ({remedy})" if remedy else interface.reason(result)


def _because(explained: Explanation) -> tuple[Clause, ...]:
    return tuple(
        Clause(
            text=clause.text,
            values={name: _shown(value) for name, value in clause.values if not isinstance(value, Absent)},
        )
        for clause in explained.because
    )


def _shown(value: Json) -> Json:
    """As it is, or the beginning of it, or of its JSON: every candidate of an event stores what it compared."""
    if isinstance(value, str):
        return value if len(value) <= MOST_SHOWN else value[:MOST_SHOWN] + CUT
    if not isinstance(value, list | dict):
        return value
    text = ""
    for part in json.JSONEncoder(ensure_ascii=False).iterencode(value):
        text += part[: MOST_SHOWN + 1]
        if len(text) > MOST_SHOWN:
            return text[:MOST_SHOWN] + CUT
    return value
