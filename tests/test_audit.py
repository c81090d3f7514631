"""`./dev audit`: what could not be looked up is no pass."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def checkout(tmp_path):
    """A folder with the command, a .venv that needs nothing, and a pip-audit that does as it is told."""
    for name in ("dev", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for folder in (".venv/bin", ".audit/bin"):
        (tmp_path / folder).mkdir(parents=True)
    mark = subprocess.run(["cksum"], input=(ROOT / "pyproject.toml").read_bytes(), capture_output=True, check=True)
    (tmp_path / f".venv/.installed-dev-{mark.stdout.decode().strip().replace(' ', '-')}").touch()
    write(tmp_path / ".venv/bin/python", "echo numpy==2.0.0")
    return tmp_path


def write(path, line):
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def audit(checkout, line, *arguments):
    write(checkout / ".audit/bin/pip-audit", line)
    return subprocess.run(
        [checkout / "dev", "audit", *arguments], capture_output=True, text=True, timeout=30, check=False
    )


def test_what_is_installed_is_audited_strictly_and_nothing_else(checkout):
    done = audit(checkout, 'echo "$@"', "--vulnerability-service", "osv")
    assert done.returncode == 0, done.stderr
    assert "--strict" in done.stdout and "--vulnerability-service osv" in done.stdout
    assert (checkout / ".audit/installed.txt").read_text() == "numpy==2.0.0\n"


def test_a_weakness_fails_with_what_to_do(checkout):
    done = audit(checkout, "exit 1")
    assert done.returncode == 1
    assert "update the packages" in done.stderr and done.stderr.endswith(".\n")
