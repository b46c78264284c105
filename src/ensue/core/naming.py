"""Names for runs."""

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
MAX_NAME = 63
LENGTH = 5
"""Of the suffix."""


def run_name(workflow: str, uid: str, length: int = LENGTH) -> str:
    """`WORKFLOW-xxxxx`, the suffix drawn from the random part of the uid; longer when that one is taken."""
    number = int(uid.replace("-", "")[-16:], 16)
    suffix = ""
    for _ in range(length):
        number, index = divmod(number, len(ALPHABET))
        suffix += ALPHABET[index]
    return f"{workflow[: MAX_NAME - length - 1]}-{suffix}"
