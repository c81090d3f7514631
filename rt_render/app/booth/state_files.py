"""What the booth keeps in the user's state folder: its log, the last configuration that worked, the page's token.

The last two belong to a configuration file, whatever is in it: one that cannot be read has them still, and two booths
on one machine have their own.
"""

import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from rt_render.app.booth.visit_log import LogPlace
from rt_render.app.settings import Booth, Settings

_TOKEN_BYTES, _MARK_LETTERS = 12, 8


def state_folder() -> Path:
    """Return the user's folder for what programs keep."""
    given = os.environ.get("XDG_STATE_HOME")
    return (Path(given) if given else Path.home() / ".local" / "state") / "rt-render"


def log_place(booth: Booth) -> LogPlace:
    """Return where the log lies."""
    return LogPlace(booth.visits or state_folder() / "booth.jsonl", round(1e6 * booth.visits_mb), booth.visits_files)


def keep_good(settings: Settings, config: Path | None) -> None:
    """Keep settings with which sound played; where that cannot be, those before stay. Never raises."""
    _write(_place(config, "good.json"), settings.model_dump_json())


def last_good(config: Path | None) -> Settings | None:
    """Return the settings with which sound played last; None where there are none of this version."""
    try:
        return Settings.model_validate_json(_place(config, "good.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError):
        return None


def kept_token(config: Path | None) -> str:
    """Return a token that stays the same, so that pages come back after the program began anew."""
    if token := told_token(config):
        return token
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    _write(_place(config, "token"), token)
    return token


def told_token(config: Path | None) -> str | None:
    """Return the token that was kept; None where none was."""
    with suppress(OSError, ValueError):
        token = _place(config, "token").read_text(encoding="utf-8").strip()
        if len(token) >= 8 and token.replace("-", "").replace("_", "").isalnum():
            return token
    return None


def _place(config: Path | None, kind: str) -> Path:
    """Return the file of a kind that belongs to a configuration file: its name, and a mark of where it lies."""
    if config is None:
        return state_folder() / f"booth.{kind}"
    where = Path(os.path.realpath(config))  # however it is spelt; unlike `resolve` it takes links that go in circles
    mark = sha256(os.fsencode(where)).hexdigest()[:_MARK_LETTERS]
    return state_folder() / f"{where.stem}-{mark}.{kind}"


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner only."""
    whole = path.with_name(f"{path.name}.new")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        whole.replace(path)
