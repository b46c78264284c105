"""`ensue whoami`: as whom a server sees the one who asks."""

import click

from ensue.cli import exits, invocation, printing, target
from ensue.cli.invocation import Invocation
from ensue.cli.printing import View


@click.command("whoami")
@target.option
@invocation.options
@invocation.pass_invocation
def command(invocation: Invocation) -> int:
    """Say who you are to the server, in which groups, and what permissions say of you.

    \b
    Examples:
      ensue whoami
      ensue whoami --context production -o json
    """
    with target.server() as server:
        found = server.whoami()
        url = server.url
    printing.document(invocation, found, lambda item: _shown(item, url))
    return exits.SUCCESS


def _shown(item: View, url: str) -> str:
    spec = item["spec"]
    lines = [f"{spec['subject']} at {url}", f"groups: {', '.join(spec['groups']) or '(none)'}"]
    if spec["scopes"]:
        lines.append(f"only for: {', '.join(spec['scopes'])}")
    lines += [_permission(each) for each in item["status"]["permissions"]]
    return "\n".join(lines)


def _permission(right: View) -> str:
    verb = "denies" if right["effect"] == "Deny" else "allows"
    what = f"{', '.join(right['methods'])} on {', '.join(right['resources'])}"
    places = right["namespaces"]
    where = "everywhere" if places == ["*"] else f"in {', '.join(places)}"
    return f"{right['name']} {verb} {what} {where}"
