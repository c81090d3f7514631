import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _devices_are_not_remembered_in_the_users_home(tmp_path_factory):
    before = os.environ.get("RT_RENDER_DEVICES")
    os.environ["RT_RENDER_DEVICES"] = str(tmp_path_factory.mktemp("devices"))
    yield
    os.environ.pop("RT_RENDER_DEVICES")
    if before is not None:
        os.environ["RT_RENDER_DEVICES"] = before


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """Run `firmware-bridge` within this process, in a folder of its own; see `cli_tools.caller`."""
    from cli_tools import caller

    monkeypatch.chdir(tmp_path)
    return caller(monkeypatch, capsys)


@pytest.fixture
def port(tmp_path):
    """The port of a virtual tracker that is held still; see `cli_tools.held_tracker`."""
    from cli_tools import held_tracker

    with held_tracker(tmp_path) as name:
        yield name


def pytest_sessionstart(session):
    """Compile the kernels before workers begin: they would all do it, each for itself."""
    if session.config.getoption("numprocesses", None):
        from rt_render.kernels import block, cards

        for compile_entry in (block.compile_process_block, cards.compile_sound_card, cards.compile_virtual_card):
            compile_entry()
