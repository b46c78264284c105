"""The peer ansible-rulebook: one rule set whose rules do nothing (`none`); it needs a Java runtime."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import places, processes
from bench.contest import Figures

NAME = "ansible-rulebook 1.3"
INVENTORY = {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}}


def absence() -> str:
    """Why it does not play; empty when it does."""
    return "" if shutil.which("java") else f"{NAME} is left out: there is no `java` (Debian: default-jre-headless)."


def ranged(amount: int, conditions: Sequence[str], fires: int) -> Figures:
    """Its own source that counts, `{"i": 0}` and so on; `fires`: how often all rules together must fire."""
    source = {"eda.builtin.range": {"limit": amount}}
    return played(source, [{"condition": one} for one in conditions], amount, fires)


def played(source: dict[str, Any], rules: Sequence[dict[str, Any]], amount: int, fires: int) -> Figures:
    """Until its source has no more. `rate`: events a second from when it waits for the first; Java has started then."""
    with places.scratch() as home:
        script = [places.peer_python("ansible-rulebook"), places.peer_script("rulebook")]
        done = processes.run([*script, *command(home, source, rules)], cwd=home, env=environment(home))
    lost = abs(int(done.answer["fired"]) - fires)
    return {"rate": amount / done.answer["seconds"], "cpu": done.cpu, "memory": done.memory, "lost": lost}


def command(home: Path, source: dict[str, Any], rules: Sequence[dict[str, Any]]) -> list[str]:
    """JSON is YAML."""
    named = [{"name": f"r{number}", **rule, "action": {"none": {}}} for number, rule in enumerate(rules)]
    book = [{"name": "bench", "hosts": "all", "sources": [source], "rules": named}]
    files = {"rulebook.yml": book, "inventory.yml": INVENTORY}
    for name, content in files.items():
        (home / name).write_text(json.dumps(content), encoding="utf-8")
    program = Path(places.peer_python("ansible-rulebook")).with_name("ansible-rulebook")
    return [str(program), "--rulebook", "rulebook.yml", "--inventory", "inventory.yml", "-v"]


def environment(home: Path) -> dict[str, str]:
    """It looks for its sister programs on the path, and for Java by its directory."""
    env = places.environment(home)
    bin = Path(places.peer_python("ansible-rulebook")).parent
    java = shutil.which("java")
    home_of_java = {"JAVA_HOME": str(Path(java).resolve().parent.parent)} if java else {}
    return {**env, "PATH": f"{bin}:{env['PATH']}", "PYTHONPATH": "", **home_of_java}
