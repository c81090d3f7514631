"""The inputs that PortAudio found, and which of them goes into one stream with an output."""

from dataclasses import dataclass
from typing import Any

from rt_render.errors import DeviceError
from rt_render.io.portaudio import OPEN_S, DeviceInfo, ask, full_name


@dataclass(frozen=True, slots=True)
class InputInfo:
    """An input: number, name, host API, channels, whether it is the default one of its host API."""

    index: int
    name: str
    host_api: str
    n_channels: int
    is_default: bool

    @property
    def full_name(self) -> str:
        """The name by which it is found again when numbers have changed."""
        return f"{self.name} ({self.host_api})"


def list_inputs() -> list[InputInfo]:
    """Return the inputs PortAudio found when it started; raises DeviceError when it is missing or hangs. Any thread."""
    return ask(_list, OPEN_S)


def _list(sd: Any) -> list[InputInfo]:
    apis = sd.query_hostapis()
    return [
        InputInfo(
            index,
            info["name"],
            apis[info["hostapi"]]["name"],
            info["max_input_channels"],
            index == apis[info["hostapi"]]["default_input_device"],
        )
        for index, info in enumerate(sd.query_devices())
        if info["max_input_channels"] > 0
    ]


def find_input(device: int | str, output: DeviceInfo) -> InputInfo:
    """Return the input of a number or a part of its name (any case), to be opened in one stream with an output.

    "auto": the output's own card, else the default input of its host API. Raises DeviceError when none or several fit,
    or where the host API is another one, which PortAudio cannot open as one stream.
    """
    inputs = list_inputs()
    near = [i for i in inputs if i.host_api == output.host_api]
    if not near:
        raise DeviceError(
            f"there is no input beside {full_name(output)}: plug one in, or choose an output of another host API with "
            "--device (`rt-render devices` lists both)."
        )
    listing = "; ".join(f"{i.index} {i.full_name}" for i in near)
    if device == "auto":
        own = [i for i in near if i.index == output.index] or [i for i in near if i.name == output.name]
        found = own or [i for i in near if i.is_default] or near
        return found[0]
    if isinstance(device, int):
        fits = [i for i in inputs if i.index == device]
    else:
        word = device.strip().lower()
        fits = [i for i in inputs if word in (i.name.lower(), i.full_name.lower())]
        fits = fits or [i for i in inputs if word and word in i.full_name.lower()]
    fits = [i for i in fits if i.host_api == output.host_api] or fits
    if not fits:
        raise DeviceError(f"no input is called {device!r}: choose one of {listing}.")
    if len(fits) > 1:
        several = "; ".join(f"{i.index} {i.full_name}" for i in fits)
        raise DeviceError(f"{device!r} fits several inputs: choose one by its number: {several}.")
    if fits[0].host_api != output.host_api:
        raise DeviceError(
            f"input {fits[0].full_name} and output {full_name(output)} belong to different host APIs, which cannot be "
            f"opened as one stream: choose one of {listing}."
        )
    return fits[0]
