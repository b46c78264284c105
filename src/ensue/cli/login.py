"""`ensue login`: a server elsewhere, and the token for it, kept under a name."""

import re
import sys
from urllib.parse import urlsplit

import click

from ensue.cli import contexts, exits, invocation, target
from ensue.cli.contexts import LOCAL, Context, Contexts
from ensue.cli.invocation import Invocation
from ensue.model.errors import InvalidInput
from ensue.model.values import NAME_PATTERN

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@click.command("login")
@click.argument("url", required=False)
@click.option("--name", metavar="NAME", help="The name of the context; default: the server's host name.")
@click.option("--link", is_flag=True, help="Print a link that signs a browser in: once, within ten minutes.")
@click.option("--insecure", is_flag=True, help="Send the token also without TLS, where anybody on the way can read it.")
@target.option
@invocation.options
@invocation.pass_invocation
def command(invocation: Invocation, url: str | None, name: str | None, link: bool, insecure: bool) -> int:
    """Log in to the server at URL, and let commands talk to it from now on.

    The token is read from standard input, or from ENSUE_TOKEN or ENSUE_TOKEN_FILE; on a terminal it is asked for and
    not shown. It is never an argument. It is kept in contexts.json in $XDG_CONFIG_HOME/ensue, readable by you alone.

    With --link nothing is kept: a browser is signed in as you are to the server.

    \b
    Examples:
      ensue login https://ensue.example.org < ann.token
      ensue login https://ensue.example.org --name production
      ensue login --link
    """
    if link:
        return _link(invocation, url)
    if url is None:
        raise click.UsageError("a URL is needed, as https://ensue.example.org; on this machine no login is")
    url = checked(url, is_insecure=insecure)
    name = name or name_of(url)
    if name == LOCAL or not re.fullmatch(NAME_PATTERN, name):
        raise InvalidInput(f"a context cannot be named {name}", remedy="choose a name with --name")
    token = _token(url)
    with target.at(url, token, "check the address and the token", invocation) as server:
        found = server.whoami()
    known = contexts.read()
    contexts.write(Contexts(current=name, known={**known.known, name: Context(url, token)}))
    talk = "it is kept" if target.warn_of_override(name) else "commands talk to it"
    invocation.say(f"logged in to {url} as {found['spec']['subject']}; {talk} as context {name}")
    return exits.SUCCESS


def checked(url: str, *, is_insecure: bool = False) -> str:
    """Raises InvalidInput for what is no address, or one where a token could be read on the way."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(f"{url} is not the address of a server", remedy="write it as https://ensue.example.org")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and not is_insecure:
        raise InvalidInput(f"{url} is not encrypted: anybody on the way could read the token",
                           remedy="use https://, or give --insecure")  # fmt: skip
    return url.rstrip("/")


def name_of(url: str) -> str:
    """The host's name, as a name can be."""
    parts = urlsplit(url)
    return re.sub(r"[^a-z0-9_-]+", "-", f"{parts.hostname or ''}{f'-{parts.port}' if parts.port else ''}".lower())[:63]


def _token(url: str) -> str:
    token = target.token_of_environment()
    if not token and sys.stdin.isatty():
        token = str(click.prompt(f"Token for {url}", hide_input=True, err=True))
    elif not token:
        token = sys.stdin.read(10_000)
    if not token.strip():
        raise InvalidInput("there is no token", remedy="give it on standard input, or in ENSUE_TOKEN_FILE")
    return token.strip()


def _link(invocation: Invocation, url: str | None) -> int:
    if url is not None:
        raise click.UsageError("--link is for a server that you are logged in to: name it with --context")
    if not sys.stdout.isatty():
        raise InvalidInput(
            "a link that signs in is printed only on a terminal, where it ends up in no file or log",
            remedy="run it yourself, without a pipe",
        )
    with target.server() as server:
        found = server.create_link()
        address = f"{found['url'] or server.url}{found['path']}"
    click.echo(address)
    invocation.say("it works once, within ten minutes")
    return exits.SUCCESS
