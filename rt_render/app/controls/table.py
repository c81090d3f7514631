"""The table of controls: everything that a key, a program over OSC or the page can change in a session."""

from typing import TYPE_CHECKING, Any

from rt_render.app.controls.control import Control

if TYPE_CHECKING:
    from rt_render.app.playlist.transport import PlaylistTransport
    from rt_render.app.session import Session

GAIN_RANGE_DB = (-60.0, 24.0)
LONGEST_S = 1e6
END_S = 2.0
"""How far from its end a file that is played once is left, so that moving about in it does not end it."""


def _has_playlist(session: "Session") -> bool:
    return session.playlist is not None


def _playlist(session: "Session") -> "PlaylistTransport":
    assert session.playlist is not None
    return session.playlist


def _seek(session: "Session", value: float) -> None:
    status = session.status()
    if status.length_s is not None and status.lap is None and session.playlist is None:
        value = min(value, max(status.position_s, status.length_s - END_S))
    session.seek(value)


def _in_playlist(name: str, kind: Any, about: str, **more: Any) -> Control:
    return Control(name, kind, about, there=_has_playlist, needs="a playlist", **more)


def _of_stereo(name: str, kind: Any, about: str, **more: Any) -> Control:
    more.setdefault("there", lambda session: session.space.used)
    return Control(name, kind, about, needs="stereo that was opened with --panorama", setup=True, **more)


def _compared(name: str, kind: Any, about: str, **more: Any) -> Control:
    needs = "versions to compare, of a field of order 1 or more"
    return Control(name, kind, about, there=lambda session: session.comparison.there, needs=needs, **more)


CONTROLS: tuple[Control, ...] = (
    Control(
        "gain_db",
        "number",
        "the volume; a muted session sounds again",
        lambda session, value: session.set_gain_db(value),
        lambda session: session.gain_db,
        unit="dB",
        low=GAIN_RANGE_DB[0],
        high=GAIN_RANGE_DB[1],
    ),
    Control(
        "muted",
        "switch",
        "silence, while playing goes on",
        lambda session, value: session.set_muted(value),
        lambda session: session.muted,
    ),
    Control(
        "playing",
        "switch",
        "playing, or paused",
        lambda session, value: session.set_playing(value),
        lambda session: session.playing,
    ),
    Control(
        "position_s",
        "number",
        "where the source is, or the item of a playlist",
        _seek,
        lambda session: round(session.position_s, 2),
        unit="s",
        low=0.0,
        high=LONGEST_S,
        flows=True,
        there=lambda session: session.can_seek,
        needs="a source that is not live",
    ),
    _in_playlist("next", "action", "the next item of a playlist", set=lambda session, value: _playlist(session).next()),
    _in_playlist("previous", "action", "the item before", set=lambda session, value: _playlist(session).previous()),
    _in_playlist(
        "item",
        "number",
        "the item of a playlist, by its number",
        set=lambda session, value: _playlist(session).play(value),
        get=lambda session: _playlist(session).moment().number,
        low=1.0,
        whole=True,
    ),
    Control(
        "tracking",
        "switch",
        "whether the field stays still while the head turns",
        lambda session, value: session.set_tracking(value),
        lambda session: session.tracking,
        setup=True,
    ),
    Control(
        "recentre",
        "action",
        "where you look now is straight ahead",
        lambda session, value: session.recentre(),
    ),
    Control(
        "head",
        "choice",
        "whose ears it is heard through; designed once, then faded to",
        lambda session, value: session.ears.choose(head=value),
        lambda session: session.ears.head,
        choices=lambda session: session.ears.heads,
        setup=True,
    ),
    Control(
        "order",
        "choice",
        "the ambisonic order, where the source has it: higher is sharper and costs more",
        lambda session, value: session.ears.choose(order=int(value)),
        lambda session: str(session.ears.order),
        choices=lambda session: [str(order) for order in session.ears.orders],
        setup=True,
    ),
    _of_stereo(
        "panorama",
        "switch",
        "stereo as a space around the head, or as two speakers",
        set=lambda session, value: session.set_panorama(value),
        get=lambda session: session.space.on,
        there=lambda session: session.space.used and session.can_seek,
    ),
    _of_stereo(
        "panorama_width_deg",
        "number",
        "where what is panned hard is heard, to each side; heard some two seconds later",
        set=lambda session, value: session.space.set(width_deg=value),
        get=lambda session: session.space.width_deg,
        unit="degrees",
        low=30.0,
        high=90.0,
    ),
    _of_stereo(
        "panorama_height",
        "number",
        "how much of the ambience comes from above; heard some two seconds later",
        set=lambda session, value: session.space.set(height=value),
        get=lambda session: session.space.height,
        low=0.0,
        high=1.0,
    ),
    _compared(
        "compare",
        "choice",
        "which version is heard, all equally loud; blind, versions are letters",
        set=lambda session, value: session.comparison.choose(value),
        get=lambda session: session.comparison.active,
        choices=lambda session: session.comparison.names,
    ),
    _compared(
        "compare_blind",
        "switch",
        "versions without names, shuffled anew",
        set=lambda session, value: session.comparison.set_blind(value),
        get=lambda session: session.comparison.blind,
    ),
    _compared(
        "compare_reveal",
        "action",
        "tell which letter was which; the one that is heard is your choice",
        set=lambda session, value: session.comparison.reveal(),
    ),
    Control(
        "prediction",
        "choice",
        "turning on to when the sound is heard",
        lambda session, value: session.set_prediction(value),
        lambda session: session.prediction,
        choices=("off", "constant", "learnt"),
        setup=True,
    ),
    Control(
        "extra_latency_ms",
        "number",
        "what wireless headphones take behind the card",
        lambda session, value: session.set_extra_latency_ms(value),
        lambda session: session.extra_latency_ms,
        unit="ms",
        low=0.0,
        high=1000.0,
        setup=True,
    ),
)
