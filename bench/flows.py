"""The peer Node-RED: one flow, as its editor saves it; it needs node and npm."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import places

NAME = "Node-RED 4.1, not durable"
PATH = "/alerts"
SETTINGS = 'module.exports = {uiHost: "127.0.0.1", logging: {console: {level: "warn"}}, telemetry: {enabled: false}}\n'


def absence() -> str:
    """Why it does not play; empty when it does."""
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    return f"{NAME} is left out: there is no `{missing[0]}`." if missing else ""


def command(home: Path, port: int, nodes: list[dict[str, Any]]) -> list[str]:
    """A server on that port."""
    (home / "settings.js").write_text(SETTINGS, encoding="utf-8")
    (home / "flows.json").write_text(
        json.dumps([{"id": "tab", "type": "tab", "label": "bench"}, *nodes]), encoding="utf-8"
    )
    red = _installed() / "node_modules" / "node-red" / "red.js"
    return [
        "node",
        str(red),
        "--userDir",
        str(home),
        "--settings",
        str(home / "settings.js"),
        "--port",
        str(port),
        "flows.json",
    ]


def nodes(given: Sequence[tuple[dict[str, Any], list[str]]]) -> list[dict[str, Any]]:
    """A flow: its nodes are `n0`, `n1`…; with each, where each of its outputs leads to."""
    placed = {"z": "tab", "x": 100, "y": 100}
    return [
        {"id": f"n{n}", **placed, **node, "wires": [[to] for to in outputs]} for n, (node, outputs) in enumerate(given)
    ]


def _installed() -> Path:
    """What `peers/node-red` pins, in the cache."""
    pinned, folder = places.PEERS / "node-red", places.cache() / "node-red"
    wanted = (pinned / "package-lock.json").read_text(encoding="utf-8")
    stamp = folder / "installed.json"
    if not (stamp.exists() and stamp.read_text(encoding="utf-8") == wanted):
        print(f"installing node-red into {folder}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(pinned, folder)
        subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=True, stdout=sys.stderr
        )
        stamp.write_text(wanted, encoding="utf-8")
    return folder
