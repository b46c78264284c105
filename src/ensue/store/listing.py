"""A page of runs, newest first: whatever is asked for, an index is walked in its order until the page is full."""

from ensue.model.run import FINAL_STATES, State
from ensue.ports.store import RunFilter
from ensue.store import rows
from ensue.store.statement import Sql, Statement

_RUN = rows.columns(rows.RUN_KEY, rows.RUN_FIXED, rows.RUN_CHANGING)
# Word for word as in the partial indexes. Runs that succeed are the rule, and have none of their own.
_FAILED = "state IN ('Failed', 'Cancelled', 'TimedOut')"
_OPEN = "completed_at IS NULL"
COUNT_ROWS = Sql("{count_rows}")()
_LAST = "\U0010ffff"
"""Sorts after every uid: a walk that is bounded above is the same with and without a page before it."""


class Arguments:
    """Values, and the marks that stand for them."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def mark(self, value: object) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def page(select: RunFilter, count: int, after: str) -> Statement:
    """The runs before `after`, where that is not empty."""
    arguments = Arguments()
    # Not an argument: of an unknown limit PostgreSQL thinks that it takes a tenth of all rows.
    limit = f"LIMIT {count:d}"
    after = after or _LAST
    states = tuple(dict.fromkeys(select.states))
    if select.labels and (not states or State.SUCCEEDED in states):
        text = f"{_labelled(select, arguments, after)} ORDER BY run DESC {limit}"
    elif len(states) > 1:
        walks = [f"SELECT * FROM ({_walk(select, arguments, after, state, limit)}) s" for state in states]
        text = f"SELECT {_RUN} FROM ({' UNION ALL '.join(walks)}) found ORDER BY uid DESC {limit}"
    else:
        text = _walk(select, arguments, after, states[0] if states else None, limit)
    return Sql(text)(*arguments.values)


def _walk(select: RunFilter, arguments: Arguments, after: str, state: State | None, limit: str) -> str:
    """Through the exceptions where they are asked for, else through a workflow's runs, a namespace's, or all."""
    is_open = state is not None and state not in FINAL_STATES
    is_failed = state is not None and not is_open and state is not State.SUCCEEDED
    clauses = [f"uid < {arguments.mark(after)}"]
    if state is not None:
        clauses += [f"state = {arguments.mark(state.value)}", *[_OPEN] * is_open, *[_FAILED] * is_failed]
    if select.namespace is not None:
        loosely = "{loosely}" if is_open else ""
        clauses.append(f"{loosely}namespace = {arguments.mark(select.namespace)}")
    if select.workflow is not None:
        loosely = "{loosely}" if is_open or (is_failed and select.namespace is None) else ""
        clauses.append(f"{loosely}workflow = {arguments.mark(select.workflow)}")
    clauses += [_has_label(arguments, *label) for label in select.labels.items()]
    return f"SELECT {_RUN} FROM runs WHERE {' AND '.join(clauses)} ORDER BY uid DESC {limit}"


def _labelled(select: RunFilter, arguments: Arguments, after: str) -> str:
    """Through the runs that have the first label."""
    (label, value), *others = select.labels.items()
    labelled = [
        f"label = {arguments.mark(label)}",
        f"value = {arguments.mark(value)}",
        f"run < {arguments.mark(after)}",
    ]
    clauses = ["uid = labelled.run"]
    if select.namespace is not None:
        labelled.append(f"namespace = {arguments.mark(select.namespace)}")
    if select.workflow is not None:
        clauses.append(f"{{loosely}}workflow = {arguments.mark(select.workflow)}")
    if select.states:
        clauses.append(f"{{loosely}}state IN ({', '.join(arguments.mark(state.value) for state in select.states)})")
    clauses += [_has_label(arguments, *other) for other in others]
    found = f"SELECT run FROM run_labels WHERE {' AND '.join(labelled)}"
    return f"SELECT {_RUN} FROM ({found}) labelled CROSS JOIN runs WHERE {' AND '.join(clauses)}"


def _has_label(arguments: Arguments, label: str, value: str) -> str:
    return (
        "EXISTS (SELECT 1 FROM run_labels l WHERE l.namespace = runs.namespace AND l.run = runs.uid"
        f" AND l.label = {arguments.mark(label)} AND l.value = {arguments.mark(value)})"
    )
