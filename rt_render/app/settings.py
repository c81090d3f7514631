"""Everything that can be set, once, at the top: small frozen sections. Nothing below `app` sees them.

Each field's description says what is allowed; error sentences are made from it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from firmware_bridge.settings import BridgeSettings
from rt_render.conventions import BLOCK_SIZES, MAX_ORDER

OptionalFile = Annotated[Path | None, Field(strict=False)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Audio(_Section):
    """The card and the level."""

    device: Annotated[str, Field(min_length=1)] | Annotated[int, Field(ge=0)] = Field(
        default="auto", description='"auto", "virtual", or a device\'s number or name as `rt-render devices` shows it'
    )
    fs_hz: Literal[44100, 48000, 88200, 96000] = Field(default=48000, description="44100, 48000, 88200 or 96000 Hz")
    block_size: Literal["auto"] | Annotated[int, Field(ge=BLOCK_SIZES[0], le=BLOCK_SIZES[-1])] = Field(
        default="auto", description='"auto" or 32 to 2048 frames, best a power of two'
    )
    gain_db: Literal["auto"] | Annotated[float, Field(ge=-60.0, le=24.0)] = Field(
        default="auto", description='"auto" (0 dB for files, 20 dB for the built-in scene) or -60 to 24 dB'
    )
    ceiling_db: float = Field(default=-1.0, ge=-40.0, le=0.0, description="-40 to 0 dBFS")
    extra_latency_ms: float = Field(
        default=0.0, ge=0.0, le=1000.0, description="0 to 1000 ms that wireless headphones take behind the card"
    )
    degrade: bool = Field(default=False, description="true or false")


class Head(_Section):
    """Whose ears, and how the field is decoded to them."""

    head: Annotated[str, Field(min_length=1)] = Field(
        default="kemar", description='"kemar", "kemar-df", "sphere" or the path of a SOFA file'
    )
    order: Literal["auto"] | Annotated[int, Field(ge=0, le=MAX_ORDER)] = Field(
        default="auto", description='"auto" (the order of the source) or 0 to 7'
    )
    method: Literal["auto", "ls", "magls", "magls-refined"] = Field(
        default="auto", description='"auto", "ls", "magls" or "magls-refined"'
    )
    taps: int = Field(default=256, ge=32, le=4096, description="32 to 4096 taps")
    headphone_eq: OptionalFile = Field(
        default=None, description="the path of a WAV impulse response or of AutoEq's ParametricEQ.txt"
    )


class Source(_Section):
    """What sounds."""

    input: Annotated[str, Field(min_length=1)] = Field(
        default="scene", description='"scene", "live" or the path of a sound file, a scene file or a playlist'
    )
    further: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)] = Field(
        default=(), description="paths of files to be played behind the input, as a playlist"
    )
    convention: Literal["ambix", "n3d", "fuma"] = Field(default="ambix", description='"ambix", "n3d" or "fuma"')
    layout: Annotated[str, Field(min_length=1)] = Field(
        default="auto",
        description='"auto" (as the file tells), "ambix", "mono", "stereo", "quad", "5.1", "7.1", "5.1.4", "7.1.4", '
        '"9.1.6" or the path of a .toml file of [[speaker]] entries',
    )
    lfe_db: float = Field(default=0.0, ge=-60.0, le=20.0, description="-60 to 20 dB")
    panorama: bool = Field(default=False, description="true or false")
    panorama_width_deg: float = Field(
        default=60.0, ge=30.0, le=90.0, description="30 to 90 degrees to each side, for what is panned hard"
    )
    panorama_height: float = Field(default=0.5, ge=0.0, le=1.0, description="0 to 1 of the ambience from above")
    loop: bool = Field(default=False, description="true or false")
    crossfade_s: float = Field(default=0.0, ge=0.0, le=20.0, description="0 (no gap and no fade) to 20 s")
    loudness_lufs: Literal["off"] | Annotated[float, Field(ge=-40.0, le=-5.0)] = Field(
        default=-23.0, description='-40 to -5 LUFS, to which the items of a playlist are brought, or "off"'
    )
    input_device: Annotated[str, Field(min_length=1)] | Annotated[int, Field(ge=0)] = Field(
        default="auto",
        description='"auto" (that of the sound card), or an input\'s number or name as `rt-render devices` shows it',
    )
    input_channels: str = Field(
        default="auto",
        pattern=r"^(auto|[1-9]\d{0,2}(-[1-9]\d{0,2})?(,[1-9]\d{0,2}(-[1-9]\d{0,2})?)*)$",
        description='"auto" or numbers from 1, such as "1,2" or "1-16"',
    )


class Tracking(BridgeSettings):
    """Where the head's pose comes from: all that a bridge can be told, and the renderer's own keys."""

    poses: OptionalFile = Field(
        default=None,
        description="the path of a CSV file (time_s,w,x,y,z) followed by the source's own time, or (render) a pose log",
    )
    process: Literal["own", "thread"] = Field(
        default="own", description='"own" (a process beside the renderer, which nothing here can hold up) or "thread"'
    )
    prediction: Literal["off", "constant", "learnt"] = Field(
        default="learnt",
        description='"off", "constant" (turning on as fast as now) or "learnt" (with the acceleration, as it has held)',
    )
    prediction_cap_ms: float = Field(default=60.0, ge=0.0, le=200.0, description="0 to 200 ms")

    def bridge(self) -> BridgeSettings:
        """Return what the bridge needs to know."""
        return BridgeSettings.model_validate(self.model_dump(include=set(BridgeSettings.model_fields)))


class Output(_Section):
    """What is kept of what is played."""

    record: OptionalFile = Field(default=None, description="the path of a new WAV, W64, CAF or FLAC file")
    field: OptionalFile = Field(
        default=None, description="the path of a new WAV, W64, CAF or FLAC file for the field before the ears"
    )
    log: OptionalFile = Field(default=None, description="the path of a new pose log, as NAME.rtlog")
    force: bool = Field(default=False, description="true or false")


class Remote(_Section):
    """Where programs are heard that control this one over OSC."""

    remote_host: Annotated[str, Field(min_length=1)] = Field(
        default="127.0.0.1", description="an address of this machine; 0.0.0.0 is every interface"
    )
    remote_port: Literal["auto"] | Annotated[int, Field(ge=0, le=65535)] = Field(
        default="auto", description='"auto" (4001, where it is free), a UDP port, 1 to 65535, or 0 for none'
    )
    remote_token: str | None = Field(
        default=None,
        min_length=8,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="8 to 200 letters, digits and signs without spaces, which programs on other machines say first",
    )


class Web(_Section):
    """Where the page is served, and to whom."""

    web: bool = Field(default=False, description="true or false")
    web_host: Annotated[str, Field(min_length=1)] = Field(
        default="127.0.0.1", description="an address of this machine; 0.0.0.0 is every interface, for other machines"
    )
    web_port: int = Field(default=8765, ge=0, le=65535, description="a TCP port, 1 to 65535, or 0 for any that is free")
    web_token: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9_-]{8,64})?$",
        description='8 to 64 letters, digits, "-" or "_" that a page must know, or "" (made anew where other machines '
        "or visitors may come in, none elsewhere)",
    )
    web_visitors: bool = Field(default=False, description="true or false")
    web_names: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)] = Field(
        default=(), description="further names under which other machines know this one"
    )


VERSIONS = '"tracked", "untracked", "stereo", "head:kemar", "head:kemar-df", "head:sphere", "order:0" to "order:6"'
OneVersion = Annotated[str, Field(pattern=r"^(tracked|untracked|stereo|head:(kemar|kemar-df|sphere)|order:[0-6])$")]


class Compare(_Section):
    """Versions of the sound to change between."""

    compare: Annotated[tuple[OneVersion, ...], Field(strict=False)] = Field(
        default=("tracked", "untracked", "stereo"), max_length=9, description=f"a list of up to 9 of {VERSIONS}"
    )
    compare_blind: bool = Field(default=False, description="true or false")
    compare_log: OptionalFile = Field(default=None, description="the path of a log of what was heard and chosen")


class Booth(_Section):
    """How `rt-render booth` looks after itself and its visitors."""

    still_deg: float = Field(
        default=0.5, ge=0.05, le=5.0, description="0.05 to 5 degrees in a second, less than which is no head"
    )
    pick_up_deg: float = Field(
        default=5.0, ge=0.5, le=45.0, description="0.5 to 45 degrees in a second, from which on somebody picks them up"
    )
    rest_after_s: float = Field(
        default=25.0, ge=2.0, le=3600.0, description="2 to 3600 s for which headphones lie still before the booth rests"
    )
    lost_after_s: float = Field(
        default=300.0, ge=5.0, le=86400.0, description="5 to 86400 s of a silent tracker after which a visit is over"
    )
    hung_after_s: float = Field(
        default=20.0, ge=3.0, le=600.0, description="3 to 600 s without a sign of life before the program begins anew"
    )
    max_gain_db: float = Field(
        default=24.0, ge=-60.0, le=24.0, description="-60 to 24 dB, above which nobody can set the volume"
    )
    visits: OptionalFile = Field(default=None, description="the path of the log of visits, choices and faults")
    visits_mb: float = Field(default=2.0, ge=0.01, le=1000.0, description="0.01 to 1000 MB a file of that log")
    visits_files: int = Field(default=8, ge=1, le=1000, description="1 to 1000 files of that log, the oldest goes")


class Settings(_Section):
    """One whole set-up, as a configuration file holds it."""

    audio: Audio = Audio()
    head: Head = Head()
    source: Source = Source()
    tracking: Tracking = Tracking()
    output: Output = Output()
    remote: Remote = Remote()
    web: Web = Web()
    compare: Compare = Compare()
    booth: Booth = Booth()


class Choices(TypedDict, total=False):
    """Single settings by name, as functions and the command line take them; None leaves the set-up's value."""

    device: str | int | None
    fs_hz: int | None
    block_size: int | str | None
    gain_db: float | str | None
    ceiling_db: float | None
    extra_latency_ms: float | None
    degrade: bool | None
    head: str | None
    order: int | str | None
    method: str | None
    taps: int | None
    headphone_eq: str | Path | None
    input: str | None
    convention: str | None
    layout: str | Path | None
    lfe_db: float | None
    panorama: bool | None
    panorama_width_deg: float | None
    panorama_height: float | None
    loop: bool | None
    further: Sequence[str | Path] | None
    crossfade_s: float | None
    loudness_lufs: float | str | None
    input_device: str | int | None
    input_channels: str | None
    tracker: str | None
    osc_host: str | None
    osc_port: int | None
    osc_dialect: str | None
    fusion: str | None
    mounting: bool | None
    invert: Sequence[str] | None
    yaw_only: bool | None
    gestures: Sequence[str] | None
    auto_recentre_deg_per_s: float | None
    hold_s: float | None
    ease_s: float | None
    outputs: Sequence[str] | None
    record_raw: str | Path | None
    poses: str | Path | None
    process: str | None
    prediction: str | None
    prediction_cap_ms: float | None
    record: str | Path | None
    field: str | Path | None
    log: str | Path | None
    force: bool | None
    remote_host: str | None
    remote_port: int | str | None
    remote_token: str | None
    web: bool | None
    web_host: str | None
    web_port: int | None
    web_token: str | None
    web_visitors: bool | None
    web_names: Sequence[str] | None
    compare: Sequence[str] | None
    compare_blind: bool | None
    compare_log: str | Path | None
