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


def pytest_sessionstart(session):
    """Compile the kernels before workers begin: they would all do it, each for itself."""
    if session.config.getoption("numprocesses", None):
        from rt_render.kernels import block, cards

        for compile_entry in (block.compile_process_block, cards.compile_sound_card, cards.compile_virtual_card):
            compile_entry()
