"""What users install: the wheel alone, in an environment of its own."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_PACKAGES = 40
MOST_MEGABYTES = 85


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel and the source distribution."""
    directory = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "--directory", str(directory), cwd=ROOT)
    return directory


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that holds what the wheel asks for, and nothing else."""
    directory = tmp_path_factory.mktemp("installed") / "venv"
    (wheel,) = built.glob("*.whl")
    if shutil.which("uv") and not os.environ.get("NO_UV"):
        run("uv", "venv", "--quiet", "--python", sys.executable, str(directory))
        run("uv", "pip", "install", "--quiet", "--python", str(directory / "bin" / "python"), str(wheel))
    else:
        run(sys.executable, "-m", "venv", str(directory))
        run(str(directory / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", str(wheel))
    return directory


@pytest.mark.timeout(300)
def test_the_demo_runs_from_the_installed_wheel(installed: Path, tmp_path: Path) -> None:
    told = run(str(installed / "bin" / "ensue"), "demo", "--once", cwd=tmp_path)
    assert "fired" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(300)
def test_the_installation_is_small(installed: Path) -> None:
    (packages,) = (installed / "lib").glob("python*/site-packages")
    own = [path for path in packages.iterdir() if path.name.partition("-")[0] not in ("pip", "setuptools")]
    files = [file for path in own for file in (path, *path.rglob("*")) if file.is_file()]
    kept = [file for file in files if "__pycache__" not in file.parts]
    assert 10 < sum(path.name.endswith(".dist-info") for path in own) <= MOST_PACKAGES
    assert sum(file.stat().st_size for file in kept) <= MOST_MEGABYTES * 10**6


def test_wheel_and_source_hold_what_they_must_and_no_more(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"ensue"}
    assert "ensue/py.typed" in names
    assert any(name.endswith(".sql") for name in names)
    assert not any("__pycache__" in name or "/tests/" in name for name in names)
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        tops = {Path(name).parts[1] for name in archive.getnames() if len(Path(name).parts) > 1}
    assert {"src", "docs", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"} <= tops
    assert not {"tests", "bench", ".venv", "build"} & tops


def test_the_unit_keeps_steps_alive_over_a_restart() -> None:
    text = (ROOT / "deploy" / "ensue.service").read_text(encoding="utf-8")
    assert "KillMode=process" in text.splitlines()
    assert "ExecStart=/opt/ensue/bin/ensue server" in text.splitlines()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "ensue.service").read_text(encoding="utf-8")
    unit = tmp_path / "ensue.service"
    # The program and the user are those of the machine that it is for.
    unit.write_text(text.replace("/opt/ensue/bin/ensue", "/bin/true").replace("=ensue\n", "=root\n"), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if str(unit) in line or "ensue.service" in line] == []


def run(*command: str, cwd: Path | None = None) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ENSUE_", "PYTHON"))}
    done = subprocess.run(command, cwd=cwd, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
