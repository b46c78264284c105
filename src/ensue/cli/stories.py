"""How sources and triggers are, for people."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ensue.cli import tables

View = dict[str, Any]
WIDTH = 13


def source(found: View) -> str:
    return "\n".join(_source(found, f"Source {found['name']}", ""))


def trigger(found: View) -> str:
    return "\n".join(_trigger(found))


def _trigger(found: View) -> Iterator[str]:
    yield _title(f"Trigger {found['name']}", found)
    decisions = found["decisions"]
    counts = ", ".join(f"{count} {conclusion}" for conclusion, count in decisions["counts"].items())
    among = f"among the last {decisions['amongEvents']} events of the namespace"
    yield _line("decided", f"{counts or 'nothing'} ({among})")
    if last := decisions["lastFired"]:
        yield _line("last fired", _event(last))
    for window in found["windows"]:
        yield _line(window["kind"], _window(window))
    for each in found["sources"]:
        yield ""
        yield from _source(each, f"Source {each['name']}", "  ")


def _source(found: View, title: str, indent: str) -> Iterator[str]:
    kind = f" ({found['type']})" if found["type"] else ""
    yield f"{indent}{_title(f'{title}{kind}', found)}"
    facts = [
        ("seen by", ", ".join(found["triggers"])),
        ("address", found["hook"]),
        ("next times", ", ".join(_time(each) for each in found["nextTimes"])),
        ("last event", _event(found["lastEvent"]) if found["lastEvent"] else "none lately"),
        ("last error", _error(found)),
        *(("refused", _refused(each)) for each in found.get("refused", ())),
        *(("note", note) for note in found["notes"]),
    ]
    yield from (f"{indent}{_line(name, text)}" for name, text in facts if text)


def _title(title: str, found: View) -> str:
    return f"{title}: {found['state']}{': ' if found['message'] else ''}{found['message']}"


def _line(name: str, text: str) -> str:
    return f"  {name + ':':<{WIDTH}}{text}"


def _window(window: View) -> str:
    held = f", {window['held']} held, the next until {_time(window['nextTime'])}" if window["held"] else ""
    return f"{window['keys']} {'key' if window['keys'] == 1 else 'keys'} remembered{held}"


def _event(found: View) -> str:
    return f"{found['uid']} {found['type']}, {tables.age(found['time'])} ago"


def _error(found: View) -> str:
    return f"{found['lastError']} ({tables.age(found['failureTime'])} ago)" if found["lastError"] else ""


def _refused(found: View) -> str:
    return f"{found['count']}, last {tables.age(found['time'])} ago: {found['reason']} ({found['message']})"


def _time(text: str) -> str:
    """Without parts of a second, and how far away it is."""
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ} (in {tables.until(text)})"
