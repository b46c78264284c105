"""Evaluates a step's fields for one attempt, loading what the expressions ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ensue.core import conditions, resulting
from ensue.expr import documents, interface, reference
from ensue.model.run import Lease, Outcome, Reason, State
from ensue.model.values import Json
from ensue.ports.store import History
from ensue.runtime.patience import patiently

MAX_ROUNDS = 8


class Unusable(Exception):
    """A field cannot be evaluated; carries the outcome of the attempt."""

    def __init__(self, field: str, message: str) -> None:
        self.outcome = Outcome(
            state=State.FAILED, reason=Reason.INVALID_EXPRESSION, message=f"{field}: {message}", can_retry=False
        )
        super().__init__(message)


@dataclass(slots=True, kw_only=True)
class Resolver:
    """The scope of one attempt. Values are loaded at most once."""

    lease: Lease
    history: History
    now: datetime
    roots: dict[str, Json] = field(init=False)
    lazy: frozenset[str] = frozenset({"outputs", "steps"})
    """Roots that are not yet, or never, held as a whole."""

    def __post_init__(self) -> None:
        lease = self.lease
        self.roots = {
            "parameters": dict(lease.parameters),
            "run": {
                "name": lease.run_name,
                "id": lease.key.run,
                "state": lease.run_state.value,
                "startedBy": lease.started_by.subject,
            },
            "outputs": {},
            "steps": {},
        }

    async def value(self, name: str, value: Json) -> Json:
        """The value with its templates replaced. Raises Unusable."""
        for _ in range(MAX_ROUNDS):
            scope = interface.Mapped(roots=self.roots, now=self.now, lazy=self.lazy)
            match documents.evaluate(value, scope, reference.compile):
                case interface.Value(result):
                    return result
                case interface.Unresolved(_, missing):
                    raise Unusable(name, f"there is no {', '.join(missing)}")
                case interface.Error(message, position):
                    raise Unusable(name, f"{message} (at character {position + 1})")
                case interface.Needs(refs):
                    await self._load(refs)
        raise Unusable(name, "it asks for more and more values")

    async def fields(self, name: str, values: Mapping[str, Json]) -> dict[str, Json]:
        if not any("${" in text for text in documents.strings(dict(values))):
            return dict(values)
        return {key: await self.value(f"{name}.{key}", item) for key, item in values.items()}

    async def is_true(self, name: str, text: str) -> bool:
        known = conditions.truth(text)
        if known is not None:
            return known
        value = await self.value(name, text)
        known = conditions.truth(value)
        if known is None:
            raise Unusable(name, f"{value!r} is neither true nor false")
        return known

    async def first_false(self, name: str, texts: Sequence[str]) -> str | None:
        for index, text in enumerate(texts):
            if not await self.is_true(f"{name}[{index}]", text):
                return text
        return None

    async def _load(self, refs: frozenset[interface.Ref]) -> None:
        lease = self.lease
        outputs, steps = self.roots["outputs"], self.roots["steps"]
        assert isinstance(outputs, dict)
        assert isinstance(steps, dict)
        names = [ref[1] for ref in refs if ref[0] == "outputs" and len(ref) > 1]
        if names:
            found = await patiently(lambda: self.history.outputs(lease.key.namespace, lease.key.run, names))
            for name in names:
                outputs[name] = dict(found.get(name, {}))
        if any(ref[0] == "steps" or ref == ("outputs",) for ref in refs):
            rows = await patiently(lambda: self.history.steps(lease.key.namespace, lease.key.run))
            for row in rows:
                steps[row.key.step] = resulting.status(row)
                outputs[row.key.step] = dict(row.outputs)
            self.lazy = frozenset()
