"""`ensue history`: the versions of a definition."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import click

from ensue.cli import exits, invocation, objects, printing, tables, target
from ensue.cli.invocation import Invocation
from ensue.cli.objects import View
from ensue.cli.printing import Column
from ensue.model.errors import NotFound

PAGE = 500
COLUMNS = (
    Column(title="GENERATION", cell=lambda version: str(version["metadata"]["generation"])),
    Column(title="WHEN", cell=lambda version: f"{tables.age(version['status']['updateTime'])} ago"),
    Column(title="BY", cell=lambda version: str(version["status"]["appliedBy"])),
    Column(title="MANAGER", cell=lambda version: str(version["status"]["manager"])),
    Column(title="HASH", cell=lambda version: str(version["status"]["hash"][:12])),
    Column(title="TIME", cell=lambda version: str(version["status"]["updateTime"]), is_wide=True),
    Column(title="REVISION", cell=lambda version: str(version["status"]["revision"]), is_wide=True),
    Column(title="UID", cell=lambda version: str(version["metadata"]["uid"]), is_wide=True),
)


@click.command("history")
@click.argument("words", nargs=-1, required=True, metavar="KIND NAME", shell_complete=objects.completed)
@click.option("--generation", type=click.IntRange(1), metavar="N", help="This version alone.")
@click.option("--diff", "has_diff", is_flag=True, help="What each version changed.")
@click.option("--limit", type=click.IntRange(1, PAGE), default=20, show_default=True, help="How many versions at most.")
@target.option
@invocation.options
@invocation.pass_invocation
def command(invocation: Invocation, words: Sequence[str], generation: int | None, has_diff: bool, limit: int) -> int:
    """List the versions of a definition, newest first: when each came, by whom, and who managed it then.

    A change of labels or of the manager alone keeps the generation. Versions of one that was deleted are there too,
    as long as the server keeps them (ENSUE_KEEP_AUDIT).

    \b
    Examples:
      ensue history workflow build
      ensue history workflow build --diff
      ensue history workflow build --generation 3 -o yaml
      ensue history workflow build --generation 3 -o json | ensue apply -f -
    """
    named = objects.one(words, invocation.namespace)
    if has_diff:
        invocation.require("a difference", "table", "wide")
    with target.server() as server:
        versions = _versions(lambda after: server.history(*named, PAGE, after))
        if generation is not None:
            versions = itertools.dropwhile(lambda each: each["metadata"]["generation"] != generation, versions)
        shown = list(itertools.islice(versions, 1 if generation is not None else limit))
        older = next((each for each in versions if not shown or _is_other(each, shown[-1])), None)
    if not shown:
        raise NotFound(f"{named[2]} has no generation {generation}", remedy="without --generation all are listed")
    if has_diff:
        click.echo("\n".join(line for new, old in pairwise([*shown, older]) if new for line in _changes(new, old)))
    elif generation is not None and not invocation.is_for_people:
        printing.document(invocation, shown[0], objects.yaml_text)
    else:
        printing.listing(invocation, shown, COLUMNS)
        if older is not None and generation is None and not invocation.is_given("limit"):
            invocation.say(f"there are more; --limit {2 * limit} shows twice as many")
    return exits.SUCCESS


def _versions(page: Callable[[str], View]) -> Iterator[View]:
    """All of them, newest first, asked for when they are wanted."""
    after = ""
    while True:
        found = page(after)
        yield from found["items"]
        after = found["metadata"]["continue"]
        if not after:
            return


def _is_other(version: View, than: View) -> bool:
    keys = ("uid", "generation", "labels", "annotations")
    return any(version["metadata"].get(key) != than["metadata"].get(key) for key in keys)


def _changes(new: View, old: View | None) -> Iterator[str]:
    has_before = old is not None and old["metadata"]["uid"] == new["metadata"]["uid"]
    before, title = (objects.yaml_text(objects.plain(old)), _title(old)) if old and has_before else ("", "/dev/null")
    yield from objects.differences(before, objects.yaml_text(objects.plain(new)), (title, _title(new)))


def _title(version: View) -> str:
    """With its time, since versions that differ in labels alone have the same generation."""
    status = version["status"]
    return f"generation {version['metadata']['generation']}, {status['updateTime']}, {status['appliedBy']}"
