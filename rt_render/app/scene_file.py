"""Scene files: TOML with one [[object]] for each mono source, read and checked before anything is opened."""

import tomllib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rt_render.ambisonics.harmonics import spherical_to_cartesian
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.kernels.state import MAX_OBJECTS

MAX_DISTANCE_M = 1000.0
KeyFrame = Annotated[list[float], Field(min_length=4, max_length=4)]
_OPPOSITE_COSINE = -0.9999
_KEY_FRAME = "rows [time_s, azimuth_deg, elevation_deg, distance_m] with rising times from 0 on"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class SceneObject(_Table):
    """One mono source: what it plays, from where, how loud and how wide. Angles in degrees, as the file has them."""

    name: str = Field(default="", max_length=60, description="a name of up to 60 letters")
    file: str | None = Field(default=None, min_length=1, description="the path of a sound file")
    signal: Literal["noise", "clicks", "tone"] | None = Field(default=None, description='"noise", "clicks" or "tone"')
    input: int | None = Field(default=None, ge=1, le=1024, description="a channel of the card's input, from 1 on")
    channel: int = Field(default=1, ge=1, le=1024, description="a channel of the file, from 1 on")
    loop: bool = Field(default=False, description="true or false")
    start_s: float = Field(default=0.0, ge=0.0, le=86400.0, description="0 to 86400 s")
    gain_db: float = Field(default=0.0, ge=-60.0, le=24.0, description="-60 to 24 dB")
    azimuth_deg: float = Field(default=0.0, ge=-360.0, le=360.0, description="-360 to 360 degrees, left is positive")
    elevation_deg: float = Field(default=0.0, ge=-90.0, le=90.0, description="-90 to 90 degrees")
    distance_m: float = Field(default=1.0, ge=0.0, le=MAX_DISTANCE_M, description="0 to 1000 m")
    spread_deg: float = Field(default=0.0, ge=0.0, le=360.0, description="0 (a point) to 360 degrees")
    path: list[KeyFrame] = Field(default=[], max_length=100_000, description=_KEY_FRAME)
    path_repeats: bool = Field(default=False, description="true or false")


class ObjectScene(_Table):
    """A whole scene. `adm_distance_m`: how far away ADM-OSC's normalised distance of 1 is."""

    title: str = Field(default="", max_length=80, description="a title of up to 80 letters")
    adm_distance_m: float = Field(default=4.0, ge=0.1, le=MAX_DISTANCE_M, description="0.1 to 1000 m")
    object: list[SceneObject] = Field(
        min_length=1, max_length=MAX_OBJECTS, description=f"1 to {MAX_OBJECTS} tables [[object]]"
    )

    @property
    def inputs(self) -> list[int]:
        """Which channel of the card's input each object plays; none where they play files and signals."""
        return [one.input for one in self.object if one.input is not None]

    @property
    def files(self) -> list[Path]:
        """The sound files of the scene."""
        return [Path(one.file) for one in self.object if one.file]


def read_scene(path: str | Path) -> ObjectScene:
    """Return the scene of a file; paths of sound files in it are taken from its folder, or are absolute.

    Raises InputFileError for a file that cannot be read, and ConfigurationError that names file, object and key.
    """
    path = Path(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror}; check the name and the folder.") from None
    except UnicodeDecodeError:
        raise InputFileError(f"{path} is not a text file: a scene is TOML in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputFileError(f"{path} is not valid TOML: {error}.") from None
    document.setdefault("title", path.stem)
    try:
        scene = ObjectScene.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError(f"{path.name}, {_sentence(error, document)}") from None
    for number, one in enumerate(scene.object, start=1):
        if objection := _objection(one):
            raise ConfigurationError(f"{path.name}, {_called(number, one.name)}: {objection}.")
    if scene.inputs and len(scene.inputs) < len(scene.object):
        raise ConfigurationError(
            f"{path.name}: some objects have input and others play a file or a signal, which cannot sound together: "
            "give all of them an input, or none."
        )
    anchored = [one.model_copy(update={"file": _beside(path, one.file)}) for one in scene.object]
    return scene.model_copy(update={"object": anchored})


def _beside(path: Path, file: str | None) -> str | None:
    return str((path.parent / Path(file).expanduser()).absolute()) if file else None


def _called(number: int, name: object) -> str:
    return f'object {number} ("{name}")' if name and isinstance(name, str) else f"object {number}"


def _sentence(error: ValidationError, document: dict[str, Any]) -> str:
    """Say which key of which object is wrong, and what is allowed."""
    first = error.errors(include_url=False)[0]
    where: Sequence[int | str] = first["loc"]
    table: type[_Table] = ObjectScene
    place = "at the top"
    if len(where) > 2 and where[0] == "object" and isinstance(where[1], int):
        given = document["object"][where[1]]
        table, place = SceneObject, _called(where[1] + 1, given.get("name") if isinstance(given, dict) else None)
        where = where[2:]
    key = str(where[0])
    if first["type"] == "extra_forbidden":
        return f"{place}: unknown key '{key}'; allowed are {', '.join(table.model_fields)}."
    allowed = table.model_fields[key].description
    if key == "path" and len(where) > 1 and isinstance(where[1], int):
        key = f"row {where[1] + 1} of path"
    if key == "object":
        return f"{place}: allowed are {allowed}."
    return f"{place}: {key} = {_shown(first['input'])} cannot be used: allowed is {allowed}."


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _objection(one: SceneObject) -> str:
    """Return what is wrong with an object whose keys are right each by itself, as half a sentence; "" if nothing."""
    if [one.file, one.signal, one.input].count(None) != 2:
        return 'name what it plays, either file = "..." or signal = "noise", "clicks" or "tone", or input = 1 (live)'
    if one.input is not None and (one.start_s or one.loop or one.channel != 1):
        return "start_s, loop and channel are of files and signals: leave them out beside input"
    for number, (time_s, azimuth_deg, elevation_deg, distance_m) in enumerate(one.path, start=1):
        fits = abs(azimuth_deg) <= 36000 and abs(elevation_deg) <= 90 and 0 <= distance_m <= MAX_DISTANCE_M
        if not fits or time_s < 0:
            return (
                f"row {number} of path cannot be used: allowed are times from 0 s on, azimuths of -36000 to 36000, "
                f"elevations of -90 to 90 degrees, and 0 to {MAX_DISTANCE_M:g} m"
            )
    vectors = path_directions(one.path)
    for number, (before, after) in enumerate(pairwise(range(len(one.path))), start=1):
        if one.path[after][0] <= one.path[before][0]:
            return f"row {number + 1} of path is not later than the row before it: times rise"
        if vectors[before] @ vectors[after] < _OPPOSITE_COSINE:
            return (
                f"rows {number} and {number + 1} of path lie opposite each other, and no way is the shortest: "
                "put one between them"
            )
    if one.path_repeats and (not one.path or one.path[-1][0] <= 0):
        return "path_repeats = true needs a path that ends later than at 0 s"
    return ""


def path_directions(path: Sequence[Sequence[float]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the unit vectors (n, 3) of key frames."""
    rows = np.array(path, np.float64).reshape(-1, 4)
    return spherical_to_cartesian(np.deg2rad(rows[:, 1]), np.deg2rad(rows[:, 2]))
