"""The two dialects of the language: Ensue's own and relay's, each as it should be or true to its quirks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flavour:
    is_relay: bool = False
    """No escape for `${`, relay's roots, its texts of errors."""
    is_strict: bool = False
    """`compat: strict`: whole roots can be expanded, and what the reference gets wrong stays wrong."""


NATIVE = Flavour()
NATIVE_STRICT = Flavour(is_strict=True)
RELAY = Flavour(is_relay=True)
RELAY_STRICT = Flavour(is_relay=True, is_strict=True)


def of(api_version: str, compat: str = "") -> Flavour:
    """The flavour of a definition's expressions."""
    is_strict = compat == "strict"
    if api_version.startswith("relay.sh/"):
        return RELAY_STRICT if is_strict else RELAY
    return NATIVE_STRICT if is_strict else NATIVE
