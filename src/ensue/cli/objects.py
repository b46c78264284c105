"""Definitions as arguments: `KIND NAME`, `KIND/NAME`, or those of files."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import click

from ensue import files, steps
from ensue.cli import completing, definition_files
from ensue.core import supporting
from ensue.expr import spelling
from ensue.files.documents import Document
from ensue.model.errors import InvalidDefinition, InvalidInput, Problem
from ensue.model.kinds import KINDS, Kind, find_kind

View = dict[str, Any]
Named = tuple[str, str, str]
"""Plural, namespace and name."""


def kind_of(word: str) -> Kind:
    """Raises UsageError for what the server has no definitions of."""
    kind = find_kind(word)
    if kind is None or kind.name not in supporting.KINDS:
        nouns = sorted(name.lower() for name in supporting.KINDS)
        raise click.UsageError(f"there are no definitions of {word} ({spelling.did_you_mean(word, nouns) or nouns})")
    return kind


def completed(context: click.Context, parameter: click.Parameter, start: str) -> list[str]:
    """For a shell: first a kind, then names of that kind."""
    words = context.params.get("words") or ()
    kind = find_kind(str(words[0])) if words else None
    if words:
        return completing.names(context, kind.plural, start) if kind else []
    kinds = [KINDS[name] for name in sorted(supporting.KINDS)]
    known = ("run", *(each.name.lower() for each in kinds), *(each.short for each in kinds if each.short))
    return [word for word in known if word.startswith(start)]


def named(words: Sequence[str], namespace: str) -> list[Named]:
    """`KIND NAME…` or `KIND/NAME…`."""
    if not words:
        raise click.UsageError("name what is meant: KIND NAME, or KIND/NAME")
    if "/" in words[0]:
        pairs = [(kind, name) for kind, _, name in (word.partition("/") for word in words)]
    else:
        kind, *names = words
        pairs = [(kind, _bare(kind, name)) for name in names]
    if not pairs or not all(name for _, name in pairs):
        raise click.UsageError("a name is missing: KIND NAME, or KIND/NAME")
    return [(kind_of(kind).plural, namespace or "default", name) for kind, name in pairs]


def _bare(kind: str, name: str) -> str:
    """The name in `KIND/NAME`, as other commands print it."""
    head, slash, rest = name.partition("/")
    return rest if slash and find_kind(head) is kind_of(kind) else name


def one(words: Sequence[str], namespace: str) -> Named:
    """The only one that is named."""
    found = named(words, namespace)
    if len(found) != 1:
        raise click.UsageError("one name, please")
    return found[0]


def load(paths: Sequence[str], also: Collection[str] = ()) -> tuple[Document, ...]:
    """The documents of files, all of which can be applied or are of these kinds. Raises InvalidDefinition, NotFound."""
    documents = definition_files.load(paths, steps.known())
    refused = [
        document.locate(Problem(message=f"a {document.kind} cannot be applied in this version", path="kind"))
        for document in documents
        if document.kind not in (*supporting.KINDS, *also)
    ]
    if refused:
        raise InvalidDefinition(refused)
    return documents


def placed(document: Document, namespace: str) -> View:
    """The body of a document, in the namespace of -n where the file names none."""
    body: View = dict(files.body(document))
    own = body["metadata"].setdefault("namespace", namespace or "default")
    if namespace and own != namespace:
        raise InvalidInput(f"{document.title} in {document.file} is of namespace {own}, not {namespace}")
    return body


def place(body: View) -> Named:
    return KINDS[body["kind"]].plural, body["metadata"]["namespace"], body["metadata"]["name"]


def plain(view: View) -> View:
    """An object as a file would have it: without what only the server writes."""
    metadata = {key: value for key, value in view["metadata"].items() if key in WRITTEN and value}
    return {key: metadata if key == "metadata" else value for key, value in view.items() if key != "status"}


WRITTEN = ("name", "namespace", "labels", "annotations")


def yaml_text(view: View) -> str:
    """For people to read and edit: long texts as blocks."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return str(yaml.dump(view, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110))


def differences(before: str, after: str, titles: tuple[str, str]) -> list[str]:
    """A unified diff, its lines without ends; empty when nothing differs."""
    import difflib

    lines: Iterable[str] = difflib.unified_diff(before.splitlines(), after.splitlines(), *titles, lineterm="")
    return [_painted(line) for line in lines]


def _painted(line: str) -> str:
    colors = {"+": "green", "-": "red", "@": "cyan"}
    return click.style(line, fg=colors[line[0]]) if line[:1] in colors else line
