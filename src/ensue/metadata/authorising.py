"""The token of a request: Bearer, or Basic with the token as password, which is what one in a URL becomes. Pure."""

import base64
import binascii

USERS = frozenset({"", "token"})
LONGEST = 8192


def token(header: str) -> str:
    """Empty when there is none that counts."""
    scheme, _, rest = header.partition(" ")
    rest = rest.strip()
    if len(rest) > LONGEST:
        return ""
    if scheme.lower() == "bearer":
        return rest
    if scheme.lower() != "basic":
        return ""
    try:
        user, colon, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return ""
    return password if colon and user in USERS else ""
