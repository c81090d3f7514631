"""The public functions: what the command line does, for programs. All run on the caller's thread.

`on_message` gets sentences for people (from several threads while sound plays), `on_progress` a share of the
work, 0 to 1, and its name. Single settings ("choices") are keywords, named as in a configuration file.
Everything a person can mend is raised as a RenderError.
"""

from rt_render.app.api.heads import check_sofa, design
from rt_render.app.api.machine import bench, devices, doctor, latency, selftest
from rt_render.app.api.sound import demo, play, render

__all__ = ["bench", "check_sofa", "demo", "design", "devices", "doctor", "latency", "play", "render", "selftest"]
