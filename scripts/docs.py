"""Fails when the documentation is wrong: dead links, examples that do not validate, records without a status,
folders that docs/architecture.md does not name."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATUSES = r"(Proposed|Accepted|Rejected|Superseded by \[?\d{4})"

FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>```+|~~~+)(?P<language>[\w-]*)[^\n]*\n(?P<body>.*?)^ *(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def pages(root: Path) -> list[Path]:
    return sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md")])


def prose(text: str) -> str:
    """The text without code, in which brackets mean something else."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """The fragments that GitHub gives to the headings of a page."""
    found: dict[str, int] = {}
    result = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")
        count = found[slug] = found.get(slug, -1) + 1
        result.add(f"{slug}-{count}" if count else slug)
    return result


def dead_links(root: Path) -> Iterator[str]:
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        for target in LINK.findall(prose(text)):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            path, _, fragment = target.partition("#")
            file = (page.parent / path) if path else page
            name = page.relative_to(root)
            if not file.exists():
                yield f"{name}: the link to {target} leads nowhere"
            elif fragment and file.suffix == ".md" and fragment not in anchors(file.read_text(encoding="utf-8")):
                yield f"{name}: {target}: no heading makes the anchor #{fragment}"


def examples(root: Path) -> Iterator[tuple[str, str]]:
    """Name and text of every YAML block that holds a definition."""
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            body = match["body"]
            if match["language"] in {"yaml", "yml"} and re.search(r"^ *apiVersion:", body, re.MULTILINE):
                indent = match["indent"]
                line = text.count("\n", 0, match.start()) + 2
                lines = (part.removeprefix(indent) for part in body.splitlines())
                yield f"{page.relative_to(root)}:{line}", "\n".join(lines) + "\n"


def invalid_examples(root: Path) -> Iterator[str]:
    found = list(examples(root))
    if not found or not (root / "src/ensue/cli").is_dir():
        return
    with tempfile.TemporaryDirectory() as directory:
        files = []
        for name, text in found:
            file = Path(directory, re.sub(r"[/:]", "_", name) + ".yaml")
            file.write_text(text, encoding="utf-8")
            files.append(file.name)
        command = [sys.executable, "-m", "ensue", "validate", *files]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        yield f"ensue validate ended with {done.returncode} on the examples (file names are page_line):"
        yield from (done.stdout + done.stderr).splitlines()


def records_without_status(root: Path) -> Iterator[str]:
    numbers = set()
    for record in sorted((root / "docs/decisions").glob("*.md")):
        if not re.match(r"\d{4}-[a-z0-9-]+\.md$", record.name):
            yield f"docs/decisions/{record.name}: a record is called NNNN-what-was-decided.md"
            continue
        if record.name[:4] in numbers:
            yield f"docs/decisions/{record.name}: the number {record.name[:4]} is taken"
        numbers.add(record.name[:4])
        if not re.search(rf"^Status: {STATUSES}", record.read_text(encoding="utf-8"), re.MULTILINE):
            yield f"docs/decisions/{record.name}: no line `Status: Accepted` (Proposed, Rejected, Superseded by NNNN)"


def unnamed_folders(root: Path) -> Iterator[str]:
    table = (root / "docs/architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| *`(\w+)/?` *\|", table, re.MULTILINE))
    for path in sorted((root / "src/ensue").iterdir()):
        is_module = path.suffix == ".py" and not path.stem.startswith("_")
        is_package = path.is_dir() and any(path.glob("*.py"))
        if (is_module or is_package) and path.stem not in named:
            yield f"docs/architecture.md: its table has no row for src/ensue/{path.name}"
    for later in re.findall(r"Rings that come later \(([^)]*)\)", table):
        for name in re.split(r",\s*", later):
            if (root / "src/ensue" / name).exists():
                yield f"docs/architecture.md: src/ensue/{name} is there, and no longer comes later"


def main() -> int:
    checks = (dead_links, invalid_examples, records_without_status, unnamed_folders)
    found = [problem for check in checks for problem in check(ROOT)]
    print(
        "\n".join(found)
        if found
        else f"docs: {len(pages(ROOT))} pages and {len(list(examples(ROOT)))} examples are right"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
