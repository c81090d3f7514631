"""What a session lets be moved over OSC: its desk's controls, and the objects of its scene."""

from collections.abc import Callable

from rt_render.app.controls.desk import Desk
from rt_render.app.controls.desk_remote import DeskRemote
from rt_render.app.object_remote import ObjectRemote
from rt_render.app.remote import Remote
from rt_render.app.scene_file import ObjectScene
from rt_render.app.settings import Remote as RemoteSettings
from rt_render.engine.objects import Objects


def make_remote(
    wanted: RemoteSettings, desk: Desk, scene: ObjectScene | None, objects: Objects, on_message: Callable[[str], None]
) -> Remote:
    """Return a remote that knows all addresses of a session, not yet started; the desk's state tells its port."""
    remote = Remote(wanted.remote_host, wanted.remote_port, on_message, wanted.remote_token)
    DeskRemote(desk, remote)
    desk.add_part("remote", lambda: {"port": remote.port})
    if scene:
        ObjectRemote(scene, objects).register(remote)
    return remote
