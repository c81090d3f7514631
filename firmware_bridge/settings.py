"""Everything that can be set about a head tracker, once, at the top. Each field's description says what is allowed."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from firmware_bridge.errors import BridgeError
from firmware_bridge.osc.dialects import DIALECTS as OSC_DIALECTS
from firmware_bridge.osc.dialects import find_dialect
from firmware_bridge.osc.output_spec import GRAMMAR, parse_output
from firmware_bridge.spec import SPECS, parse_spec

OSC_NAMES = ", ".join(OSC_DIALECTS)
Angle = Literal["yaw", "pitch", "roll"]
Gesture = Literal["hold", "double-nod"]


def _spec(text: str) -> str:
    try:
        parse_spec(text)
    except BridgeError as error:
        raise ValueError from error
    return text


def _osc_dialect(name: str) -> str:
    try:
        find_dialect(name)
    except BridgeError as error:
        raise ValueError from error
    return name


def _output(text: str) -> str:
    try:
        parse_output(text)
    except BridgeError as error:
        raise ValueError from error
    return text


class BridgeSettings(BaseModel):
    """How a wearable becomes a pose: where it is, how it is understood, what happens when it falls silent."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    tracker: Annotated[str, AfterValidator(_spec)] = Field(default="osc", description=SPECS)
    osc_host: Annotated[str, Field(min_length=1)] = Field(
        default="127.0.0.1", description="the address to listen on, 127.0.0.1 for this machine only"
    )
    osc_port: int = Field(default=9000, ge=1, le=65535, description="1 to 65535")
    osc_dialect: Annotated[str, AfterValidator(_osc_dialect)] | None = Field(
        default=None, description=f"one of {OSC_NAMES}, or a message such as '/my/head yaw pitch roll'"
    )
    fusion: Literal["vqf", "vqf9d", "imufusion"] = Field(default="vqf", description='"vqf", "vqf9d" or "imufusion"')
    mounting: bool = Field(default=True, description="true or false: whether a stored calibration is used")
    invert: Annotated[tuple[Angle, ...], Field(strict=False)] = Field(
        default=(), description='a list of "yaw", "pitch", "roll"'
    )
    yaw_only: bool = Field(default=True, description="true or false: whether recentring leaves pitch and roll alone")
    gestures: Annotated[tuple[Gesture, ...], Field(strict=False)] = Field(
        default=(), description='a list of "hold", "double-nod"'
    )
    auto_recentre_deg_per_s: float = Field(default=0.0, ge=0.0, le=2.0, description="0 (off) to 2 °/s")
    hold_s: float = Field(default=1.0, ge=0.0, le=3600.0, description="0 to 3600 s")
    ease_s: float = Field(default=2.0, ge=0.1, le=60.0, description="0.1 to 60 s")
    outputs: Annotated[tuple[Annotated[str, AfterValidator(_output)], ...], Field(strict=False)] = Field(
        default=(), description=f"a list of {GRAMMAR}"
    )
    record_raw: Annotated[Path | None, Field(strict=False)] = Field(
        default=None, description="the path of a new file for the tracker's own bytes"
    )


def make_settings(**values: object) -> BridgeSettings:
    """Return settings made of single values; raises BridgeError that names the value and what is allowed."""
    if isinstance(values.get("tracker"), str):
        parse_spec(str(values["tracker"]))
    if isinstance(outputs := values.get("outputs"), list | tuple):
        for text in outputs:
            parse_output(str(text))
    if isinstance(dialect := values.get("osc_dialect"), str):
        find_dialect(dialect)
    try:
        return BridgeSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    key, fields = str(first["loc"][0]), BridgeSettings.model_fields
    if key not in fields:
        raise BridgeError(f"unknown setting {key!r}: allowed are {', '.join(fields)}.")
    raise BridgeError(f"{key} = {first['input']!r} cannot be used: allowed is {fields[key].description}.")
