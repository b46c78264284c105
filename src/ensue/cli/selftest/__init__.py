"""`ensue selftest`: breaks a server of its own on purpose, and checks that nothing was lost."""

import sys

import click

KILLS = 200
QUICK_KILLS = 6
RATE = 500.0


@click.command("selftest")
@click.option("--crash", is_flag=True, help="Kill servers again and again while they work.")
@click.option("--kills", type=click.IntRange(1, 100_000), default=KILLS, show_default=True, help="How often.")
@click.option("--quick", is_flag=True, help=f"Only {QUICK_KILLS} kills, in about 20 seconds.")
@click.option(
    "--database", metavar="URL", default="", help="An empty PostgreSQL database for two servers; else SQLite."
)
@click.option(
    "--rate", type=click.FloatRange(0, 10_000), default=RATE, show_default=True, help="Events a second; 0: none."
)
@click.option("--seed", type=int, help="Repeat the choices of an earlier test.")
@click.option("--keep", is_flag=True, help="Leave the temporary directory for inspection.")
def command(crash: bool, kills: int, quick: bool, database: str, rate: float, seed: int | None, keep: bool) -> None:
    """Prove on this machine that a server that is killed at any moment loses nothing.

    It starts servers of its own in a temporary directory, gives them runs and events over HTTP, kills them with
    SIGKILL at random moments and starts them again. In the end every run must have ended once, every step that ran on
    must have been adopted, and every log must be whole; every event that was accepted must be stored once and decided
    about once, and no window may have let too many or too few pass.

    \b
    Example:
      ensue selftest --crash --kills 50
    """
    import asyncio

    from ensue.cli.selftest import crashing

    if not crash:
        raise click.UsageError("say what to test: --crash")
    plan = crashing.Plan(kills=QUICK_KILLS if quick else kills, database=database, rate=rate, seed=seed, is_kept=keep)
    report = asyncio.run(crashing.crash(plan, lambda text: click.echo(text, err=True)))
    for problem in report.problems:
        click.echo(problem)
    click.echo(report.summary)
    sys.exit(1 if report.problems else 0)
