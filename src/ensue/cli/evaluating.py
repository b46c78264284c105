"""Requests of `ensue eval` and their answers, as JSON objects: one for each language."""

import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from ensue import files
from ensue.expr.interface import Code, Error, Mapped, Needs, Result, Scope, Unresolved, Value
from ensue.model.definition import Dialect
from ensue.model.errors import InvalidDefinition, InvalidInput
from ensue.model.values import Json

Request = Mapping[str, Json]
Answer = dict[str, Json]

UNAVAILABLE = "language_unavailable"
INVALID = "invalid_request"
MAX_TIMES = 1000


class Refused(Exception):
    """The request itself is wrong."""


def answer(request: Json, now: datetime | None = None) -> Answer:
    """Never raises. `{"value", "unresolved", "complete"}`, or `{"error": {"code", "message"}}`."""
    if not isinstance(request, dict):
        return failure(INVALID, "a request is a JSON object")
    identity: Answer = {"id": request["id"]} if "id" in request else {}
    try:
        return identity | _answer(request, now or datetime.now(UTC))
    except Refused as refused:
        return identity | failure(INVALID, str(refused))
    except InvalidDefinition as error:
        return identity | failure(Code.SYNTAX, str(error))


def failure(code: str, message: str) -> Answer:
    return {"error": {"code": str(code), "message": message}}


def _answer(request: Request, now: datetime) -> Answer:
    language = _text(request, "lang", "cel")
    evaluate = LANGUAGES.get(language)
    if evaluate is None:
        names = ", ".join(LANGUAGES)
        return failure(UNAVAILABLE, f"the language {language} is not available here ({names} are)")
    roots = request.get("scope", {})
    if not isinstance(roots, dict):
        raise Refused("scope is an object: a value for each root")
    return evaluate(request, Mapped(roots=roots, now=_now(request, now)))


def _cel(request: Request, scope: Scope) -> Answer:
    from ensue.expr import cel

    return plain(cel.compile(_text(request, "text")).evaluate(scope))


def _filter(request: Request, scope: Scope) -> Answer:
    from ensue.expr import cel, subscriptions

    value = _document(request, Dialect.ENSUE)
    if isinstance(value, str):
        value = {"cel": value}
    return subscriptions.answer(subscriptions.parse(value, {"cel": cel.compile}).explain(scope))


def _relay(request: Request, scope: Scope) -> Answer:
    from ensue.expr.relay import conditions, flavours, objects, querying, reporting

    is_strict = _text(request, "compat", "") == "strict"
    if _text(request, "dialect", "relay") == "ensue":
        dialect, flavour = Dialect.ENSUE, flavours.NATIVE_STRICT if is_strict else flavours.NATIVE
    else:
        dialect, flavour = Dialect.RELAY, flavours.RELAY_STRICT if is_strict else flavours.RELAY
    document = _document(request, dialect)
    if request.get("condition"):
        match conditions.decide(document, scope, flavour):
            case conditions.Verdict() as verdict:
                return {
                    "value": verdict.is_success if verdict.is_resolved else None,
                    "message": verdict.message,
                    "unresolved": reporting.unresolvable(verdict.missing),
                    "complete": verdict.is_resolved,
                }
            case conditions.WrongType(type):
                return failure(Code.TYPE, f"a condition is true or false, not of the type {type}")
            case result:
                return plain(result)
    query = _text(request, "query", "")
    if not query:
        return plain(objects.evaluate(document, scope, flavour))
    return plain(querying.query(document, query, _text(request, "queryLang", ""), scope, flavour))


def _cron(request: Request, scope: Scope) -> Answer:
    """The next `count` times after `start`, of `timezone` unless the text names one."""
    from ensue.core import scheduling

    count = request.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 < count <= MAX_TIMES:
        raise Refused(f"count is a number from 1 to {MAX_TIMES}")
    start = _moment(request, "start") if "start" in request else scope.now
    try:
        schedule = scheduling.parse(_text(request, "text"), _text(request, "timezone", "UTC"))
    except InvalidInput as error:
        return failure(Code.SYNTAX, error.message)
    times: list[Json] = [time.isoformat() for time in itertools.islice(schedule.after(start), count)]
    return {"value": times, "unresolved": {}, "complete": True}


LANGUAGES: Mapping[str, Callable[[Request, Scope], Answer]] = {
    "cel": _cel,
    "relay": _relay,
    "filter": _filter,
    "cron": _cron,
}


def plain(result: Result) -> Answer:
    match result:
        case Value(value):
            return {"value": value, "unresolved": {}, "complete": True}
        case Unresolved(value, missing):
            from ensue.expr.relay import reporting

            return {"value": value, "unresolved": reporting.unresolvable(missing), "complete": False}
        case Error(message, position, code):
            return {"error": {"code": str(code), "message": message, "position": position}}
        case Needs(refs):
            names = sorted(".".join(ref) for ref in refs)
            return failure(Code.REFERENCE, f"the scope does not hold {', '.join(names)}")


def _document(request: Request, dialect: Dialect) -> Json:
    """The text itself, or what `document` holds: a JSON value, or a text in `format`."""
    if "document" not in request:
        return _text(request, "text")
    document, form = request["document"], request.get("format")
    if form is None:
        return document
    if form not in ("json", "yaml") or not isinstance(document, str):
        raise Refused("format is json or yaml, and document then a text")
    return files.value(document, f"document.{form}", dialect=dialect)


def _text(request: Request, key: str, default: str | None = None) -> str:
    text = request.get(key, default)
    if not isinstance(text, str):
        raise Refused(f"{key} is missing" if text is None else f"{key} is a text")
    return text


def _now(request: Request, default: datetime) -> datetime:
    return _moment(request, "now") if "now" in request else default


def _moment(request: Request, key: str) -> datetime:
    try:
        given = datetime.fromisoformat(_text(request, key))
    except ValueError:
        raise Refused(f"{key} is an RFC 3339 time") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)
