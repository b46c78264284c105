"""Webhooks: a request, checked, read and made an event; what is read of the clock and the store comes in as values.

The order is `verify`, `decode`, `answer`, `to_event`: nothing of a body is looked at before its sender is known.
"""

from ensue.sources.webhook.answering import answer
from ensue.sources.webhook.composing import to_event
from ensue.sources.webhook.decoding import decode
from ensue.sources.webhook.exchange import Answer, Body, Reason, Refused, Request, Trusted
from ensue.sources.webhook.settings import Settings
from ensue.sources.webhook.verifying import REPEATED, fingerprint, verify

__all__ = [
    "REPEATED",
    "Answer",
    "Body",
    "Reason",
    "Refused",
    "Request",
    "Settings",
    "Trusted",
    "answer",
    "decode",
    "fingerprint",
    "to_event",
    "verify",
]
