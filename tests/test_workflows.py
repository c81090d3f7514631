"""The workflows of GitHub: they run this project's own commands, and may do nothing but read."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_commands_that_exist(workflow):
    commands = re.findall(r"^ *- run: (.+)$", workflow.read_text(), re.MULTILINE)
    offered = re.findall(r"^  (\w+) ", (ROOT / "dev").read_text(), re.MULTILINE)
    assert commands
    for program, *arguments in map(str.split, commands):
        assert os.access(ROOT / program, os.X_OK), f"{program} cannot be run"
        assert program != "./dev" or arguments[0] in offered


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_and_its_actions_are_of_a_known_version(workflow):
    text = workflow.read_text()
    assert "\npermissions:\n  contents: read\n" in text and text.count("permissions:") == 1
    actions = re.findall(r"uses: (\S+)", text)
    assert actions and all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in actions)
    assert text.count("persist-credentials: false") == len([name for name in actions if "checkout" in name])


def test_the_audit_comes_once_a_day_and_the_tests_with_each_push():
    audit, tests = (path.read_text() for path in WORKFLOWS)
    assert re.search(r'cron: "\d+ \d+ \* \* \*"', audit) and "run: ./dev audit" in audit
    assert re.search(r"on:\n  push:\n  pull_request:\n", tests) and "run: .ci/run" in tests
