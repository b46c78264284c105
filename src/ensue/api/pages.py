"""The frame of every page: one style, light and dark, for wide windows and narrow ones; no script, nothing from
elsewhere."""

import base64
import hashlib
from html import escape
from typing import Final

STYLE: Final = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1c2127;background:#fff;
overflow-wrap:break-word}
a{color:#0b57c2}button{font:inherit;padding:.4rem 1rem}:focus-visible{outline:2px solid #0b57c2;outline-offset:2px}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{background:#f3f5f7;padding:.75rem;overflow:auto}
details{border:1px solid #d5dae0;border-radius:6px;margin:.4rem 0;padding:.4rem .75rem}summary{cursor:pointer}
.m{display:inline-block;min-width:5.5rem;font-weight:600}
.t{overflow-x:auto}table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.2rem .75rem .2rem 0;border-bottom:1px solid #e6e9ec}
h2{margin-top:2rem}
@media(prefers-color-scheme:dark){body{background:#14171a;color:#e4e7ea}pre{background:#1e2327}
details{border-color:#39414a}td,th{border-color:#2c333a}a{color:#8ab8ff}:focus-visible{outline-color:#8ab8ff}}
"""
STYLE_SOURCE: Final = f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""That this style counts and no other, as a Content-Security-Policy says it."""


def page(title: str, body: str) -> str:
    """A whole document; `title` is a text, `body` is HTML."""
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<style>{STYLE}</style>\n<h1>{escape(title)}</h1>\n{body}\n</html>\n"
    )
