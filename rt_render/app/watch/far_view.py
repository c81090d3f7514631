"""A terminal on a program that runs elsewhere: a few calm lines and the keys, or a plain line now and then."""

import time

from rich.console import Console
from rich.text import Text

from firmware_bridge.commands.live_screen import LiveScreen
from rt_render.app.controls.keys import HELP_KEY, QUIT_KEY, long_help
from rt_render.app.watch.far_keys import wish_of
from rt_render.app.watch.far_rows import far_line, far_rows
from rt_render.app.watch.page_link import PageLink

_LOOK_S, _PLAIN_EVERY_S = 0.1, 2.0


class FarView(LiveScreen):
    """Shows what a page tells each time it is called, some ten times a second. Used as a context; one thread."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._next_line_s = 0.0
        self._troubled: str | None = None

    def __call__(self, page: PageLink) -> bool:
        """Take what comes and show it; False when the person wants to quit. Raises DeviceError as the link does."""
        page.look(_LOOK_S)
        if page.trouble != self._troubled:
            self._troubled = page.trouble
            self.say(page.trouble or "the page answers again.")
        if page.state and page.pose and not page.trouble:
            self._show(page)
        while page.refused:
            self.say(page.refused.popleft())
        return all(self._press(key, page) for key in self._keys.pressed())

    def _press(self, key: str, page: PageLink) -> bool:
        """Do what a key is for; False where it is to quit."""
        if key.lower() == QUIT_KEY:
            return False
        if key == HELP_KEY:
            self._console.print(Text(long_help(), style="dim"))
        elif page.state and (wish := wish_of(key, page.state)):
            page.ask(*wish)
        return True

    def _show(self, page: PageLink) -> None:
        if self._console.is_terminal:
            self._draw(far_rows(page.state, page.pose, page.energy))
        elif time.monotonic() >= self._next_line_s:
            self._next_line_s = time.monotonic() + _PLAIN_EVERY_S
            self._console.print(Text(far_line(page.state, page.pose)), soft_wrap=True)
