"""The firmware's modules by themselves, under this Python and under MicroPython, and what they may import."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from firmware_tools import FIRMWARE, HAL, MICROPYTHON, needs_micropython

OWN = {path.stem for path in FIRMWARE.glob("*.py")}
PORTABLE = {"array", "binascii", "json", "math", "os", "struct", "sys"}
OF_THE_BOARD = {"machine", "micropython", "select", "time"}
BOARD_FILES = {"board", "board_esp32s3", "board_rp2040", "main", "usb_stdio"}


@pytest.mark.parametrize("python", ["cpython", pytest.param("micropython", marks=needs_micropython)])
@pytest.mark.parametrize("module", ["wire_checks", "driver_checks"])
def test_the_firmware_keeps_its_word(module, python, tmp_path):
    path = os.pathsep.join((str(FIRMWARE), str(HAL)))
    command = [sys.executable, "-W", "error"] if python == "cpython" else [str(MICROPYTHON)]
    ended = subprocess.run(
        [*command, str(HAL / "run_checks.py"), module],
        env=os.environ | {"PYTHONPATH": path, "MICROPYPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    checks = [node.name for node in ast.parse((HAL / f"{module}.py").read_text()).body if hasattr(node, "name")]
    wanted = sorted(name for name in checks if name.startswith("check_"))
    assert ended.stdout == "".join(f"ok {name}\n" for name in wanted) and ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("path", sorted(FIRMWARE.glob("*.py")), ids=lambda path: path.stem)
def test_the_firmware_stands_alone_and_only_the_board_files_know_a_board(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    outside = names - OWN - PORTABLE
    assert outside <= (OF_THE_BOARD if path.stem in BOARD_FILES else set())
    if path.stem not in BOARD_FILES:
        assert not names & BOARD_FILES


def test_what_no_hardware_was_there_to_try_is_marked():
    untried = {"bno08x_i2c", "board", "board_esp32s3", "board_rp2040", "icm20948", "lsm6dsox", "usb_stdio"}
    for stem in untried:
        assert "Untried on hardware." in ast.get_docstring(ast.parse((FIRMWARE / f"{stem}.py").read_text()))
    assert "untried" in Path(FIRMWARE / "README.md").read_text().lower()
