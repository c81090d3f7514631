"""The systemd user unit that starts the booth with the machine, and the words that tell what is left to do."""

import os
import re
import sys
from pathlib import Path

from rt_render.app.booth.only_one import ANOTHER_RUNS
from rt_render.errors import ConfigurationError

NAME = "rt-render-booth.service"
_PLAIN = re.compile(r"[\w/.:=@%$+,~-]+")
_WRITTEN = (("\\", "\\\\"), ("%", "%%"), ("$", "$$"), ('"', '\\"'), ("\n", "\\n"))
"""How a quoted word of systemd has what means something to it, the backslash first."""
_UNIT = """\
# Written by `rt-render booth install`; written anew by the same command with --force.
[Unit]
Description=rt-render booth: head-tracked sound on headphones
After=pipewire.service pulseaudio.service sound.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
Restart=always
RestartSec=1
RestartPreventExitStatus={another_runs}
TimeoutStartSec=600
WatchdogSec=60
LimitRTPRIO=95
LimitMEMLOCK=infinity
NoNewPrivileges=yes
KillMode=mixed
TimeoutStopSec=15

[Install]
WantedBy=default.target
"""


def unit_folder() -> Path:
    """Return where systemd looks for the units of this user."""
    given = os.environ.get("XDG_CONFIG_HOME")
    return (Path(given) if given else Path.home() / ".config") / "systemd" / "user"


def unit_text(config: Path | None) -> str:
    """Return the unit for a configuration."""
    words = [sys.executable, "-m", "rt_render", "booth"]
    if config is not None:
        words += ["--config", str(config.resolve())]
    return _UNIT.format(command=" ".join(_quoted(word) for word in words), another_runs=ANOTHER_RUNS)


def write_unit(config: Path | None, folder: Path, force: bool) -> Path:
    """Write the unit and return its file. Raises ConfigurationError where that cannot be."""
    path = folder / NAME
    if path.exists() and not force:
        raise ConfigurationError(f"{path} exists already: write it anew with --force.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(unit_text(config), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({(error.strerror or str(error)).lower()}): print the unit with --print and "
            "put it where systemd finds it."
        ) from None
    return path


def next_steps() -> list[str]:
    """Return the commands that let the booth start now, and with the machine."""
    return [
        "systemctl --user daemon-reload",
        f"systemctl --user enable --now {NAME}",
        "loginctl enable-linger",
    ]


def _quoted(word: str) -> str:
    plain = _PLAIN.fullmatch(word)
    for character, written in _WRITTEN:
        word = word.replace(character, written)
    return word if plain else f'"{word}"'
