"""pyproject.toml, uv.lock and requirements/ say the same, and none names a private index."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PUBLIC_HOSTS = {"pypi.org", "files.pythonhosted.org"}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def lock() -> dict[str, Any]:
    return tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def exported() -> str:
    return (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")


def pins(exported: str) -> dict[str, tuple[str, set[str]]]:
    """Version and hashes by name."""
    found: dict[str, tuple[str, set[str]]] = {}
    for entry in re.sub(r"\\\n", " ", exported).splitlines():
        if match := re.match(r"([\w.-]+)==(\S+)", entry):
            found[match[1]] = (match[2], set(re.findall(r"--hash=(\S+)", entry)))
    return found


def requirements(lines: list[str]) -> set[tuple[str, str]]:
    parsed = [Requirement(line) for line in lines]
    return {(canonicalize_name(one.name), str(one.specifier)) for one in parsed}


def locked(entries: list[dict[str, str]]) -> set[tuple[str, str]]:
    return requirements([entry["name"] + entry.get("specifier", "") for entry in entries])


def test_the_lock_is_that_of_the_project(project: dict[str, Any], lock: dict[str, Any]) -> None:
    (ensue,) = [package for package in lock["package"] if package["name"] == "ensue"]
    metadata = ensue["metadata"]
    assert locked(metadata["requires-dist"]) == requirements(project["project"]["dependencies"])
    assert locked(metadata["requires-dev"]["dev"]) == requirements(project["dependency-groups"]["dev"])
    assert lock["requires-python"] == project["project"]["requires-python"]


def test_the_exported_requirements_are_those_of_the_lock(lock: dict[str, Any], exported: str) -> None:
    expected = {}
    for package in lock["package"]:
        if package["name"] != "ensue":
            files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
            expected[package["name"]] = (package["version"], {file["hash"] for file in files})
    assert pins(exported) == expected


def test_what_the_image_installs_is_pinned_and_whole(
    project: dict[str, Any], lock: dict[str, Any], exported: str
) -> None:
    server = pins((ROOT / "requirements" / "server.txt").read_text(encoding="utf-8"))
    assert server.items() < pins(exported).items()
    direct = {name for name, _ in requirements(project["project"]["dependencies"])}
    needed = {
        each["name"]
        for package in lock["package"]
        if package["name"] in server
        for each in package.get("dependencies", ())
    }
    assert direct | needed == server.keys()


def test_every_dependency_ends_below_its_next_breaking_version(project: dict[str, Any]) -> None:
    for line in [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]:
        requirement = Requirement(line)
        bounds = {part.operator: part.version for part in requirement.specifier}
        lower, upper = (bounds[operator].split(".") for operator in (">=", "<"))
        expected = ["0", str(int(lower[1]) + 1)] if lower[0] == "0" else [str(int(lower[0]) + 1)]
        assert upper == expected, line


@pytest.mark.parametrize("name", ["uv.lock", "requirements/dev.txt", "requirements/server.txt", "pyproject.toml"])
def test_only_public_hosts_are_named(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert set(re.findall(r"https?://([^/\"\s]+)", text)) <= PUBLIC_HOSTS
