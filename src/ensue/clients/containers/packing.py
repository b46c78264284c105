"""Packs what is put into a container, as engines take it: an archive."""

import io
import tarfile


def program(name: str, content: bytes) -> bytes:
    """A file that all users of the container may run."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o755
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
