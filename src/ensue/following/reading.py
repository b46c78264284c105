"""Files to what they define: each is read when it changed and nobody writes to it any more."""

import functools
import hashlib
import logging
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ensue import files
from ensue.core import canonical, supporting
from ensue.core.checking import Known
from ensue.core.following import Found, Held, Key, Reading
from ensue.files import titles
from ensue.files.documents import Document
from ensue.files.limits import DEFAULT_LIMITS
from ensue.files.titles import Claim, Title
from ensue.files.translating import ADDRESS, Script
from ensue.following import looking
from ensue.following.addresses import Addresses
from ensue.following.claiming import Claims
from ensue.following.looking import Look, Signature
from ensue.model.definition import Dialect
from ensue.model.errors import Problem, Severity
from ensue.model.kinds import KINDS
from ensue.model.values import DEFAULT_NAMESPACE, NAME_PATTERN

log = logging.getLogger("ensue.files")

SETTLED_SECONDS = 0.3
"""A file that was not written to for so long is whole."""
UNREAD: Signature = (0, 0, 0, 0, 0)
"""Of a file that could not be read: it is tried again at every look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file as it was read; documents are not kept, they are many and large."""

    signature: Signature
    found: tuple[Found, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Why not all of it is known."""
    scripts: Mapping[str, Signature] = field(default_factory=dict)
    """What its steps name as `inputFile`, as it was when it was read."""
    passed_over: tuple[Problem, ...] = ()
    """Of documents that are not meant as definitions."""
    claim: Claim = titles.NOTHING
    title: Title | None = None
    """What its workflow without a name was called when it was read; None: as the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    reading: Reading
    is_settled: bool
    """No file is being written; else look again soon."""


class Files:
    """The files that are followed. One thread at a time."""

    def __init__(self, *, roots: Sequence[Path], known: Known, addresses: Addresses) -> None:
        self._roots = roots
        self._known = known
        self._addresses = addresses
        self._files: dict[str, File] = {}
        self._before: Look = Look()
        # What was not whole at the last look, with its scripts.
        self._seen: dict[str, tuple[Signature, ...]] = {}
        self._reading = Reading()
        # Those of one file alone: all of them would be many, and large.
        self._fresh: dict[Found, Document] = {}
        self._claims = Claims()

    def recall(self, held: Mapping[Key, Held]) -> None:
        """What files had before this process."""
        names: defaultdict[str, list[str]] = defaultdict(list)
        for (namespace, kind, name), one in held.items():
            if (namespace, kind) == (DEFAULT_NAMESPACE, "Workflow"):
                names[one.file].append(name)
        self._claims.recall(names)

    def read(self, *, grace: float = 0.0) -> Read:
        """Everything as it is now, of what is being written, what was there before; the same object when nothing
        is new. For the grace, what vanished keeps the names that other files are not called by because of it."""
        look = looking.look(self._roots)
        now = time.time()
        before = dict(self._files)
        for path in before.keys() - look.files.keys():
            del self._files[path]
            self._addresses.forget(path)
        self._seen = {path: seen for path, seen in self._seen.items() if path in look.files}
        unsettled = [path for path, signature in look.files.items() if not self._is_read(path, signature, now)]
        is_new = before != self._files or look.blind != self._before.blind
        if is_new or self._claims.is_waiting:
            unsettled += self._called(look, before, grace)
        if is_new or before != self._files:
            self._reading = self._gathered(look)
        self._before = look
        return Read(reading=self._reading, is_settled=not unsettled)

    def document(self, found: Found) -> Document | None:
        """What was found, to be applied; None when its file has changed since."""
        if found not in self._fresh:
            self._parse(found.file)
        return self._fresh.pop(found, None)

    def _is_read(self, path: str, signature: Signature, now: float) -> bool:
        known = self._files.get(path)
        scripts = {} if known is None else self._states(path, known.scripts)
        if known is not None and known.signature == signature and known.scripts == scripts:
            return True
        seen = (signature, *scripts.values())
        age = now - max(max(one[0], one[1]) for one in seen) / 1e9
        if not age > SETTLED_SECONDS and self._seen.get(path) != seen:
            self._seen[path] = seen
            return False
        if known is None or known.signature != signature:
            self._addresses.forget(path)
        read = self._parse(path)
        if read is None or read.signature not in (signature, UNREAD):
            return False
        self._seen.pop(path, None)
        self._files[path] = read
        for problem in read.passed_over:
            log.warning("%s", problem)
        return True

    def _called(self, look: Look, before: Mapping[str, File], grace: float) -> list[str]:
        """Read those again that are called otherwise now; which of them have to wait."""
        pending = {titles.base(path) for path in look.files if path not in self._files and self._claims.is_new(path)}
        waiting = [
            path
            for path, file in self._files.items()
            if file.claim.is_nameless and path not in before and self._claims.is_new(path)
            if titles.base(path) in pending
        ]
        for path in waiting:
            # What it is called is known when its neighbour is.
            self._seen[path] = (self._files.pop(path).signature,)
        hidden = [path for path in look.files if path not in self._files or self._files[path].problems]
        hidden += [path for path in self._claims.known if look.is_blind(path)]
        read = {path: file.claim for path, file in self._files.items()}
        self._claims.choose(read, hidden, time.monotonic(), grace)
        for path, file in list(self._files.items()):
            if file.title == self._claims.titles.get(path):
                continue
            again = self._parse(path)
            if again is None or again.signature != file.signature:
                waiting.append(path)
            else:
                self._files[path] = again
        return waiting

    def _parse(self, path: str) -> File | None:
        """None when it vanished meanwhile."""
        try:
            before = looking.signature(path)
            with open(path, "rb") as stream:
                text = stream.read(DEFAULT_LIMITS.max_bytes + 1)
            if looking.signature(path) != before:
                return None
        except FileNotFoundError:
            return None
        except OSError as error:
            problem = Problem(message=f"cannot be read: {error.strerror or error}", file=path)
            return File(signature=UNREAD, problems=(problem,))
        is_named = Path(path) in self._roots
        if not is_named and files.is_sample(path, text):
            return File(signature=before)
        problems: list[Problem] = []
        passed_over: list[Problem] = []
        self._fresh = {}
        scripts: dict[str, Signature] = {}
        title = self._claims.titles.get(path)
        documents = files.read(text, path, known=self._known, script=self._noting(path, scripts), title=title)
        for document in documents:
            found = _found(document)
            if document.passed_over is not None and not is_named:
                passed_over.append(document.passed_over)
            elif found is None:
                problems += _errors(document)
            else:
                self._fresh[found] = document
        return File(
            signature=before,
            found=tuple(self._fresh),
            problems=tuple(problems),
            scripts=scripts,
            passed_over=tuple(passed_over),
            claim=titles.claim(path, documents),
            title=title,
        )

    def _noting(self, path: str, scripts: dict[str, Signature]) -> Script:
        """Reads the scripts of a file, and writes down how they were right before."""
        read = files.scripts_beside(Path(path), functools.partial(self._addresses.text, path))

        def script(place: str) -> str:
            key = place if ADDRESS.match(place) else str(Path(path).parent / place)
            scripts.update(self._states(path, [key]))
            return read(place)

        return script

    def _states(self, path: str, scripts: Iterable[str]) -> dict[str, Signature]:
        """How the scripts of a file are now."""
        return {
            script: self._addresses.signature(path, script) if ADDRESS.match(script) else looking.state(script)
            for script in scripts
        }

    def _gathered(self, look: Look) -> Reading:
        known = [self._files[path] for path in look.files if path in self._files]
        blind: dict[str, tuple[Problem, ...]] = dict(look.blind)
        blind |= {path: file.problems for path, file in self._files.items() if file.problems}
        return Reading(found=tuple(one for file in known for one in file.found), blind=blind)


def _found(document: Document) -> Found | None:
    """None when it cannot be told whose document it is."""
    key = _key(document)
    if key is None:
        return None
    errors = tuple(_errors(document))
    known = "" if errors else digest(document.dialect, files.body(document))
    warnings = tuple(_of(document, Severity.WARNING))
    return Found(key=key, file=document.file, line=_line(document), digest=known, problems=errors, warnings=warnings)


def _errors(document: Document) -> Iterator[Problem]:
    yield from _of(document, Severity.ERROR)
    if document.definition is not None and document.kind not in supporting.KINDS:
        yield document.locate(_unfollowed(document.kind, document.file))


def _of(document: Document, severity: Severity) -> Iterator[Problem]:
    for problem in document.problems:
        if problem.severity is severity:
            yield replace(problem, file=document.file)


def _unfollowed(kind: str, file: str) -> Problem:
    # A definition is kept as its file has it; a run happens once, and its file may be read again at any time.
    if kind == "Run":
        remedy = f"start it with `ensue apply -f {file}`, and keep it where no files are followed"
        return Problem(message="a Run in a followed file is not started", path="kind", remedy=remedy)
    return Problem(message=f"a {kind} cannot be applied in this version", path="kind")


def _key(document: Document) -> Key | None:
    """Whose document it is, also when it is broken; None when that cannot be told."""
    if document.definition is not None:
        metadata = document.definition.metadata
        return metadata.namespace, document.kind, metadata.name
    match document.raw:
        case {"kind": str(kind), "metadata": {"name": str(name), "namespace": str(namespace)}}:
            key = namespace, kind, name
        case {"kind": str(kind), "metadata": {"name": str(name)}}:
            key = DEFAULT_NAMESPACE, kind, name
        case _:
            return None
    is_named = kind in KINDS and all(re.fullmatch(NAME_PATTERN, text) for text in (key[0], name))
    return key if is_named else None


def _line(document: Document) -> int:
    return document.locate(Problem(message="", path="metadata.name")).line


def digest(dialect: Dialect, body: Mapping[str, object]) -> str:
    """Of a definition with its name and labels."""
    return hashlib.sha256(canonical.encode([dialect.value, body])).hexdigest()
