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
