"""`ensue get`: lists of runs, events, definitions, files and workers, or one of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ensue.cli import columns, completing, exits, feed, invocation, labels, nouns, printing, target, watching
from ensue.cli.invocation import Invocation
from ensue.cli.printing import Column
from ensue.expr import spelling
from ensue.model.errors import NotFound

if TYPE_CHECKING:
    from ensue.clients.server import Server

View = dict[str, Any]
PAGE = 500
SELECTED = ("runs", "events")
PAGED = (*SELECTED, "approvals")
UNLABELLED = ("events", "approvals")
OF_SERVER = ("workers", "files")
"""What is in no namespace."""


NAMESPACES = "they are where something is: `ensue get workflows -A` shows it with its namespace"
ELSEWHERE = {
    **{name: f"`ensue {name} list` lists them" for name in ("secret", "token", "audit")},
    "namespace": NAMESPACES,
    "ns": NAMESPACES,
}
PLURALS = nouns.words(columns.COLUMNS)


def _names(context: click.Context, parameter: click.Parameter, start: str) -> list[str]:
    plural = PLURALS.get(str(context.params.get("kind")).lower())
    return completing.names(context, plural, start) if plural and plural not in OF_SERVER else []


@click.command("get")
@click.argument("kind", metavar="KIND", shell_complete=completing.of_words((*columns.COLUMNS, *nouns.SHORT)))
@click.argument("name", required=False, shell_complete=_names)
@labels.option("-l", "--selector", "labels", help="Only runs or definitions with this label. May be repeated.")
@labels.option("--field-selector", "fields", help="Only runs or events with this value, as type='com.github.*'.")
@click.option("-w", "--watch", is_flag=True, help="Go on and print what changes, the newest last.")
@click.option(
    "--limit", type=click.IntRange(1), default=100, show_default=True, help="How many runs or events at most."
)
@click.option("--open", "is_open", is_flag=True, help="Only approvals that wait for an answer.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Of all namespaces.")
@target.option
@invocation.options
@invocation.pass_invocation
def command(
    invocation: Invocation,
    kind: str,
    name: str | None,
    labels: dict[str, str] | None,
    fields: dict[str, str] | None,
    watch: bool,
    limit: int,
    is_open: bool,
    all_namespaces: bool,
) -> int:
    """List runs, events or approvals (newest first), workflows, triggers, sources, workers, or the files that are
    followed, or show the one with NAME. With -w the newest are last, and what changes is printed again below.

    In short: wf workflows, tr triggers, src sources, perm permissions, ev events, ap approvals.

    \b
    Examples:
      ensue get runs -l branch=main --limit 10
      ensue get run build-x7k2p -o jsonpath=.status.state
      ensue get events -o wide
      ensue get events -w --field-selector 'type=com.github.*'
      ensue get workflows -A -o wide
      ensue get tr on-push -o yaml
      ensue get approvals --open
      ensue get files
    """
    plural, name = _kind(kind, name)
    if fields and plural not in SELECTED:
        raise click.UsageError(f"--field-selector is for {' and '.join(SELECTED)}")
    if labels and plural in UNLABELLED:
        raise click.UsageError(f"{plural} have no labels; -l is for runs and what files define")
    if is_open and (plural != "approvals" or name is not None):
        raise click.UsageError("--open is for the list of approvals")
    if all_namespaces and invocation.namespace:
        raise click.UsageError(f"-A and -n {invocation.namespace} contradict each other: give one of them")
    namespace = None if all_namespaces else invocation.namespace or "default"
    with target.server() as server:
        select = Select(labels=labels or {}, fields=fields or {}, is_open=is_open)
        ask = Ask(server=server, plural=plural, name=name, namespace=namespace, select=select, limit=limit)
        if watch and plural == "events" and name is None:
            _follow(invocation, ask)
        elif watch:
            _watch(invocation, ask)
        elif name is not None:
            items, _ = ask()
            if not items:
                raise NotFound(f"no {nouns.singular(plural)} {name}")
            _print_one(invocation, ask, items[0])
        else:
            items, after = ask()
            if not items and invocation.is_for_people:
                invocation.say(ask.emptiness)
                return exits.SUCCESS
            printing.listing(invocation, items, ask.columns, after=after)
            if after and invocation.is_for_people and not invocation.is_given("limit"):
                invocation.say(f"there are more; --limit {2 * limit} shows twice as many")
    return exits.SUCCESS


def _kind(word: str, name: str | None) -> tuple[str, str | None]:
    """`run NAME`, `runs`, `run/NAME` or, as another command printed it, `run run/NAME`."""
    word, slash, rest = word.partition("/")
    plural = PLURALS.get(word.lower())
    if plural is None:
        others = ELSEWHERE.get(word.lower()) or ELSEWHERE.get(nouns.singular(word.lower()))
        remedy = (
            others
            or spelling.did_you_mean(word, PLURALS.keys() - nouns.SHORT)
            or f"a KIND comes first: {', '.join(columns.COLUMNS)}"
        )
        raise click.UsageError(f"{word} cannot be listed ({remedy})")
    if slash and name:
        raise click.UsageError("one name, please")
    if name and PLURALS.get(name.partition("/")[0].lower()) == plural:
        name = name.partition("/")[2] or name
    return plural, rest or name


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """Which objects are wanted."""

    labels: dict[str, str]
    fields: dict[str, str]
    is_open: bool


class Ask:
    """One question to the server, which can be repeated."""

    def __init__(
        self,
        *,
        server: "Server",
        plural: str,
        name: str | None,
        namespace: str | None,
        select: Select,
        limit: int,
    ) -> None:
        self._server = server
        self._plural = plural
        self._name = name
        self._namespace = namespace
        self._select = select
        self._limit = limit

    @property
    def columns(self) -> tuple[Column, ...]:
        has_namespace = self._namespace is None and self._plural not in OF_SERVER
        own = columns.COLUMNS[self._plural]
        return (columns.NAMESPACE, *own) if has_namespace else own

    @property
    def emptiness(self) -> str:
        where = "" if self._plural in OF_SERVER else " in any namespace"
        if self._namespace is not None and self._plural not in OF_SERVER:
            where = f" in namespace {self._namespace}"
        wanted = ",".join(filter(None, map(labels.selector, (self._select.labels, self._select.fields))))
        having = f" with {wanted}" if wanted else ""
        return f"no {'open ' if self._select.is_open else ''}{self._plural}{where}{having}"

    def __call__(self) -> tuple[list[View], str]:
        """The objects, and where the list goes on."""
        if self._plural in OF_SERVER:
            found = self._server.of_server(self._plural)
            return [item for item in found["items"] if self._is_wanted(item)], ""
        if self._name is not None:
            return [self._server.get(self._plural, self._namespace or "default", self._name)], ""
        if self._plural in PAGED:
            return self._pages()
        found = self._server.list(self._plural, self._namespace)
        return [item for item in found["items"] if self._is_wanted(item)], ""

    def oldest_first(self) -> list[View]:
        """For a list that goes on below: what servers list newest first is turned round, the rest is as it is."""
        items, _ = self()
        return items[::-1] if self._plural in PAGED else items

    def followed(self, note: Callable[[str], None]) -> Iterator[list[View]]:
        """Events: the latest, and then those to come."""
        fields = labels.selector(self._select.fields)
        return feed.events(self._server, self._namespace, fields, lambda: self()[0], note)

    def occasions(self) -> Iterator[None]:
        """When to ask again, for ever."""
        has_events = self._plural == "runs"
        return watching.occasions(watching.bell_of(self._server, self._namespace) if has_events else watching.silence())

    def _pages(self) -> tuple[list[View], str]:
        items: list[View] = []
        after = ""
        while len(items) < self._limit:
            size = min(PAGE, self._limit - len(items))
            query: dict[str, str | int] = {
                "limit": size,
                "continue": after,
                "labelSelector": labels.selector(self._select.labels),
                "fieldSelector": labels.selector(self._select.fields),
                "open": "true" if self._select.is_open else "",
            }
            page = self._server.list(self._plural, self._namespace, **query)
            items += page["items"]
            after = page["metadata"]["continue"]
            if not after:
                break
        return items, after

    def _is_wanted(self, item: View) -> bool:
        own = item["metadata"].get("labels", {})
        is_named = self._name is None or item["metadata"]["name"] == self._name
        return is_named and all(own.get(key) == value for key, value in self._select.labels.items())


def _print_one(invocation: Invocation, ask: Ask, item: View) -> None:
    text = printing.encoded(invocation.form, item)
    if text is None:
        printing.listing(invocation, [item], ask.columns)
    else:
        click.echo(text)


def _follow(invocation: Invocation, ask: Ask) -> None:
    """Until Ctrl-C: every event once, in the order in which they are stored."""
    sheet = printing.Sheet(invocation, ask.columns)
    for number, items in enumerate(ask.followed(invocation.say)):
        _say_none(invocation, ask, is_first=number == 0, items=items)
        sheet.add(items)


def _watch(invocation: Invocation, ask: Ask) -> None:
    """Until Ctrl-C: every object once, and again, as the last, when it has changed."""
    sheet = printing.Sheet(invocation, ask.columns)
    seen: dict[str, View] = {}
    for number, _ in enumerate(ask.occasions()):
        items = ask.oldest_first()
        _say_none(invocation, ask, is_first=number == 0, items=items)
        sheet.add([item for item in items if seen.get(_key(item)) != item])
        seen = {_key(item): item for item in items}


def _say_none(invocation: Invocation, ask: Ask, *, is_first: bool, items: list[View]) -> None:
    """A watch that has nothing to show looks as one that hangs."""
    if is_first and not items and invocation.is_for_people:
        invocation.say(f"{ask.emptiness} yet; Ctrl-C ends the watch")


def _key(item: View) -> str:
    return f"{item['metadata'].get('namespace')}/{item['metadata']['name']}"
