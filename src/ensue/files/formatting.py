"""Even layout for files: only white space changes, and never what the file means.

Words, quotes, numbers, comments, short forms and the order of keys stay as written. The result is read
again and compared; a file for which that fails is refused and left alone.
"""

from ensue.files import composing, json_text, layout
from ensue.files.decoding import decode
from ensue.files.limits import DEFAULT_LIMITS
from ensue.files.nodes import Alias, Mapping, Mark, Node, Scalar, Sequence, refuse

# libyaml ends lines at these as well, editors and this module do not.
_ODD_LINE_ENDS = ("\x85", "\u2028", "\u2029")


def format(text: str, name: str) -> str:
    """The same definitions, evenly laid out; raises InvalidDefinition."""
    is_json = name.endswith(".json")
    source = decode(text, limits=DEFAULT_LIMITS, is_json=is_json)
    if is_json:
        return _format_json(source)
    if any(end in source for end in _ODD_LINE_ENDS):
        raise refuse("the file has Unicode line separators", Mark(1, 1), remedy="replace them by line feeds")
    before = list(composing.compose(source, limits=DEFAULT_LIMITS))
    result = layout.lay_out(source)
    if "".join(result.split()) != "".join(source.split()) or not _is_same(result, before):
        raise refuse(
            "the file cannot be formatted without changing what it means", Mark(1, 1), remedy="it is left as it is"
        )
    return result


def _is_same(text: str, before: list[Node | None]) -> bool:
    after = list(composing.compose(text, limits=DEFAULT_LIMITS))
    return [_content(node) for node in before] == [_content(node) for node in after]


def _content(node: Node | None) -> object:
    match node:
        case Scalar():
            return ("scalar", node.tag, node.style, node.text)
        case Sequence():
            return ("sequence", node.tag, [_content(item) for item in node.items])
        case Mapping():
            return ("mapping", node.tag, [(_content(key), _content(value)) for key, value in node.pairs])
        case Alias():
            return ("alias", node.name)
        case None:
            return None


def _format_json(text: str) -> str:
    if not text.strip():
        return ""
    lines = text.split("\n")
    return _write_json(json_text.compose(text, limits=DEFAULT_LIMITS), lines, "") + "\n"


def _write_json(node: Node, lines: list[str], indent: str) -> str:
    deeper = indent + "  "
    match node:
        case Mapping(pairs=[]):
            return "{}"
        case Sequence(items=[]):
            return "[]"
        case Mapping():
            parts = [
                f"{deeper}{_write_json(key, lines, deeper)}: {_write_json(value, lines, deeper)}"
                for key, value in node.pairs
            ]
            return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
        case Sequence():
            parts = [deeper + _write_json(item, lines, deeper) for item in node.items]
            return "[\n" + ",\n".join(parts) + f"\n{indent}]"
    return lines[node.start.line - 1][node.start.column - 1 : node.end.column - 1]
