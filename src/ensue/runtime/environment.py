"""What steps find in their environment, whatever runs them."""

import json
from collections.abc import Mapping

from ensue.expr.relay import rendering
from ensue.model.run import Lease
from ensue.model.values import Json


def of(lease: Lease) -> dict[str, str]:
    """What every step finds (SURFACE §4), the engine's own additions apart."""
    return {
        "CI": "true",
        "ENSUE": "true",
        "RELAY": "true",
        "ENSUE_RUN_ID": lease.key.run,
        "ENSUE_STEP": lease.key.title,
        "ENSUE_ATTEMPT": str(lease.attempt),
        "ENSUE_IDEMPOTENCY_KEY": f"{lease.key.run}/{lease.key.quoted}",
    }


def as_texts(values: Mapping[str, Json]) -> dict[str, str]:
    """Environment values: texts as they are, all else as JSON."""
    return {name: value if isinstance(value, str) else _json(value) for name, value in values.items()}


def _json(value: Json) -> str:
    """With numbers as expressions and the metadata API write them: 1000, however it was spelled."""
    match value:
        case list():
            return f"[{','.join(map(_json, value))}]"
        case dict():
            return f"{{{','.join(f'{_json(key)}:{_json(inner)}' for key, inner in value.items())}}}"
        case int() | float() if not isinstance(value, bool):
            return rendering.number(value)
    return json.dumps(value, ensure_ascii=False)
