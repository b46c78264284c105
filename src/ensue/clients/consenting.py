"""The handshake of the CloudEvents webhook specification: a receiver says who may send to it, and how often."""

import re
from collections.abc import Collection, Mapping

from ensue.model.errors import Denied, InvalidInput
from ensue.model.rate import Rate

ANY = "*"
_ORIGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_PER_MINUTE = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


def consent(headers: Mapping[str, str], origins: Collection[str], rate: Rate | None) -> dict[str, str]:
    """The headers of the answer to OPTIONS. `origins` are DNS names, `*` stands for all.

    Consent is given at once or not at all, so a callback is never used. Raises InvalidInput, or Denied for an origin
    that is not among them.
    """
    origin = headers.get("webhook-request-origin", "").strip()
    if not _ORIGIN.fullmatch(origin):
        remedy = "send the DNS name of the sender in the header WebHook-Request-Origin"
        raise InvalidInput("the request does not say who wants to send", remedy=remedy)
    if ANY not in origins and origin.lower() not in {each.lower() for each in origins}:
        raise Denied(f"{origin} may not send here")
    answer = {"Allow": "POST", "WebHook-Allowed-Origin": origin}
    wanted = headers.get("webhook-request-rate", "").strip()
    if wanted and not _PER_MINUTE.fullmatch(wanted):
        raise InvalidInput("WebHook-Request-Rate is no number of requests per minute")
    if rate is not None:
        ours = rate.per_minute
        answer["WebHook-Allowed-Rate"] = str(min(int(wanted), ours) if wanted else ours)
    elif wanted:
        answer["WebHook-Allowed-Rate"] = ANY
    return answer
