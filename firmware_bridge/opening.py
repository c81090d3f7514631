"""From settings to a running bridge: the one place where sources, pipeline, outputs and mailbox are put together."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from firmware_bridge.attached import AttachedBridge
from firmware_bridge.bridge import Bridge, Outputs
from firmware_bridge.csv_poses import read_pose_csv
from firmware_bridge.device_store import DeviceStore
from firmware_bridge.dialect_names import dialect_named
from firmware_bridge.dialects.table import find_dialect
from firmware_bridge.errors import BridgeError
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.memory import Memory
from firmware_bridge.notices import Notices, heedless
from firmware_bridge.osc.output_host import is_own_address
from firmware_bridge.osc.output_spec import parse_output
from firmware_bridge.osc.remote import OscRemote
from firmware_bridge.osc.source import OscSource
from firmware_bridge.pose_pipeline import PosePipeline
from firmware_bridge.process import BridgeProcess
from firmware_bridge.quaternion import Array
from firmware_bridge.raw_recording import RawRecordingWriter
from firmware_bridge.settings import BridgeSettings
from firmware_bridge.source import Source
from firmware_bridge.sources import open_source
from firmware_bridge.sources.auto_source import AutoSource, serial_places
from firmware_bridge.sources.replay_source import ReplaySource
from firmware_bridge.spec import SPECS, Kind, TrackerSpec, parse_spec
from firmware_bridge.status import BridgeStatus
from firmware_bridge.virtual.simulated_head import SimulatedHead
from firmware_bridge.virtual.timeline_source import NoSource, TimelineSource

_NOTHING_TO_ISOLATE = (Kind.NONE, Kind.SIMULATED, Kind.CSV)
"""Sources without a device: a process of their own would gain nothing."""

_ALL_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 (compared with, not listened at)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_RECORDABLE = (Kind.SERIAL, Kind.UDP, Kind.MIDI, Kind.HID, Kind.BLE, Kind.OSC, Kind.AUTO)


class RunningBridge(Protocol):
    """What a renderer holds: the mailbox to follow, and the controls."""

    mailbox: PoseMailbox

    def recentre(self) -> None:
        """Ask for the present heading to become straight ahead."""

    def status(self) -> BridgeStatus:
        """Return the present status. Any thread."""

    def stop(self) -> None:
        """End what was started, and the mailbox; safe to call twice."""


def open_bridge(
    settings: BridgeSettings, *, process: Literal["own", "thread"] = "own", on_message: Callable[[str], None]
) -> RunningBridge:
    """Return a running bridge for a renderer, with a mailbox of its own; control side.

    `process` "own" starts a process, except for sources without a device; "thread" stays in this one. A port
    that is missing or in use is no error but said and tried again. Raises BridgeError for a file that cannot
    be read or a mailbox that cannot be made.
    """
    spec = parse_spec(settings.tracker)
    if spec.kind is Kind.BRIDGE:
        return AttachedBridge(Path(spec.place) if spec.place else None, on_message)
    if process == "thread" or spec.kind in _NOTHING_TO_ISOLATE:
        return open_thread(settings, PoseMailbox.private(), on_message=on_message)
    _check(settings, spec)
    child = BridgeProcess(settings, on_message)
    child.start()
    return child


def open_thread(
    settings: BridgeSettings,
    mailbox: PoseMailbox,
    *,
    on_message: Callable[[str], None] = lambda text: None,
    store: DeviceStore | None = None,
) -> Bridge:
    """Return a bridge that runs on a thread of this process and publishes to `mailbox`, which it closes.

    Raises BridgeError for a source that cannot be, such as a file or an extra that is missing.
    """
    on_message = heedless(on_message)
    notices = Notices(on_message)
    pipeline = PosePipeline(settings, Memory(store or DeviceStore(), on_message), on_message)
    source = make_source(settings, notices)
    bridge = Bridge(
        source,
        pipeline,
        mailbox,
        on_message=on_message,
        outputs=_outputs(settings, notices),
        remote=_remote(settings, notices),
    )
    bridge.start()
    return bridge


def _remote(settings: BridgeSettings, notices: Notices) -> OscRemote | None:
    """Requests over OSC for devices that speak something else; where OSC itself is listened to, they come there."""
    if parse_spec(settings.tracker).kind not in (Kind.SERIAL, Kind.UDP, Kind.MIDI, Kind.HID, Kind.BLE):
        return None
    return OscRemote(settings.osc_host, settings.osc_port, notices)


def make_source(settings: BridgeSettings, notices: Notices) -> Source:
    """Return the source that the settings name; raises BridgeError where it cannot be."""
    spec, record = parse_spec(settings.tracker), settings.record_raw
    _check(settings, spec)
    dialect = None if spec.dialect is None else find_dialect(spec.dialect)
    match spec.kind:
        case Kind.NONE:
            return NoSource()
        case Kind.SIMULATED:
            return _simulated(spec.number or 0)
        case Kind.CSV:
            return _csv(Path(spec.place))
        case Kind.REPLAY:
            return ReplaySource(Path(spec.place), notices, find=dialect_named)
        case Kind.OSC:
            source = _osc(settings, spec, notices)
            if record is not None:
                source.record(RawRecordingWriter(record))
            return source
        case Kind.AUTO:
            return AutoSource(notices, others=[_osc(settings, spec, notices)], record=record)
        case Kind.SERIAL if spec.place == "auto":
            wanted = dialect.name if dialect is not None else "head"
            return AutoSource(notices, lambda: serial_places(dialect, spec.number), record=record, wanted=wanted)
        case Kind.SERIAL:
            return open_source.serial_source(spec.place, notices, dialect, spec.number, record)
    if dialect is None:
        raise BridgeError(f"{settings.tracker!r} is no head tracker that can be listened to: allowed are {SPECS}.")
    match spec.kind:
        case Kind.UDP:
            return open_source.udp_source(dialect, notices, spec.place, spec.number, record)
        case Kind.MIDI:
            return open_source.midi_source(dialect, notices, spec.place, record)
        case Kind.HID:
            return open_source.hid_source(dialect, notices, spec.place, record)
        case _:
            return open_source.ble_source(dialect, notices, spec.place, record)


def _check(settings: BridgeSettings, spec: TrackerSpec) -> None:
    """Find early, in whichever process, what could never work."""
    if spec.kind is Kind.REPLAY and not Path(spec.place).is_file():
        raise BridgeError(f"there is no recording {spec.place}: name a file of `firmware-bridge record`.")
    if settings.record_raw is not None and spec.kind not in _RECORDABLE:
        raise BridgeError(
            f"the bytes of tracker {settings.tracker!r} cannot be recorded: name its port, or its dialect and place."
        )
    talk = find_dialect(spec.dialect).talk if spec.dialect is not None else None
    if spec.place == "auto" and talk is not None and talk.silent_until_asked:
        raise BridgeError(
            f"{spec.dialect} is silent until it is asked, and ports that may be other devices' are not written to: "
            f"name its port, such as {spec.dialect}:/dev/ttyUSB0 or {spec.dialect}:COM3."
        )
    if spec.kind is Kind.UDP:
        _check_outputs(settings, spec.place, spec.number or 0, "choose another port for one of them")
    if spec.kind in (Kind.OSC, Kind.AUTO):
        _check_outputs(settings, settings.osc_host, spec.number or settings.osc_port, "choose another --osc-port")


def _check_outputs(settings: BridgeSettings, own_host: str, own_port: int, next_step: str) -> None:
    for text in settings.outputs:
        output = parse_output(text)
        is_heard = own_host in _ALL_ADDRESSES or output.host in (own_host, *_LOOPBACK)
        if output.port == own_port and is_heard and is_own_address(output.host):
            raise BridgeError(
                f"output {text!r} would come back as a head tracker, for port {own_port} is where one is heard: "
                f"{next_step}."
            )


def _outputs(settings: BridgeSettings, notices: Notices) -> Outputs | None:
    if not settings.outputs:
        return None
    from firmware_bridge.osc.outputs import open_outputs

    return open_outputs(settings.outputs, notices)


def _osc(settings: BridgeSettings, spec: TrackerSpec, notices: Notices) -> OscSource:
    dialect = spec.osc_dialect or settings.osc_dialect
    return OscSource(settings.osc_host, spec.number or settings.osc_port, dialect, notices)


def _csv(path: Path) -> TimelineSource:
    track = read_pose_csv(path)
    return TimelineSource(f"poses of {path.name}", lambda at_s: (track.pose_at(at_s), None))


def _simulated(seed: int) -> TimelineSource:
    head = SimulatedHead(seed)

    def pose_at(at_s: float) -> tuple[Array, Array]:
        state = head.pose_at(at_s)
        return state.quat_world_from_head, state.gyro_rad_s

    return TimelineSource("simulated head", pose_at)
