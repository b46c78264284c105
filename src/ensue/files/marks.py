"""Where in a file each part of a definition is written."""

from ensue.files.nodes import Key, Mapping, Mark, Node, Scalar, Sequence, follow, is_merge, merged

Path = tuple[Key, ...]


class Marks:
    """Finds the place of a canonical path, through the names and short forms that the file uses."""

    def __init__(self, root: Node | None, renamed: dict[Path, Path] | None = None) -> None:
        self.root = root
        self.renamed = renamed or {}

    def written(self, path: Path) -> Path:
        """The path as the file has it: `spec.steps[0].needs` for `spec.steps[0].dependsOn`."""
        for length in range(len(path), 0, -1):
            if (old := self.renamed.get(path[:length])) is not None:
                return self.written(old) + path[length:]
        return path

    def value(self, path: Path) -> Mark:
        """Where the value at the path begins; the nearest one around it when the path is not in the file."""
        return self._find(path)[1]

    def key(self, path: Path) -> Mark:
        """Where the key at the path begins."""
        return self._find(path)[0]

    def _find(self, path: Path) -> tuple[Mark, Mark]:
        node = self.root
        if node is None:
            return Mark(0, 0), Mark(0, 0)
        key, value = node.start, node.start
        for part in self.written(path):
            found = _child(follow(node), part)
            if found is None:
                break
            key, node = found
            value = node.start
        return key, value


def _child(node: Node | None, part: Key) -> tuple[Mark, Node] | None:
    if isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
        return node.items[part].start, node.items[part]
    if not isinstance(node, Mapping):
        return None
    for key, value in node.pairs:
        target = follow(key)
        if isinstance(target, Scalar) and target.text == part:
            return key.start, value
    for key, value in node.pairs:
        if is_merge(key):
            for inner in merged(value):
                if found := _child(inner, part):
                    return found
    return None
