"""The file of a backup: writing, checking and reading its lines."""

import base64
import contextlib
import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ensue.model.errors import InvalidInput, NotFound
from ensue.store.statement import Row

FORMAT: Final = "ensue-backup"
VERSION: Final = 1
COMPRESSION: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    schema: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dumped:
    """A table in the file; `last` is the last number that the database gave out in it."""

    name: str
    columns: tuple[str, ...]
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    rows: Mapping[str, int]
    files: int
    sha256: str


class Writer:
    """Lines go out in the order of the calls; a retried transaction starts the file again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open()

    def restart(self) -> None:
        self.abandon()
        self._open()

    def add_header(self, header: Header) -> None:
        self._add({"format": FORMAT, "version": VERSION, "schema": header.schema, "at": header.at})

    def add_table(self, name: str, columns: Sequence[str], last: int) -> None:
        self._table = name
        self.rows[name] = 0
        self._add({"table": name, "columns": list(columns), "last": last})

    def add_rows(self, rows: Sequence[Row]) -> None:
        self.rows[self._table] += len(rows)
        for row in rows:
            self._add([_plain(value) for value in row])

    def add_file(self, key: str, data: bytes) -> None:
        self.files += 1
        self._add({"file": key, "data": base64.b64encode(data).decode()})

    def finish(self) -> None:
        """Returns when the file is on the disk."""
        self._add({"end": True, "rows": self.rows, "files": self.files, "sha256": self._digest.hexdigest()})
        self._gzip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        with contextlib.suppress(OSError), self._file:
            self._gzip.close()

    def _open(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=COMPRESSION, fileobj=self._file, mtime=0)
        self._digest = hashlib.sha256()
        self.rows: dict[str, int] = {}
        self.files = 0
        self._table = ""

    def _add(self, value: object) -> None:
        line = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self._digest.update(line)
        self._gzip.write(line)


class Reader:
    """One pass over a file that was verified. Read the tables in order, and each table's rows before the next."""

    def __init__(self, path: Path) -> None:
        self._lines = _lines(path)
        self._following: dict[str, Any] | None = None
        next(self._lines)

    def close(self) -> None:
        self._lines.close()

    def tables(self) -> Iterator[Dumped]:
        self._skip_rows()
        while self._following is not None and "table" in self._following:
            table, self._following = self._following, None
            yield Dumped(name=table["table"], columns=tuple(table["columns"]), last=table["last"])
            self._skip_rows()

    def rows(self) -> Iterator[Row]:
        while self._following is None:
            value = json.loads(next(self._lines))
            if isinstance(value, dict):
                self._following = value
            else:
                yield tuple(_value(item) for item in value)

    def files(self) -> Iterator[tuple[str, bytes]]:
        for line in self._lines:
            if line.startswith(b'{"file"'):
                value = json.loads(line)
                yield value["file"], base64.b64decode(value["data"])

    def _skip_rows(self) -> None:
        for _ in self.rows():
            pass


def verify(path: Path) -> tuple[Header, End]:
    """Read all of it. Raises NotFound, or InvalidInput for a file that is not a whole backup."""
    if not path.is_file():
        raise NotFound(f"There is no file {path}")
    try:
        with contextlib.closing(_lines(path)) as lines:
            return _verify(lines)
    except (EOFError, OSError, zlib.error, ValueError, KeyError, TypeError, StopIteration) as error:
        raise InvalidInput(f"{path} is damaged or not a backup", remedy="use another backup") from error


def _verify(lines: Iterator[bytes]) -> tuple[Header, End]:
    first = next(lines)
    head = json.loads(first)
    if head["format"] != FORMAT:
        raise ValueError("another format")
    if head["version"] > VERSION:
        raise InvalidInput(f"The backup has format {head['version']}, this version of Ensue knows {VERSION}")
    digest = hashlib.sha256(first)
    rows: dict[str, int] = {}
    files, table, last = 0, "", b""
    for line in lines:
        if last:
            digest.update(last)
        last = line
        if line.startswith(b"["):
            rows[table] += 1
        elif line.startswith(b'{"table"'):
            table = json.loads(line)["table"]
            rows[table] = 0
        elif line.startswith(b'{"file"'):
            files += 1
    end = json.loads(last)
    found = End(rows=rows, files=files, sha256=digest.hexdigest())
    if End(rows=end["rows"], files=end["files"], sha256=end["sha256"]) != found:
        raise ValueError("counts or checksum differ")
    return Header(schema=head["schema"], at=head["at"]), found


def _lines(path: Path) -> Generator[bytes, None, None]:
    with gzip.open(path, "rb") as file:
        yield from file


def _plain(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _value(plain: Any) -> Any:
    return base64.b64decode(plain["base64"]) if isinstance(plain, dict) else plain
