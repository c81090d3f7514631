"""What this machine offers to a real-time renderer, found out for `doctor`; each finding with its fix."""

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rt_render.errors import DeviceError
from rt_render.io.call_thread import CallThread
from rt_render.io.portaudio import DeviceInfo, list_devices, portaudio_version
from rt_render.io.realtime import lock_memory, realtime_allowed
from rt_render.kernels import block

_PROBE_S = 2.0
_LOCKED_BYTES = 16 * 2**20
"""About what an engine of order 7 works on."""
_PACKAGES = ("numpy", "numba", "llvmlite", "sounddevice", "soundfile", "soxr", "h5py", "scipy")
_BLUETOOTH_WORDS = ("bluez", "bluetooth", "a2dp", "airpods", "buds")
_CPU = Path("/sys/devices/system/cpu")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: its name, whether it is well (None: merely told), what was found, what would mend it."""

    name: str
    ok: bool | None
    text: str
    fix: str = ""


def examine() -> list[Finding]:
    """Look at libraries, cards, servers, rights and caches. Never raises; no probe takes more than 2 s."""
    probes: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("PortAudio", _portaudio),
        ("sound cards", _cards),
        ("Bluetooth", _bluetooth),
        ("JACK", _jack),
        ("PipeWire", _pipewire),
        ("real-time priority", _priority),
        ("memory lock", _memory),
        ("CPU governor", _governor),
        ("compiled code", _cache),
        ("versions", _versions),
        ("machine", _machine),
    )
    return [_try(name, probe) for name, probe in probes]


def _try(name: str, probe: Callable[[], Finding]) -> Finding:
    thread = CallThread(f"the probe of {name}")
    try:
        return thread.ask(probe, _PROBE_S)
    except Exception as error:
        return Finding(name, None, f"could not be found out: {error}")
    finally:
        thread.end()


def _portaudio() -> Finding:
    try:
        return Finding("PortAudio", True, portaudio_version())
    except DeviceError as error:
        return Finding("PortAudio", False, str(error), "Debian, Ubuntu: sudo apt-get install libportaudio2")


def _devices() -> list[DeviceInfo]:
    try:
        return list_devices()
    except DeviceError:
        return []


def _cards() -> Finding:
    devices = _devices()
    if not devices:
        return Finding(
            "sound cards",
            False,
            "none; the virtual sound card plays instead",
            "plug one in or start a sound server, then look again",
        )
    lines = [
        f"{'*' if d.is_default else ' '}{d.index} {d.name} ({d.host_api}), {d.n_channels} channels, "
        f"{', '.join(map(str, d.rates_hz)) or 'none of our rates'} Hz"
        for d in devices
    ]
    usable = any(d.n_channels >= 2 and d.rates_hz for d in devices)
    return Finding("sound cards", usable, "; ".join(lines), "" if usable else "close programs that hold the card")


def _bluetooth() -> Finding:
    found = [d.name for d in _devices() if any(word in d.name.lower() for word in _BLUETOOTH_WORDS)]
    if found:
        return Finding(
            "Bluetooth",
            False,
            f"{', '.join(found)}: adds 100 to 300 ms, far more than the 30 ms nobody notices",
            "use headphones with a cable for head tracking",
        )
    return Finding("Bluetooth", True, "no output looks like Bluetooth")


def _run(*command: str) -> str | None:
    """Return what a tool prints, None without the tool; its exit code does not matter."""
    if shutil.which(command[0]) is None:
        return None
    answer = subprocess.run(  # noqa: S603 - fixed commands of this file
        command, capture_output=True, text=True, timeout=_PROBE_S * 0.8, check=False
    )
    return answer.stdout


def _jack() -> Finding:
    devices = [d for d in _devices() if "JACK" in d.host_api]
    if devices:
        rates = sorted({rate for d in devices for rate in d.rates_hz})
        return Finding("JACK", True, f"a server runs at {', '.join(map(str, rates))} Hz")
    if shutil.which("jackd") is None:
        return Finding("JACK", None, "not installed; not needed")
    return Finding("JACK", None, "installed, no server runs", "start it with qjackctl or jackd, if you want it")


def _pipewire() -> Finding:
    settings = _run("pw-metadata", "-n", "settings")
    if settings is None:
        return Finding("PipeWire", None, "its tools are not installed; not needed")
    values = {
        key: line.split("value:'", 1)[1].split("'")[0]
        for line in settings.splitlines()
        for key in ("clock.rate", "clock.quantum", "clock.min-quantum", "clock.force-quantum")
        if f"key:'{key}'" in line and "value:'" in line
    }
    if not values:
        return Finding("PipeWire", None, "does not run")
    quantum = int(values.get("clock.force-quantum", "0")) or int(values.get("clock.quantum", "1024"))
    return Finding(
        "PipeWire",
        quantum <= 256,
        f"quantum {quantum} frames at {values.get('clock.rate', '48000')} Hz",
        "" if quantum <= 256 else "lower latency: pw-metadata -n settings 0 clock.force-quantum 128",
    )


def _priority() -> Finding:
    grant = realtime_allowed()
    return Finding("real-time priority", grant.granted, *_text_and_fix(grant.text))


def _memory() -> Finding:
    room = bytearray(_LOCKED_BYTES)
    grant = lock_memory(ctypes.addressof(ctypes.c_char.from_buffer(room)), len(room))
    return Finding("memory lock", grant.granted, *_text_and_fix(grant.text))


def _text_and_fix(sentence: str) -> tuple[str, str]:
    text, _, fix = sentence.partition(": allow it ")
    return text, f"allow it {fix}" if fix else ""


def _governor() -> Finding:
    governors = {path.read_text().strip() for path in _CPU.glob("cpu[0-9]*/cpufreq/scaling_governor")}
    if not governors:
        return Finding("CPU governor", None, "this system does not tell")
    well = governors == {"performance"}
    return Finding(
        "CPU governor",
        well,
        ", ".join(sorted(governors)),
        "" if well else "for the smallest blocks: sudo cpupower frequency-set -g performance",
    )


def _cache_folders() -> Iterator[Path]:
    if os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(os.environ["NUMBA_CACHE_DIR"])
    package = Path(block.__file__).parent
    yield package / "__pycache__"
    yield Path.home() / ".cache" / "numba"


def _cache() -> Finding:
    for folder in _cache_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            continue
        n_kept = sum(1 for _ in folder.rglob("*.nbc"))
        kept = f"{n_kept} compiled functions are kept" if n_kept else "nothing is kept yet: the first start compiles"
        return Finding("compiled code", True, f"{kept} in {folder}")
    return Finding(
        "compiled code",
        False,
        "no folder for it can be written: every start compiles anew (a minute or so)",
        "set NUMBA_CACHE_DIR to a folder that you can write",
    )


def _versions() -> Finding:
    found, missing = [f"Python {platform.python_version()}"], []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    fix = f"{sys.executable} -m pip install {' '.join(missing)}" if missing else ""
    text = ", ".join(found) + (f"; missing: {', '.join(missing)}" if missing else "")
    return Finding("versions", not missing, text, fix)


def _machine() -> Finding:
    name = platform.processor() or platform.machine()
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        models = [line for line in cpu_info.read_text().splitlines() if line.startswith("model name")]
        name = models[0].split(":", 1)[1].strip() if models else name
    return Finding("machine", None, f"{platform.platform()}; {name}, {os.cpu_count()} cores")
