"""What a step reads: its spec, environment and conditions, secrets, state and outputs."""

from ensue.core import transfer
from ensue.expr import interface, relay
from ensue.expr.interface import Error, Needs, Scope, Unresolved, Value
from ensue.metadata import answers, schemas
from ensue.metadata.answers import Answer
from ensue.metadata.calls import Call
from ensue.metadata.refusals import Refused
from ensue.model.errors import NotFound
from ensue.model.values import Json
from ensue.ports.metadata import Message, Part

EVALUATION = "rma_expression_evaluation_error"
NOT_FOUND = "rma_model_not_found_error"
LONGEST_DETAILS = 1024
_INFINITE = ("the number is not finite", "the result is not a finite number", "division by zero")


async def healthz() -> Answer:
    return answers.document(200, ("ping", "pong"))


async def spec(call: Call) -> Answer:
    document = await call.caller.document(Part.SPEC)
    language = call.query.get("lang", "")
    if language not in relay.LANGUAGES:
        raise Refused("rma_expression_unsupported_language_error", arguments={"language": language[:64]})
    return _evaluated(call, await _query(call, Part.SPEC, document, call.query.get("q", ""), language))


async def environment(call: Call) -> Answer:
    document = await call.caller.document(Part.ENV)
    return _evaluated(call, await _query(call, Part.ENV, document))


async def variable(call: Call) -> Answer:
    document = await call.caller.document(Part.ENV)
    if not isinstance(document, dict) or call.name not in document:
        raise Refused(NOT_FOUND)
    result = await _query(call, Part.ENV, document[call.name])
    if not call.is_strict:
        return _evaluated(call, result)
    # What the reference shows of its inside; its clients look for `value` whatever the case.
    value, _, _ = _parts(call, result)
    members: list[answers.Member] = [("Annotation", None), ("References", None), ("Steps", 0), ("Evaluator", None)]
    return answers.document(200, *members, ("Value", value))


async def _query(call: Call, part: Part, document: Json, text: str = "", language: str = "") -> interface.Result:
    flavour = call.caller.flavour

    def question(scope: Scope) -> interface.Result:
        return relay.query(document, text, language, scope, flavour)

    return await call.caller.ask(part, question)


def _evaluated(call: Call, result: interface.Result) -> Answer:
    value, unresolvable, is_complete = _parts(call, result)
    return answers.document(200, ("value", value), ("unresolvable", unresolvable), ("complete", is_complete))


def _parts(call: Call, result: interface.Result) -> tuple[Json, dict[str, Json], bool]:
    match result:
        case Value(value):
            return value, {}, True
        case Unresolved(value, missing):
            return value, relay.unresolvable(missing), False
        case Error(message):
            if call.is_strict and any(text in message for text in _INFINITE):
                raise Refused("hhttp_api_resource_serialization_error", cause=message)
            raise Refused(EVALUATION, arguments={"error": message}, cause=message)
        case Needs():
            raise Refused(EVALUATION, arguments={"error": interface.reason(result)})


async def conditions(call: Call) -> Answer:
    try:
        document = await call.caller.document(Part.CONDITIONS)
    except NotFound:
        return _verdict(relay.Verdict(True, True, ""))
    flavour = call.caller.flavour

    def question(scope: Scope) -> relay.Verdict | relay.WrongType | Error | Needs:
        return relay.decide(document, scope, flavour)

    result: relay.Verdict | relay.WrongType | Error = await call.caller.ask(Part.CONDITIONS, question)
    if isinstance(result, relay.Verdict):
        return _verdict(result)
    if isinstance(result, relay.WrongType):
        refused = Refused("rma_condition_type_error", arguments={"type": result.type})
        details = f"a condition must be true or false, and this one is of the type {result.type}"
    else:
        details = result.message
        refused = Refused(EVALUATION, arguments={"error": details}, cause=details)
    await call.caller.record(Message(source="whenEvaluation", details=details[:LONGEST_DETAILS]))
    raise refused


def _verdict(verdict: relay.Verdict) -> Answer:
    return answers.document(
        200, ("resolved", verdict.is_resolved), ("success", verdict.is_success), ("message", verdict.message)
    )


async def secret(call: Call) -> Answer:
    value = await call.caller.secret(call.name)
    return answers.document(200, ("key", call.name), ("value", transfer.encoded(value)))


async def state(call: Call) -> Answer:
    return answers.document(200, ("key", call.name), ("value", await call.caller.state(call.name)))


async def output(call: Call) -> Answer:
    call.require_step()
    found = await call.caller.output(call.names["step"], call.name)
    about: Json = None if found.is_sensitive is None else {"Sensitive": found.is_sensitive}
    return answers.document(
        200, ("task_name", found.step), ("key", found.name), ("value", found.value), ("metadata", about)
    )


async def validate(call: Call) -> Answer:
    """What is wrong with the spec becomes a message of the step; the call itself never fails by it."""
    image = await call.caller.image()
    if call.schemas is not None and image:
        try:
            await _validate(call, call.schemas, image)
        except schemas.Unparsable as error:
            raise Refused("rma_action_image_parse_error", cause=str(error)) from None
    return Answer(status=200, body=b"null", media_type=answers.JSON)


async def _validate(call: Call, known: schemas.Schemas, image: str) -> None:
    try:
        document = await call.caller.document(Part.SPEC)
    except NotFound:
        document = {}
    match await _query(call, Part.SPEC, document):
        case Value(value) if found := known.complaints(image, value):
            details = "\n".join(["typeutil: validation error:", *(f"* {one}" for one in found)])
            await call.caller.record(Message(source="specValidation", details=details[:LONGEST_DETAILS]))
