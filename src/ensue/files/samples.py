"""JSON beside definitions that is none, as an event to try a trigger with: passed over in directories."""

import json

from ensue.files.limits import DEFAULT_LIMITS, Limits

KEYS = frozenset({"apiVersion", "kind", "metadata", "spec", "steps", "triggers", "jobs"})
"""One of these is in whatever is meant as a definition, also by who forgot the others."""


def is_sample(name: str, text: bytes, limits: Limits = DEFAULT_LIMITS) -> bool:
    """What cannot be read is none: somebody should know."""
    if not name.endswith(".json") or not text.strip() or len(text) > limits.max_bytes:
        return False
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return not isinstance(value, dict) or not KEYS & value.keys()
