"""What the booth keeps beside its log: the last configuration that worked, and the page's token."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from rt_render.app.booth.visit_log import LogPlace
from rt_render.app.settings import Booth, Settings

_TOKEN_BYTES = 12


def state_folder() -> Path:
    """Return the user's folder for what programs keep."""
    given = os.environ.get("XDG_STATE_HOME")
    return (Path(given) if given else Path.home() / ".local" / "state") / "rt-render"


def log_place(booth: Booth) -> LogPlace:
    """Return where the log lies."""
    return LogPlace(booth.visits or state_folder() / "booth.jsonl", round(1e6 * booth.visits_mb), booth.visits_files)


def keep_good(settings: Settings, folder: Path) -> None:
    """Keep settings with which sound played; where that cannot be, those before stay. Never raises."""
    _write(folder / "booth.good.json", settings.model_dump_json())


def last_good(folder: Path) -> Settings | None:
    """Return the settings with which sound played last; None where there are none of this version."""
    try:
        return Settings.model_validate_json((folder / "booth.good.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError):
        return None


def kept_token(folder: Path) -> str:
    """Return a token that stays the same, so that pages come back after the program began anew."""
    path = folder / "booth.token"
    with suppress(OSError, ValueError):
        token = path.read_text(encoding="utf-8").strip()
        if len(token) >= 8 and token.replace("-", "").replace("_", "").isalnum():
            return token
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    _write(path, token)
    return token


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner only."""
    whole = path.with_name(f"{path.name}.new")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        whole.replace(path)
