"""`ensue diff`: what `apply` would change."""

import contextlib
from collections.abc import Sequence

import click

from ensue.cli import apply, belonging, exits, invocation, objects, target
from ensue.cli.invocation import Invocation
from ensue.model.errors import NotFound

DIFFERENT = 1


@click.command("diff")
@click.option(
    "-f", "--file", "paths", multiple=True, required=True, metavar="PATH", help="A file or directory; - is stdin."
)
@target.option
@invocation.options
@invocation.pass_invocation
def command(invocation: Invocation, paths: Sequence[str]) -> int:
    """Show what `ensue apply -f` would change: from what the server has to what the files define.

    Exits with 0 when they are the same and with 1 when they differ; anything else is an error. Both sides are in the
    canonical form, so that short forms and layout make no difference. Secrets are names here, as everywhere.

    \b
    Examples:
      ensue diff -f workflows/
      ensue diff -f - < workflow.yaml
    """
    invocation.require("a difference", "table", "wide")
    documents = objects.load(paths)
    is_different = False
    with target.server() as server:
        bodies = [objects.placed(document, invocation.namespace) for document in documents]
        for document, body in zip(documents, bodies, strict=True):
            before = None
            with contextlib.suppress(NotFound):
                before = server.get(*objects.place(body))
            _, after = apply.put(server, document, body, take_over=True, dry_run=True)
            has = "" if before is None else objects.yaml_text(objects.plain(before))
            title = "/".join(objects.place(body))
            lines = objects.differences(
                has, objects.yaml_text(objects.plain(after)), ("/dev/null" if before is None else title, document.file)
            )
            if lines:
                is_different = True
                click.echo("\n".join(lines))
                if before is not None and before["status"]["manager"] != "api":
                    invocation.say(f"{title} is managed by {before['status']['manager']}: apply needs --take-over")
        for trigger in belonging.left_out(server, documents, bodies):
            is_different = True
            titles = "/".join(objects.place(trigger)), "/dev/null"
            click.echo("\n".join(objects.differences(objects.yaml_text(objects.plain(trigger)), "", titles)))
            if (manager := trigger["status"]["manager"]) != "api":
                invocation.say(f"{titles[0]} is managed by {manager}: apply needs --take-over")
    return DIFFERENT if is_different else exits.SUCCESS
