"""JSON merge patch (RFC 7396). Pure."""

from collections.abc import Mapping

from ensue.model.values import Json


def merge(target: Json, patch: Json) -> Json:
    """The target with what the patch says; a null takes a key away, and whatever is no object replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged
