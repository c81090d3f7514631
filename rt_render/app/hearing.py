"""Through which filters a session is heard: its own, an item's, those for which there is time, or others to compare."""

from collections.abc import Callable
from functools import partial

from rt_render.app.budget_meter import BudgetMeter
from rt_render.app.comparison.comparison import Comparison
from rt_render.app.controls.desk import Desk
from rt_render.app.decoding import Progress
from rt_render.app.degradation import Degradation
from rt_render.app.ears import Ears
from rt_render.app.order_keeper import lower_orders
from rt_render.app.parts import Parts
from rt_render.app.playlist.follow_orders import item_order
from rt_render.app.playlist.playlist_source import playlist_in
from rt_render.app.settings import Settings
from rt_render.app.trace_feed import TraceFeed
from rt_render.hrtf.decoder import Decoder


class Hearing:
    """Puts a session's ears together with all that asks them for filters; `decoder` is the one that is heard.

    Engine and budget are told of each decoder's onset. Playlist, time and comparison look by the feed, which is the
    thread of `follow_item` too; it may be called by who winds as well.
    """

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        *,
        budget: BudgetMeter,
        feed: TraceFeed,
        desk: Desk,
        on_message: Callable[[str], None],
    ) -> None:
        self._engine, self._budget, self._feed, self._on_message = parts.engine, budget, feed, on_message
        self._lower = lower_orders(self._engine.plan.order) if settings.audio.degrade else ()
        self.decoder: Decoder = parts.decoder
        playlist = playlist_in(parts.source)
        decoders = playlist.decoders if playlist else None
        self.ears: Ears = Ears(
            self._engine,
            settings.head,
            parts.decoder,
            lower=self._lower,
            prepared=decoders.ready if decoders else lambda order: None,
            on_message=on_message,
            on_decoder=self._take_decoder,
        )
        desk.add_part("designing", self.ears.progress)
        self._item_order = item_order(parts.source, self._engine)
        if self._item_order:
            feed.add(on_look=self.follow_item)
        wanted = settings.compare
        self.comparison: Comparison = Comparison(
            self._engine, self.ears, wanted.compare, blind=wanted.compare_blind, on_message=on_message
        )
        feed.add(on_look=self.comparison.look)
        desk.add_part("compare", self.comparison.state)

    def follow_item(self) -> None:
        """Let an item of a playlist be heard at its own order."""
        item = self._item_order() if self._item_order else None
        if item:
            self.ears.limit("item", item.order, around_frame=item.from_frame)

    def degrade(self, on_progress: Progress | None) -> None:
        """Let the order be lowered while blocks take too long, with decoders that are designed now."""
        plan = self._engine.plan
        self.ears.prepare(on_progress)
        limit = partial(self.ears.limit, "time")
        orders, budget_s = (plan.order, *self._lower), plan.block_size / plan.fs_hz
        self._feed.add(Degradation(orders, budget_s, limit, self._on_message).take_rows)

    def _take_decoder(self, decoder: Decoder) -> None:
        onset_s = decoder.onset_frames / self._engine.plan.fs_hz
        self.decoder = decoder
        self._engine.set_filter_onset(onset_s)
        self._budget.set_onset(onset_s)
