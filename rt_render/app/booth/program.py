"""The booth's program, which its keeper starts: `python -m rt_render.app.booth`. It tells; it prints nothing."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firmware_bridge.errors import BridgeError
from rt_render.app.beat import Beat
from rt_render.app.booth.booth import Booth
from rt_render.app.booth.config_watch import ConfigWatch, check
from rt_render.app.booth.good_keeper import GoodKeeper
from rt_render.app.booth.heart import Heart
from rt_render.app.booth.impersonal import impersonal
from rt_render.app.booth.life_line import AGAIN, FOR_GOOD, LifeLine
from rt_render.app.booth.logged_visits import ENDS, last_visit, left_open
from rt_render.app.booth.media_watch import MediaWatch
from rt_render.app.booth.patient_page import PatientPage
from rt_render.app.booth.state_files import kept_token, last_good, log_place
from rt_render.app.booth.visit_log import LogPlace, read_events
from rt_render.app.early_checks import find_card
from rt_render.app.session import Session, run_session
from rt_render.app.settings import Booth as BoothSettings
from rt_render.app.settings import Settings
from rt_render.app.web.place import needs_token
from rt_render.errors import RenderError

GOOD_AFTER_S = 5.0
CARD_EVERY_S = 10.0


class Program:
    """One run of the booth, from a configuration to its end; `run` returns the exit status.

    `visit`: the number of the last visit that the keeper knows of. `after_failure`: the run before ended before it
    played, so that this one takes the last configuration that did. `rests`: the headphones lay still, and nobody is to
    hear the new beginning. `why`: why the run before ended, "" for the first; page and watch tell it.
    """

    def __init__(
        self,
        config: Path | None,
        visit: int = 0,
        after_failure: bool = False,
        rests: bool = False,
        why: str = "",
    ) -> None:
        self._config, self._visit, self._after_failure = config, visit, after_failure
        self._rests, self._plays = rests, False
        self._booth: Booth | None = None
        self._leaves = False
        self._refused = ""
        self._news = [f"the booth began anew: {why}."] if why else []
        self._opened: dict[str, Any] = {}
        self._line = LifeLine(self._leave)

    def run(self) -> int:
        """Play until the keeper goes, or something needs a new beginning."""
        try:
            return self._run()
        finally:
            self._line.close()

    def _run(self) -> int:
        tell = self._line.tell
        found = check(self._config)
        self._refused = found.refused
        good, why = last_good(self._config), found.refused
        if found.settings and self._after_failure and good not in (None, found.settings):
            why = "the program ended before it played."
        elif found.settings:
            try:
                return self._play(found.settings)
            except (RenderError, BridgeError) as error:
                if self._plays:
                    return self._begin_again(error)
                why = str(error)
            except Exception as error:
                if self._plays or good in (None, found.settings):
                    raise
                why = f"it ended before it played ({type(error).__name__}: {error})."
        if good is None or good == found.settings:
            return self._give_up(why)
        text = f"the configuration cannot be used, and the last one that could is: {why}"
        self._news.append(text)
        tell("says", text=text)
        tell("log", event="configuration", details={"refused": impersonal(why)})
        try:
            return self._play(good)
        except (RenderError, BridgeError) as error:
            return self._begin_again(error) if self._plays else self._give_up(str(error))

    def _begin_again(self, error: Exception) -> int:
        """Tell what ended a sound, such as a card that stood still: no fault of its set-up."""
        if self._leaves:
            return 0
        self._line.tell("anew", why=str(error).rstrip("."), resting=self._booth is not None and self._booth.rests)
        return AGAIN

    def _give_up(self, why: str) -> int:
        self._line.tell("says", text=why)
        self._line.tell("anew", why=why.rstrip("."))
        return FOR_GOOD

    def _play(self, settings: Settings) -> int:
        tell, place = self._line.tell, self._open(settings.booth)
        wanted = settings.audio.device
        card = find_card(wanted, settings.output.record, self._say)
        used = settings.model_copy(update={"audio": settings.audio.model_copy(update={"device": card})})
        if settings.web.web and not settings.web.web_token and needs_token(settings.web):
            token = kept_token(self._config)
            used = used.model_copy(update={"web": used.web.model_copy(update={"web_token": token})})
        with PatientPage(used.web, lambda text: tell("says", text=text, private=True), self._say) as page:
            media = MediaWatch(used.source, self._begin_anew)
            session = Session(used, on_message=self._say)
            for text in self._news:
                session.desk.note(text)
            beside = page.show(session)
            card_look = _card_look(self._begin_unheard, wanted, card)

            def look() -> None:
                card_look()
                media.look()

            watch = ConfigWatch(self._config, look, self._say, refused=self._refused)
            booth = self._booth = Booth(
                session, self._log, settings=settings, number=self._last_visit(place), rests=self._rests, config=watch
            )
            beside += [*session.beats, watch.beat]
            return self._sound(session, booth, watch, page, beside)

    def _sound(self, session: Session, booth: Booth, watch: ConfigWatch, page: PatientPage, beside: list[Beat]) -> int:
        begun_s, good = time.monotonic(), GoodKeeper(self._config)
        heart = Heart(
            self._line,
            session,
            lambda: booth.beat_s,
            booth.settings.booth.hung_after_s,
            beside=beside,
            begin_anew=booth.begin_anew,
        )
        if self._leaves:
            booth.leave()

        def look(session: Session) -> bool:
            if not self._plays:
                heart.start()
                self._line.tell("plays", title=session.source.title)
                self._plays = True
            if time.monotonic() - begun_s > GOOD_AFTER_S:
                good.keep(booth.heard)
            self._open(booth.settings.booth)
            heart.hung_after_s = booth.settings.booth.hung_after_s
            beside.extend(page.look(session))
            return booth(session)

        watch.start()
        try:
            run_session(session, look)
        finally:
            heart.stop()
            watch.stop()
        if self._leaves:
            return 0
        # the newest beat may be older than the rest
        self._line.tell("anew", why=booth.begins_anew or "what plays has ended", resting=booth.rests)
        return AGAIN

    def _open(self, booth: BoothSettings) -> LogPlace:
        """Tell the keeper where the log lies and what is a hang, where that is new; return the place."""
        place = log_place(booth)
        opened = {
            "path": str(place.path),
            "max_bytes": place.max_bytes,
            "n_files": place.n_files,
            "hung_after_s": booth.hung_after_s,
        }
        if opened != self._opened:
            self._opened = opened
            self._line.tell("opens", **opened)
        return place

    def _last_visit(self, place: LogPlace) -> int:
        """Return the number of the latest visit, and let the log end one that a keeper left open which is gone."""
        try:
            events = read_events(place)
        except OSError:
            return self._visit
        end = left_open(events)
        if end and not self._visit:  # of visits that this keeper knows of it tells the end itself
            self._log(ENDS, **end)
        return max(self._visit, last_visit(events))  # a full disk may hold back the newest lines

    def _leave(self) -> None:
        self._leaves = True
        if self._booth:
            self._booth.leave()

    def _begin_anew(self, why: str) -> None:
        if self._booth:
            self._booth.begin_anew(why)

    def _begin_unheard(self, why: str) -> None:
        """Begin anew even in a visit, for who wears the headphones hears nothing."""
        if self._booth:
            self._booth.begin_anew(why, at_once=True)

    def _say(self, text: str) -> None:
        self._line.tell("says", text=text)

    def _log(self, event: str, **details: Any) -> None:
        self._line.tell("log", event=event, details=details)


def _card_look(begin_anew: Callable[[str], None], wanted: int | str, card: int | str) -> Callable[[], None]:
    """Look for a card now and then where there was none when the program began."""
    next_s = time.monotonic() + CARD_EVERY_S

    def look() -> None:
        nonlocal next_s
        if card != "virtual" or wanted == "virtual" or time.monotonic() < next_s:
            return
        next_s = time.monotonic() + CARD_EVERY_S
        from rt_render.io.sound_card import list_devices, look_again

        try:
            look_again()
            if list_devices(with_rates=False):
                begin_anew("a sound card is there now")
        except RenderError:
            return

    return look
