"""What is refused, in relay's envelope: one table of codes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ensue.metadata import answers
from ensue.metadata.answers import Answer
from ensue.model.errors import (
    Conflict,
    Denied,
    EnsueError,
    InvalidDefinition,
    InvalidInput,
    NotFound,
    TooLarge,
    TooSlow,
    Unauthenticated,
    Unavailable,
    VaultAway,
)
from ensue.model.values import Json

CAUSE: Sequence[answers.Member] = (
    ("domain", "err"),
    ("section", "golang_errors"),
    ("code", "err_golang_errors_errorString"),
    ("title", "Error"),
    ("sensitivity", 100),
)
"""How relay's clients know what lies behind an error."""


@dataclass(frozen=True, slots=True)
class Kind:
    status: int
    title: str
    template: str
    """`{{name}}` stands for an argument."""
    domain: str = "rma"


KINDS: Mapping[str, Kind] = {
    "rma_api_authentication_error": Kind(401, "Authentication error", "We could not authenticate this request."),
    "rma_api_unknown_request_media_type_error": Kind(
        422, "Unknown request media type", "We do not know how to read a body of the media type {{mediaType}}."
    ),
    "rma_api_malformed_request_error": Kind(422, "Malformed request", "The request could not be read."),
    "rma_api_object_serialization_error": Kind(422, "Object serialization error", "The value could not be written."),
    "rma_api_request_too_large_error": Kind(413, "Request too large", "The request is larger than it may be."),
    "rma_api_request_timeout_error": Kind(408, "Request timeout", "The body of the request did not come in time."),
    "rma_api_too_many_requests_error": Kind(429, "Too many requests", "Too much is under way: try again."),
    "rma_model_not_found_error": Kind(404, "Not found", "The requested object could not be found."),
    "rma_model_conflict_error": Kind(409, "Conflict", "The object is in conflict with another one."),
    "rma_model_authorization_error": Kind(403, "Unauthorized", "This step or trigger may not do that."),
    "rma_model_read_error": Kind(500, "Read error", "The object could not be read."),
    "rma_model_write_error": Kind(500, "Write error", "The object could not be written."),
    "rma_expression_evaluation_error": Kind(
        422, "Expression evaluation error", "An expression could not be evaluated: {{error}}"
    ),
    "rma_expression_unsupported_language_error": Kind(
        422, "Unsupported expression language", "We do not know the expression language {{language}}."
    ),
    "rma_condition_type_error": Kind(
        422, "Condition type error", "A condition must be true or false, and this one is of the type {{type}}."
    ),
    "rma_action_image_parse_error": Kind(500, "Image parse error", "The image of this action could not be read."),
    "hhttp_api_resource_serialization_error": Kind(
        500, "Resource serialization error", "The answer could not be written.", domain="hhttp"
    ),
}


class Refused(Exception):
    """Ends a request with an envelope; a `status` is in place of the kind's own."""

    def __init__(
        self, code: str, *, arguments: Mapping[str, Json] | None = None, cause: str = "", status: int = 0
    ) -> None:
        super().__init__(code)
        self.code = code
        self.arguments = arguments or {}
        self.cause = cause
        self.status = status or KINDS[code].status


UNAUTHORIZED = answers.plain(401, "401 unauthorized\n")
UNAVAILABLE = 503
AGAIN = frozenset({429, UNAVAILABLE})


def of(error: EnsueError, *, is_write: bool) -> Refused | None:
    """The refusal that an error of a caller is; None for one that nobody expects."""
    match error:
        case NotFound():
            return Refused("rma_model_not_found_error", cause=str(error))
        case Denied():
            return Refused("rma_model_authorization_error", cause=str(error))
        case TooLarge():
            return Refused("rma_api_request_too_large_error", cause=str(error))
        case TooSlow():
            return Refused("rma_api_request_timeout_error", cause=str(error))
        case Conflict():
            return Refused("rma_model_conflict_error", cause=str(error))
        case InvalidInput() | InvalidDefinition():
            return Refused("rma_api_malformed_request_error", cause=str(error))
        case Unauthenticated():
            return None
    status = UNAVAILABLE if isinstance(error, Unavailable | VaultAway) else 0
    code = "rma_model_write_error" if is_write else "rma_model_read_error"
    return Refused(code, cause=str(error), status=status)


def answer(refused: Refused, *, is_debug: bool) -> Answer:
    kind = KINDS[refused.code]
    formatted = kind.template
    for name, value in refused.arguments.items():
        shown = value if isinstance(value, str) else answers.text(value)
        formatted = formatted.replace(f"{{{{{name}}}}}", shown)
    members: list[answers.Member] = [
        ("domain", kind.domain),
        ("section", refused.code.split("_")[1]),
        ("code", refused.code),
        ("title", kind.title),
        ("description", {"friendly": kind.template, "technical": kind.template}),
    ]
    if refused.arguments:
        members.append(("arguments", dict(refused.arguments)))
    members.append(("formatted", {"friendly": formatted, "technical": formatted}))
    texts = [answers.members(members)[1:-1]]
    if refused.cause:
        texts.append(f'"causes":[{_cause(refused.cause, is_debug=is_debug)}]')
    body = f'{{"error":{{{",".join(texts)}}}}}'.encode()
    headers = ((b"retry-after", b"1"),) if refused.status in AGAIN else ()
    return Answer(status=refused.status, body=body, media_type=answers.JSON, headers=headers)


def _cause(text: str, *, is_debug: bool) -> str:
    """Its identity; what it says is for debugging alone."""
    members: list[answers.Member] = [*CAUSE]
    if is_debug:
        template = "{{cause}}"
        members.append(("description", {"friendly": template, "technical": template}))
        members.append(("arguments", {"cause": text}))
        members.append(("formatted", {"friendly": text, "technical": text}))
    return answers.members(members)
