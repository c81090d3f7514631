"""The booth's page, which sound does not wait for: a port that is taken is tried again."""

import time
from collections.abc import Callable

from rt_render.app.beat import Beat
from rt_render.app.session import Session
from rt_render.app.settings import Web
from rt_render.app.web.web_page import WebPage
from rt_render.errors import DeviceError

TRY_EVERY_S = 10.0


class PatientPage:
    """A context that serves a session's page as soon as its port can be had; until then it says once why not.

    `on_link` gets the sentence with the link, `on_message` all others. Control thread.
    """

    def __init__(self, settings: Web, on_link: Callable[[str], None], on_message: Callable[[str], None]) -> None:
        self._settings, self._on_link, self._on_message = settings, on_link, on_message
        self._page: WebPage | None = None
        self._next_s, self._told = 0.0, False

    def __enter__(self) -> "PatientPage":
        """Take the port, if it is free."""
        self._try()
        return self

    def show(self, session: Session) -> list[Beat]:
        """Serve a session, if the port was free; return the signs of life of what is served."""
        if self._page is None:
            return []
        self._page.show(session)
        return self._page.beats

    def look(self, session: Session) -> list[Beat]:
        """Try a port that was taken again, every ten seconds; return the signs of life of what is served from now."""
        if self._page or time.monotonic() < self._next_s:
            return []
        self._try()
        return self.show(session)

    def __exit__(self, *_: object) -> None:
        if self._page:
            self._page.__exit__()

    def _try(self) -> None:
        self._next_s = time.monotonic() + TRY_EVERY_S
        try:
            self._page = WebPage(self._settings, self._on_link).__enter__()
        except Exception as error:  # whatever the page may do, the booth plays on
            why = str(error) if isinstance(error, DeviceError) else f"{type(error).__name__}: {error}."
            if not self._told:
                self._on_message(f"the booth plays without a page until one can be served: {why}")
            self._told = True
