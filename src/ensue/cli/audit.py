"""`ensue audit`: who did what, and whether somebody tampered with the record of it."""

import click

from ensue.cli import exits, invocation, printing, tables, target
from ensue.cli.invocation import Invocation
from ensue.cli.printing import Column, View

PAGE = 500


def _object(item: View) -> str:
    found = item["spec"]["objectRef"]
    return f"{found['kind'].lower()}/{found['name']}" if found["name"] else str(found["kind"])


def _details(item: View) -> str:
    return " ".join(f"{key}={value}" for key, value in item["spec"]["details"].items())


def _outcome(item: View) -> str:
    is_vain = item["spec"]["details"].get("isFound") is False
    return f"{item['status']['outcome']}{' (not found)' if is_vain else ''}"


COLUMNS = (
    Column(title="SEQ", cell=lambda item: str(item["metadata"]["name"])),
    Column(title="AGE", cell=lambda item: tables.age(item["metadata"]["creationTimestamp"])),
    Column(title="NAMESPACE", cell=lambda item: str(item["metadata"]["namespace"]) or "(server)"),
    Column(title="SUBJECT", cell=lambda item: str(item["spec"]["subject"])),
    Column(title="VERB", cell=lambda item: str(item["spec"]["verb"])),
    Column(title="OBJECT", cell=_object),
    Column(title="OUTCOME", cell=_outcome),
    Column(title="DETAILS", cell=_details, is_wide=True),
)


@click.group("audit")
def command() -> None:
    """Read the audit log, and prove that nobody changed it."""


@command.command("list")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many rows at most.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Of all namespaces, and what concerns the whole server.")
@target.option
@invocation.options
@invocation.pass_invocation
def list_all(invocation: Invocation, limit: int, all_namespaces: bool) -> int:
    """List who did what or was refused it, newest first.

    \b
    Examples:
      ensue audit list --limit 20
      ensue audit list -A -o wide
    """
    namespace = None if all_namespaces else invocation.namespace or "default"
    items: list[View] = []
    after = ""
    with target.server() as server:
        while len(items) < limit:
            query: dict[str, str | int] = {"limit": min(PAGE, limit - len(items)), "continue": after}
            page = server.list("audit", namespace, **query)
            items += page["items"]
            after = page["metadata"]["continue"]
            if not after:
                break
    if not items and invocation.is_for_people:
        invocation.say(f"nothing was recorded in {f'namespace {namespace}' if namespace else 'any namespace'}")
        return exits.SUCCESS
    printing.listing(invocation, items, COLUMNS, after=after)
    return exits.SUCCESS


@command.command("verify")
@click.option("--head", default="", metavar="HEAD", help="A head that was printed before: it must still be there.")
@target.option
@invocation.options
@invocation.pass_invocation
def verify(invocation: Invocation, head: str) -> int:
    """Find rows of the audit log that were changed, removed or moved; exit 1 if there are any.

    It prints the head of the chain. Kept where nobody who can write the database can write, a head proves later
    that all before it is still as it was.

    \b
    Examples:
      ensue audit verify | tee -a heads.txt
      ensue audit verify --head "$(tail -n1 heads.txt)"
    """
    with target.server() as server:
        found = server.verify_audit(head)
    for fault in found["faults"]:
        invocation.say(fault)
    if found["isIntact"]:
        waiting = f", {found['unsealed']} not yet in the chain" if found["unsealed"] else ""
        invocation.say(f"{found['rows']} rows are as they were recorded{waiting}")
    printing.document(invocation, found, lambda item: str(item["head"]) if item["isIntact"] else "tampered with")
    return exits.SUCCESS if found["isIntact"] else exits.FAILED
