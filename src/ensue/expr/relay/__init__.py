"""relay's expression language: `${…}` in strings, tagged objects in documents, queries and conditions.

Text to tree (`parsing`), tree to closures (`building`), and what whole documents mean (`objects`).
"""

from ensue.expr.relay.conditions import Verdict, WrongType, decide
from ensue.expr.relay.constants import constant, failing
from ensue.expr.relay.fields import lacking
from ensue.expr.relay.flavours import NATIVE, NATIVE_STRICT, RELAY, RELAY_STRICT, Flavour, of
from ensue.expr.relay.functions import FUNCTIONS
from ensue.expr.relay.mentioning import Called, Mention
from ensue.expr.relay.objects import evaluate
from ensue.expr.relay.programs import compile
from ensue.expr.relay.querying import LANGUAGES, query
from ensue.expr.relay.reporting import unresolvable
from ensue.expr.relay.signatures import miscall
from ensue.expr.relay.surveying import Finding, findings, has_expressions, refs
from ensue.expr.relay.weighing import because

__all__ = [
    "FUNCTIONS",
    "LANGUAGES",
    "NATIVE",
    "NATIVE_STRICT",
    "RELAY",
    "RELAY_STRICT",
    "Called",
    "Finding",
    "Flavour",
    "Mention",
    "Verdict",
    "WrongType",
    "because",
    "compile",
    "constant",
    "decide",
    "evaluate",
    "failing",
    "findings",
    "has_expressions",
    "lacking",
    "miscall",
    "of",
    "query",
    "refs",
    "unresolvable",
]
