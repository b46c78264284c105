"""Markdown as HTML or as Jira's markup."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ensue.expr.interface import Code
from ensue.expr.relay.values import Failure

if TYPE_CHECKING:
    from markdown_it.token import Token

_MAX_NESTING = 60
_JIRA_BREAKS = {"softbreak": "\n", "hardbreak": "\n", "hr": "----\n\n"}
_JIRA_AROUND = {
    "em_open": "_", "em_close": "_",
    "strong_open": "*", "strong_close": "*",
    "s_open": "-", "s_close": "-",
    "blockquote_open": "{quote}\n", "blockquote_close": "{quote}\n\n",
}  # fmt: skip


def convert(to: str, content: str, *, has_strong: bool = True) -> str:
    """Raises Failure. relay's Jira text loses `**strong**`; `has_strong` keeps it."""
    if to not in ("html", "jira"):
        raise Failure("convert: type not supported", Code.VALUE)
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _MAX_NESTING})
    if to == "html":
        return str(parser.render(content))
    return "".join(_jira(parser.parse(content), has_strong)).rstrip("\n")


def _jira(tokens: "list[Token]", has_strong: bool) -> Iterator[str]:
    lists: list[str] = []
    for token in tokens:
        match token.type:
            case "inline":
                yield "".join(_jira_inline(token.children or [], has_strong))
            case "heading_open":
                yield f"{token.tag}. "
            case "heading_close":
                yield "\n\n"
            case "paragraph_close":
                yield "\n" if token.hidden or lists else "\n\n"
            case "bullet_list_open" | "ordered_list_open":
                lists.append("*" if token.type == "bullet_list_open" else "#")
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
                yield "" if lists else "\n"
            case "list_item_open":
                yield f"{''.join(lists)} "
            case "fence" | "code_block":
                language = token.info.split()[0] if token.info.split() else ""
                yield f"{{code{f':{language}' if language else ''}}}\n{token.content}{{code}}\n\n"
            case kind:
                yield _JIRA_BREAKS.get(kind, "") + _JIRA_AROUND.get(kind, "")


def _jira_inline(tokens: "list[Token]", has_strong: bool) -> Iterator[str]:
    links: list[str] = []
    for token in tokens:
        match token.type:
            case "text":
                yield token.content
            case "code_inline":
                yield f"{{code}}{token.content}{{code}}"
            case "link_open":
                links.append(str(token.attrs.get("href", "")))
                yield "["
            case "link_close":
                yield f"|{links.pop()}]"
            case "image":
                yield f"!{token.attrs.get('src', '')}!"
            case "strong_open" | "strong_close" if not has_strong:
                continue
            case kind:
                yield _JIRA_BREAKS.get(kind, "") + _JIRA_AROUND.get(kind, "")
