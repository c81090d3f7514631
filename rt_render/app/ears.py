"""Through whose ears it is heard, and at which order: the one place that publishes decoders while it plays."""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import RLock, Thread
from typing import Any

from numpy.typing import ArrayLike

from rt_render.app.decoding import Progress, make_decoder
from rt_render.app.settings import Head
from rt_render.engine.engine import Engine
from rt_render.errors import ConfigurationError, RenderError
from rt_render.hrtf.decoder import Decoder
from rt_render.hrtf.heads import HEAD_NAMES

Key = tuple[str, int]


class Ears:
    """Lets an engine be heard through the head and order that are wanted, and no order above what others allow.

    Others are a playlist's item, whose order it is, and a session that is out of time. What is not there yet is
    designed on a thread of its own and faded to when it is. `decoder` is the engine's; `lower` are orders that must be
    there with any head; `prepared` returns a decoder of the set-up's head that is there already. `on_decoder` is
    called with each one that comes into use, by the thread that publishes it. Any thread.
    """

    def __init__(
        self,
        engine: Engine,
        head: Head,
        decoder: Decoder,
        *,
        lower: Sequence[int] = (),
        prepared: Callable[[int], Decoder | None] = lambda order: None,
        on_message: Callable[[str], None] = lambda text: None,
        on_decoder: Callable[[Decoder], None] = lambda decoder: None,
    ) -> None:
        self._engine, self._settings = engine, head
        self._lower, self._prepared = tuple(lower), prepared
        self._on_message, self._on_decoder = on_message, on_decoder
        self._lock = RLock()
        self._own = head.head if head.head in HEAD_NAMES else Path(head.head).name
        self._names = {name: name for name in HEAD_NAMES} | {self._own: head.head}
        self.head: str = self._own
        self.order: int = engine.plan.order
        self._caps: dict[str, int] = {}
        self._ready: dict[Key, Decoder] = {(self.head, self.order): decoder}
        self._failed: set[Key] = set()
        self._others: list[Key] = []
        self._heard: Key = (self.head, self.order)
        self._instead: ArrayLike | None = None
        self._worker: Thread | None = None
        self._progress: dict[str, Any] | None = None

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads there are, by name; that of a file by the file's."""
        return tuple(self._names)

    @property
    def orders(self) -> tuple[int, ...]:
        """The orders there are, from 0 to that of the engine."""
        return tuple(range(self._engine.plan.order + 1))

    @property
    def decoder(self) -> Decoder:
        """The decoder that is in use, though others may be heard instead."""
        return self._ready[self._heard]

    def choose(self, *, head: str | None = None, order: int | None = None) -> None:
        """Want another head or order; what is there at once is heard at once. Raises ConfigurationError."""
        if head is not None and head not in self._names:
            raise ConfigurationError(f"there is no head {head!r}: choose one of {', '.join(self._names)}.")
        if order is not None and order not in self.orders:
            raise ConfigurationError(f"order {order} cannot be heard here: choose 0 to {self._engine.plan.order}.")
        with self._lock:
            self.head = self.head if head is None else head
            self.order = self.order if order is None else order
            self._settle()

    def limit(self, who: str, order: int | None, *, around_frame: int = 0) -> None:
        """Let no higher order be heard, as far as one of those who may say so is asked; None lets it go.

        `around_frame`: the source frame around which what is there already is faded to; it is used once.
        """
        with self._lock:
            if self._caps.get(who) != order:
                self._caps = {name: cap for name, cap in self._caps.items() if name != who}
                if order is not None:
                    self._caps[who] = order
                self._settle(around_frame)

    def hear_instead(self, filters: ArrayLike | None) -> None:
        """Publish other filters (2, n_sh, n_taps) in the place of a decoder's, until None brings that back."""
        with self._lock:
            was, self._instead = self._instead, filters
            if filters is not None:
                self._engine.publish_filters(filters)
            elif was is not None:
                self._publish(self._heard)
                self._settle()

    def other(self, *, head: str | None = None, order: int | None = None) -> Decoder | None:
        """Return another head's decoder at the order in use, or that of a lower order; nothing that is heard changes.

        What is not there is designed aside, and None for now. Raises ConfigurationError for what cannot be designed.
        """
        with self._lock:
            used_head, used_order = self._heard
            key = (head or used_head, used_order if order is None else min(order, used_order))
            if key in self._failed:
                raise ConfigurationError(f"{key[0]} at order {key[1]} cannot be heard: choose another.")
            found = self._find(key)
            if found is None and key not in self._others:
                self._others.append(key)
                self._begin()
            return found

    def prepare(self, on_progress: Progress | None = None) -> None:
        """Design or find the lower orders now: there is no time for it when they are needed. Control thread."""
        for order in self._lower:
            self._ready[self.head, order] = self._made(self.head, order, on_progress)

    def progress(self) -> dict[str, Any] | None:
        """Tell what is designed now, {what, share}; None for nothing."""
        return self._progress

    def finish(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is designed any more, at most so long; whether it is so."""
        worker = self._worker
        if worker:
            worker.join(timeout_s)
        return worker is None or not worker.is_alive()

    def _wanted(self) -> Key:
        return self.head, min([self.order, *self._caps.values()])

    def _settle(self, around_frame: int = 0) -> None:
        """Hear what is wanted, if it is there, or let it be designed. Under the lock."""
        wanted = self._wanted()
        if wanted in self._failed:
            return
        if self._find(wanted) and not self._missing(wanted):
            if wanted != self._heard:
                self._publish(wanted, around_frame)
        else:
            self._begin()

    def _begin(self) -> None:
        if self._worker is None:
            self._worker = Thread(target=self._design, name="ears", daemon=True)
            self._worker.start()

    def _find(self, key: Key) -> Decoder | None:
        decoder = self._ready.get(key)
        if decoder is None and key[0] == self._own:
            decoder = self._prepared(key[1])
            if decoder is not None:
                self._ready[key] = decoder
        return decoder

    def _publish(self, key: Key, around_frame: int = 0) -> None:
        decoder, self._heard = self._ready[key], key
        self._on_decoder(decoder)
        if self._instead is None:
            self._engine.publish_filters(decoder.filters, around_frame=around_frame)

    def _missing(self, wanted: Key) -> list[Key]:
        head, order = wanted
        keys = [(head, each) for each in dict.fromkeys([order, *self._lower])]
        return [key for key in keys if key not in self._failed and not self._find(key)]

    def _design(self) -> None:
        try:
            self._design_all()
        except Exception as error:  # what is heard stays, and who wants others begins anew
            with self._lock:
                self._worker = self._progress = None
                self.head, self.order = self._heard
                self._others = []
            self._on_message(f"no other ears can be heard now ({type(error).__name__}: {error}): choose again.")

    def _design_all(self) -> None:
        while True:
            with self._lock:
                self._settle()
                self._others = [key for key in self._others if key not in self._failed and not self._find(key)]
                missing = self._missing(self._wanted()) or self._others
                if not missing:
                    self._worker = self._progress = None
                    return
            self._design_one(missing[0])

    def _design_one(self, key: Key) -> None:
        head, order = key
        what = f"{head} at order {order}"
        self._progress = {"what": what, "share": 0.0}

        def on_progress(share: float, text: str) -> None:
            self._progress = {"what": what, "share": share}

        try:
            decoder = self._made(head, order, on_progress)
        except Exception as error:  # whatever a head may do, what is heard stays
            why = str(error) if isinstance(error, RenderError) else f"{type(error).__name__}: {error}."
            self._on_message(f"{what} cannot be heard: {why}")
            with self._lock:
                self._failed.add(key)
                if self._wanted() == key:
                    self.head, self.order = self._heard
            return
        with self._lock:
            self._ready[key] = decoder

    def _made(self, head: str, order: int, on_progress: Progress | None) -> Decoder:
        wanted = self._settings.model_copy(update={"head": self._names[head]})
        return make_decoder(wanted, order, self._engine.plan.fs_hz, on_progress, self._on_message)
