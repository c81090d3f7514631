"""The self-test from settings to a result: every link by itself, every dialect, then the whole chain live."""

from collections.abc import Callable

from firmware_bridge.dialect import Axes, Dialect
from firmware_bridge.dialects.hbf1 import DIALECT as HBF1
from firmware_bridge.dialects.table import find_dialect
from firmware_bridge.osc.device import device_of
from firmware_bridge.osc.dialects import find_dialect as find_osc_dialect
from firmware_bridge.settings import BridgeSettings
from firmware_bridge.spec import Kind, parse_spec
from rt_render.app.decoding import Progress, load_head, make_decoder
from rt_render.app.parts import live_block_size
from rt_render.app.selftest.chain import Chain
from rt_render.app.selftest.dialects import MAX_ERROR_DEG, all_dialects, tells_all_angles
from rt_render.app.selftest.judge import judge
from rt_render.app.selftest.links import check_decoder, check_dialect, check_head, check_mailbox, check_rotation
from rt_render.app.selftest.live import play_live
from rt_render.app.selftest.played import Player
from rt_render.app.selftest.reference import Reference
from rt_render.app.selftest.result import REPORT, WHOLE, Check, SelfTest, next_step_for_dialect
from rt_render.app.selftest.trials import TRIALS
from rt_render.app.settings import Settings
from rt_render.errors import ConfigurationError, TrackerError
from rt_render.hrtf.decoder import Decoder

DEFAULT_ORDER = 3
SETUP = "your set-up"
_DIALECTS_FROM, _LIVE_FROM = 0.1, 0.6
_LIVE_CHOICES = ("fusion", "invert", "osc_dialect")
"""What of the user's settings says how a wearable is understood; the rest is a matter of this one place or moment."""


def self_test(
    settings: Settings,
    *,
    chain: Chain | None = None,
    on_message: Callable[[str], None] = lambda text: None,
    on_progress: Progress = lambda share, text: None,
) -> SelfTest:
    """Test the chain that the settings describe, and every dialect; takes some ten seconds.

    `chain` says how each link is made (None: as the program does). Raises ConfigurationError for order 0, and
    InputFileError for a head that cannot be used. Control side.
    """
    chain = chain or Chain()
    order = DEFAULT_ORDER if settings.head.order == "auto" else settings.head.order
    if order < 1:
        raise ConfigurationError("order 0 carries no direction, so there is nothing to test: choose --order 1 to 7.")
    block_size, fs_hz = live_block_size(settings.audio.block_size)[0], settings.audio.fs_hz
    head = settings.head.model_copy(update={"headphone_eq": None})
    if settings.head.headphone_eq:
        on_message("the headphone equaliser is left out: the head's own sound is what is compared")
    decoder = chain.make_filters(make_decoder(head, order, fs_hz, on_progress, on_message))
    reference = Reference(load_head(head.head, fs_hz, lambda text: None), decoder)
    no_height = reference.why_no_height(TRIALS)
    dialect, bridge = worn_dialect(settings), _bridge_settings(settings)
    checks = [check_head(reference), check_decoder(reference, no_height)]
    player = Player(chain, decoder, block_size)
    try:
        checks += [check_rotation(player, reference, no_height), check_mailbox(player, reference, no_height)]
        by_ear = all(check.ok for check in checks)

        def check(one: Dialect, how: BridgeSettings, name: str) -> Check:
            return check_dialect(chain, one, how, player, reference, name=name, by_ear=by_ear, no_height=no_height)

        dialects = all_dialects()
        for k, one in enumerate(dialects):
            share = _DIALECTS_FROM + (_LIVE_FROM - _DIALECTS_FROM) * k / len(dialects)
            on_progress(share, f"dialect {one.name}")
            checks.append(check(one, BridgeSettings(), one.name))
        setup = _as_set_up(check(dialect, bridge, f"{SETUP} ({dialect.name})"), dialect, bridge)
        checks.append(setup)
    finally:
        player.close()
    if setup.ok is None:
        bridge = bridge.model_copy(update={"invert": ()})
    checks.append(
        _check_live(
            chain,
            dialect,
            bridge,
            decoder,
            reference,
            block_size,
            no_height,
            lambda share: on_progress(_LIVE_FROM + (1.0 - _LIVE_FROM) * share, "the whole chain, live"),
        )
    )
    on_progress(1.0, "done")
    return SelfTest(
        decoder.head,
        order,
        decoder.method,
        fs_hz,
        block_size,
        dialect.name,
        tuple(checks),
        _not_judged(reference, no_height, dialect),
    )


def worn_dialect(settings: Settings) -> Dialect:
    """Return the dialect that the settings' head tracker speaks, HBF-1 where that is found out by listening."""
    spec = parse_spec(settings.tracking.tracker)
    if spec.dialect is not None:
        return find_dialect(spec.dialect)
    return (
        device_of(find_osc_dialect(spec.osc_dialect or settings.tracking.osc_dialect))
        if spec.kind is Kind.OSC
        else HBF1
    )


def _bridge_settings(settings: Settings) -> BridgeSettings:
    chosen = {key: getattr(settings.tracking, key) for key in _LIVE_CHOICES}
    return BridgeSettings(mounting=False, **chosen)


def _as_set_up(check: Check, dialect: Dialect, bridge: BridgeSettings) -> Check:
    """Let an inversion pass that no source settles: only the person's own device tells whether it is needed."""
    if check.ok is not False or check.link != "settings" or not set(bridge.invert) <= set(dialect.uncertain):
        return check
    names = " and ".join(bridge.invert)
    text = f"{names} of {dialect.name} may be told either way round, and you invert it"
    return Check(check.link, check.name, None, text, "listen once: turn, and the sound must stay where it is")


def _check_live(
    chain: Chain,
    dialect: Dialect,
    bridge: BridgeSettings,
    decoder: Decoder,
    reference: Reference,
    block_size: int,
    no_height: str,
    on_progress: Callable[[float], None],
) -> Check:
    angles_only = [trial for trial in TRIALS if trial.pitch_deg == trial.roll_deg == 0]
    trials = list(TRIALS) if tells_all_angles(dialect) else angles_only
    try:
        played = play_live(chain, dialect, bridge, decoder, block_size, reference.n_fft, trials, on_progress)
    except TrackerError as error:
        return Check("bridge", WHOLE, False, str(error).rstrip("."))
    hearing = judge(reference.cues(played.ears), reference, trials, no_height=no_height)
    if hearing.ok:
        return Check("card", WHOLE, True, trials=hearing.trials)
    if played.pose_error_deg > MAX_ERROR_DEG:
        step = next_step_for_dialect(hearing.fault, bridge.invert)
        return Check("bridge", WHOLE, False, hearing.text, step, hearing.trials)
    swapped = hearing.fault is not None and hearing.fault.ears_swapped
    step = "exchange left and right at the card's settings or the cable" if swapped else REPORT
    return Check("card", WHOLE, False, hearing.text, step, hearing.trials)


def _not_judged(reference: Reference, no_height: str, dialect: Dialect) -> tuple[str, ...]:
    found = [f"height by colour: {no_height}"] if no_height else []
    if not reference.tells_size:
        decoder = reference.decoder
        found.append(
            f"the size of times and levels between the ears: order {decoder.order} ({decoder.method}) blurs it"
        )
    if dialect.uncertain:
        names = ", ".join(dialect.uncertain)
        found.append(f"whether your own {dialect.name} tells {names} this way round, which no source settles")
    if dialect.axes is Axes.SENSOR:
        found.append("how your own device sits on the head: `firmware-bridge calibrate` finds that out")
    found.append("your sound card: the virtual one was listened to")
    found.append("which cable leads to which ear: cover one ear and listen")
    return tuple(found)
