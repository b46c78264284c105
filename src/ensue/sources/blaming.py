"""Why a source refused a request, in words for its owner: nothing of the secret, the body or the signature. Pure."""

from collections.abc import Mapping

from ensue.model import secret
from ensue.model.errors import EnsueError, RateExceeded, TooLarge, Unavailable
from ensue.model.secret import SecretPlace
from ensue.model.values import Namespace
from ensue.sources.webhook import Refused
from ensue.sources.webhook.exchange import Reason
from ensue.sources.webhook.settings import Hook

TEXTS: Mapping[Reason, str] = {
    Reason.UNSUPPORTED: "its content type or content encoding is none that this source reads",
    Reason.UNREADABLE: "its body is not what its content type says",
}
CODES: Mapping[type[EnsueError], str] = {RateExceeded: "RateExceeded", TooLarge: "TooLarge"}


def refused(given: Hook, verdict: Refused, namespace: Namespace) -> tuple[str, str]:
    """Reason and message."""
    names = " or ".join(
        f"{each.name}" + (f" ({each.key})" if each.key != "value" else "") for each in given.verify.secrets
    )
    match verdict.reason:
        case Reason.WRONG:
            message = f"what it was sent with does not match secret {names}"
            if given.verify.type not in ("token", "bearer", "basic"):
                message = f"the signature does not match secret {names}"
        case Reason.KEYLESS:
            first = next(iter(given.verify.secrets))
            place = SecretPlace(namespace=namespace, name=first.name, key=first.key)
            message = f"there is no secret {names} that is of use; set it with `{secret.setting(place)}`"
        case reason:
            message = TEXTS.get(reason, verdict.message)
    return verdict.reason.value, message


def failed(error: EnsueError) -> tuple[str, str]:
    """Reason and message. What an error says of the request is the sender's to read, not the log's."""
    reason = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), error.code)
    own = isinstance(error, RateExceeded | TooLarge | Unavailable)
    return reason, error.message if own else (type(error).__doc__ or "").partition("\n")[0]
