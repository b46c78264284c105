"""New indentation and spacing for the lines of a YAML file, from libyaml's tokens."""

import bisect
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from ensue.files.composing import LOADER
from ensue.files.nodes import Mark, refuse

STEP = 2
_HEADER = re.compile(r"[|>](?:[+-]?([1-9])|([1-9]))?[+-]?")


@dataclass(slots=True)
class Block:
    """An open block collection: its column in the file, and its new one."""

    old: int
    new: int
    is_mapping: bool
    is_implied: bool = False
    """A list at the column of the key above it; libyaml has no token for it."""


@dataclass(slots=True)
class Lines:
    """What is known about each line of the file."""

    text: list[str]
    indent: dict[int, int] = field(default_factory=dict)
    """Line to its new indentation."""
    blocks: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Line to the columns, old and new, that are open at its end."""
    literal: dict[int, str] = field(default_factory=dict)
    """Line to its whole new text: the content of block scalars."""
    inside: set[int] = field(default_factory=set)
    """Lines whose end is inside of a text: blanks there, and blank lines, may matter."""
    edits: dict[int, list[tuple[int, int, str]]] = field(default_factory=dict)

    def is_first(self, line: int, column: int) -> bool:
        return not self.text[line][:column].strip(" ")

    def old_indent(self, line: int) -> int:
        return len(self.text[line]) - len(self.text[line].lstrip(" "))


def lay_out(text: str) -> str:
    """The text with even indentation, spacing and blank lines."""
    lines = Lines(text.split("\n"))
    _Walk(lines).walk(text)
    return _assemble(lines)


class _Walk:
    """Follows the tokens and notes what becomes of each line."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.open: list[Block] = []
        self.flow: list[int] = []
        """The shift of each open flow collection's lines."""

    def walk(self, text: str) -> None:
        scanner = LOADER(text)
        previous: Any = None
        try:
            while (token := scanner.get_token()) is not None:
                self._take(token, previous)
                if not isinstance(
                    token, yaml.BlockMappingStartToken | yaml.BlockSequenceStartToken | yaml.BlockEndToken
                ):
                    previous = token
        finally:
            scanner.dispose()

    def _take(self, token: Any, previous: Any) -> None:
        line, column = token.start_mark.line, token.start_mark.column
        match token:
            case yaml.BlockMappingStartToken() | yaml.BlockSequenceStartToken():
                self._begin(column, is_mapping=isinstance(token, yaml.BlockMappingStartToken))
                return
            case yaml.BlockEndToken():
                self._drop_implied()
                self.open.pop()
                return
            case yaml.StreamStartToken() | yaml.StreamEndToken() | yaml.DirectiveToken():
                return
            case yaml.DocumentStartToken() | yaml.DocumentEndToken():
                self.lines.indent[line] = 0
            case yaml.KeyToken() if not self.flow:
                self._key(line, column)
            case yaml.BlockEntryToken():
                self._entry(line, column)
            case yaml.ValueToken() if not self.flow:
                pass
            case _:
                self._content(token, line, column)
        self._tighten(token, previous)
        for covered in range(line, token.end_mark.line + 1):
            self.lines.blocks[covered] = [(block.old, block.new) for block in self.open]

    def _begin(self, column: int, *, is_mapping: bool) -> None:
        new = self.open[-1].new + STEP if self.open else 0
        self.open.append(Block(column, new, is_mapping))

    def _drop_implied(self) -> None:
        if self.open and self.open[-1].is_implied:
            self.open.pop()

    def _key(self, line: int, column: int) -> None:
        self._drop_implied()
        if self.lines.text[line][column : column + 1] == "?" and self.lines.text[line][column + 1 : column + 2] in (
            " ",
            "",
        ):
            raise refuse("`? ` keys cannot be formatted", Mark(line + 1, column + 1), remedy="write `key: value`")
        if self.open and self.lines.is_first(line, column):
            self.lines.indent[line] = self.open[-1].new

    def _entry(self, line: int, column: int) -> None:
        if self.open and self.open[-1].is_mapping:
            owner = self.open[-1]
            self.open.append(Block(owner.old, owner.new + STEP, is_mapping=False, is_implied=True))
        if self.open and self.lines.is_first(line, column):
            self.lines.indent[line] = self.open[-1].new

    def _content(self, token: Any, line: int, column: int) -> None:
        inside = self.open[-1].new + STEP if self.open else 0
        if self.lines.is_first(line, column) and line not in self.lines.indent:
            shifted = self.lines.old_indent(line) + self.flow[-1] if self.flow else inside
            self.lines.indent[line] = max(shifted, 0)
        match token:
            case yaml.FlowMappingStartToken() | yaml.FlowSequenceStartToken():
                own = self.lines.indent.get(line, self.lines.old_indent(line)) - self.lines.old_indent(line)
                self.flow.append(self.flow[0] if self.flow else own)
            case yaml.FlowMappingEndToken() | yaml.FlowSequenceEndToken():
                self.flow.pop()
            case yaml.ScalarToken() if token.style in ("|", ">"):
                self._block_scalar(token)
            case yaml.ScalarToken():
                for later in range(line + 1, token.end_mark.line + 1):
                    shifted = self.lines.old_indent(later) + self.flow[-1] if self.flow else max(inside, 1)
                    self.lines.indent[later] = max(shifted, 0)
                self.lines.inside.update(range(line, token.end_mark.line))

    def _block_scalar(self, token: Any) -> None:
        first, end = token.start_mark.line + 1, token.end_mark.line
        if token.end_mark.column:
            end += 1
        text = self.lines.text
        end = min(end, len(text))
        header = _HEADER.match(text[first - 1][token.start_mark.column :])
        explicit = header and (header[1] or header[2])
        contents = [line for line in range(first, end) if text[line].strip(" ")]
        if not contents or not self.open:
            kept = "+" in (header[0] if header else "")
            self.lines.literal.update((line, text[line]) for line in range(first, end) if contents or kept)
            return
        parent = self.open[-1]
        old = parent.old + int(explicit) if explicit else self.lines.old_indent(contents[0])
        new = parent.new + (int(explicit) if explicit else STEP)
        is_kept = "+" in (header[0] if header else "")
        last = end if is_kept else contents[-1] + 1
        for line in range(first, last):
            self.lines.literal[line] = " " * new + text[line][old:] if len(text[line]) > old else ""
        if is_kept and end == len(text) and text[-1] == "":
            self.lines.literal.pop(len(text) - 1, None)

    def _tighten(self, token: Any, previous: Any) -> None:
        """One blank after `-` and `:`, none before `:`, outside of flow collections."""
        if self.flow or previous is None or previous.end_mark.line != token.start_mark.line:
            return
        start, end = previous.end_mark.column, token.start_mark.column
        line = token.start_mark.line
        if self.lines.text[line][start:end].strip(" "):
            return
        if isinstance(token, yaml.ValueToken):
            is_alias = isinstance(previous, yaml.AliasToken)
            self.lines.edits.setdefault(line, []).append((start, end, " " if is_alias else ""))
        elif isinstance(previous, yaml.BlockEntryToken | yaml.ValueToken):
            self.lines.edits.setdefault(line, []).append((start, end, " "))


def _assemble(lines: Lines) -> str:
    result: list[str] = []
    indented, blocked = sorted(lines.indent), sorted(lines.blocks)
    for number, text in enumerate(lines.text):
        if number in lines.literal:
            result.append(lines.literal[number])
            continue
        body = _edited(text, lines.edits.get(number, [])).lstrip(" ")
        if number not in lines.inside:
            body = body.rstrip(" \t")
        if not body.strip():
            if number in lines.inside or (result and result[-1]) or (number - 1) in lines.literal:
                result.append("")
            continue
        if number in lines.indent:
            indent = lines.indent[number]
        else:
            body = body.lstrip(" \t")
            indent = lines.old_indent(number)
            if body.startswith("#"):
                indent = _comment_indent(lines, text, _before(blocked, number), _after(indented, number))
        result.append(" " * indent + body)
    return _trimmed(result, lines)


def _trimmed(result: list[str], lines: Lines) -> str:
    if len(lines.text) - 1 not in lines.literal and len(lines.text) - 2 not in lines.literal:
        while result and not result[-1]:
            result.pop()
    while result and not result[0]:
        result.pop(0)
    text = "\n".join(result)
    # A block scalar that ends the file without a line feed would gain one.
    is_open = len(lines.text) - 1 in lines.literal and lines.text[-1] != ""
    return text if not text or is_open or text.endswith("\n") else text + "\n"


def _edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def _comment_indent(lines: Lines, text: str, before: int | None, following: int | None) -> int:
    """As deep as the line it belongs to: the next one, or the collection at whose column it stands."""
    column = len(text) - len(text.lstrip(" \t"))
    if following is not None and lines.old_indent(following) == column:
        return lines.indent[following]
    for old, new in lines.blocks.get(before, []) if before is not None else []:
        if old == column:
            return new
    return lines.indent[following] if following is not None else 0


def _before(ordered: list[int], number: int) -> int | None:
    place = bisect.bisect_left(ordered, number)
    return ordered[place - 1] if place else None


def _after(ordered: list[int], number: int) -> int | None:
    place = bisect.bisect_right(ordered, number)
    return ordered[place] if place < len(ordered) else None
