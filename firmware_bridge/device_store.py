"""What is remembered of each device, one JSON file each: how it sits on the head, and what is ahead."""

import json
import os
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from pathlib import Path
from urllib.parse import quote

import platformdirs

from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Quat
from firmware_bridge.stages.mounting import Mounting

FOLDER_VARIABLE = "RT_RENDER_DEVICES"
"""Environment variable that names another folder for these files."""
FORMAT = 1
MAX_KEY_CHARS = 120


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of one device. `mounting` or `reference` (the pose that is ahead) is None where never set.

    `name` is what people call the device, `saved` the date and time in words (ISO 8601), `spread_deg` how far
    the nods of the calibration disagreed.
    """

    mounting: Mounting | None = None
    reference: Quat | None = None
    name: str = ""
    saved: str = ""
    spread_deg: float | None = None


def device_key(dialect_name: str, device_id: str) -> str:
    """Return the name under which a device is remembered, fit for any file system; equal devices, equal keys."""
    key = quote(
        f"{dialect_name}--{device_id}" if device_id else dialect_name, safe=" +,=@", errors="surrogatepass"
    ).replace(".", "%2E")
    if len(key) <= MAX_KEY_CHARS:
        return key
    return f"{key[: MAX_KEY_CHARS - 17]}-{sha256(key.encode()).hexdigest()[:16]}"


class DeviceStore:
    """Loads and saves what is remembered; `folder` None is the user's own. One process writes a device at a time."""

    def __init__(self, folder: Path | None = None) -> None:
        given = os.environ.get(FOLDER_VARIABLE)
        self.folder = folder or (Path(given) if given else Path(platformdirs.user_config_dir("rt-render")) / "devices")

    def path(self, key: str) -> Path:
        """Return the file of a device, whether it exists or not."""
        return self.folder / f"{key}.json"

    def load(self, key: str) -> Remembered | None:
        """Return what is remembered of a device, None where nothing is.

        Raises BridgeError for a file that cannot be read. One that is broken is first put aside, unchanged, so
        that the next call returns None and nothing is lost.
        """
        path = self.path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BridgeError(f"{path} cannot be read ({error.strerror}): see to its permissions.") from error
        try:
            return _parse(json.loads(data.decode("utf-8")))
        except (BridgeError, ArithmeticError, KeyError, RecursionError, TypeError, ValueError) as error:
            kept = _put_aside(path)
            raise BridgeError(
                f"{path.name} does not hold a calibration and was put aside as {kept}: calibrate the device once more."
            ) from error

    def save(self, key: str, remembered: Remembered) -> None:
        """Write what is remembered of a device, whole or not at all, readable by the user only.

        Raises BridgeError where the folder or file cannot be written.
        """
        path, text = self.path(key), json.dumps(_as_json(remembered), indent=2, ensure_ascii=False) + "\n"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Temporary files are made with mode 0600.
            handle, temporary = tempfile.mkstemp(prefix=f".{key[:40]}-", dir=self.folder)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise BridgeError(f"{path} cannot be written ({error.strerror}): the calibration is not stored.") from error


def _as_json(remembered: Remembered) -> dict[str, object]:
    mounting = remembered.mounting
    return {
        "format": FORMAT,
        "name": remembered.name,
        "saved": remembered.saved,
        "spread_deg": remembered.spread_deg,
        "reference": remembered.reference,
        "mounting": mounting
        and {
            "quat_sensor_from_head": mounting.quat_sensor_from_head,
            "invert": sorted(mounting.invert),
            "gyro": mounting.gyro,
        },
    }


def _parse(values: dict[str, object]) -> Remembered:
    if values["format"] != FORMAT:
        raise ValueError
    told, mounting = values["mounting"], None
    if told is not None:
        if not isinstance(told, dict) or not isinstance(told["invert"], list) or not isinstance(told["gyro"], bool):
            raise TypeError
        mounting = Mounting(_quat(told["quat_sensor_from_head"]), frozenset(map(str, told["invert"])), told["gyro"])
    spread_deg, reference = values["spread_deg"], values["reference"]
    return Remembered(
        mounting,
        None if reference is None else _quat(reference),
        str(values["name"]),
        str(values["saved"]),
        None if spread_deg is None else _number(spread_deg),
    )


def _quat(value: object) -> Quat:
    if not isinstance(value, list):
        raise TypeError
    w, x, y, z = map(_number, value)
    if not 0.99 < w * w + x * x + y * y + z * z < 1.01:
        raise ValueError
    return (w, x, y, z)


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not isfinite(value):
        raise TypeError
    return float(value)


def _put_aside(path: Path) -> str:
    """Rename a file to the first free name of its kind and return that; nothing is overwritten."""
    number = 1
    while (kept := path.with_suffix(f".broken{number}")).exists():
        number += 1
    try:
        path.rename(kept)
    except OSError:
        return path.name
    return kept.name
