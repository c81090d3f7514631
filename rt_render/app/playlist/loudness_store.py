"""Measured loudness on disk, found again by the file, how it is played, and the ears that heard it."""

import hashlib
import json
import tempfile
from math import isfinite
from pathlib import Path

from rt_render.app.playlist.items import Item
from rt_render.app.settings import Source as SourceSettings
from rt_render.hrtf.cache import cache_folder

_VERSION = 1
_ELSEWHERE = {"input", "further", "loop", "crossfade_s", "loudness_lufs"}


class LoudnessStore:
    """Keeps one small file an item in the user's cache folder; what cannot be kept is measured again. Any thread.

    `ears`: a text that is another one where the same field sounds otherwise: decoder, order and rate.
    """

    def __init__(self, ears: str) -> None:
        self._ears = ears

    def load(self, item: Item) -> tuple[float | None] | None:
        """Return (LUFS,), or (None,) for a silent item; None where it was never measured, or has changed since."""
        path = self._path(item)
        if path is None:
            return None
        try:
            lufs = json.loads(path.read_text(encoding="utf-8"))["lufs"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if lufs is None:
            return (None,)
        return (float(lufs),) if isinstance(lufs, int | float) and isfinite(lufs) else None

    def save(self, item: Item, lufs: float | None) -> None:
        """Keep what was measured, whole or not at all."""
        path = self._path(item)
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent, prefix="part-") as folder:
                part = Path(folder) / path.name
                part.write_text(json.dumps({"lufs": lufs, "file": item.name}), encoding="utf-8")
                part.replace(path)
        except OSError:
            return

    def _path(self, item: Item) -> Path | None:
        """Where an item's loudness lies; None for what is not a file that is there."""
        file = Path(item.name)
        try:
            about = file.stat()
        except OSError:
            return None
        played = item.wanted.model_dump_json(include=set(SourceSettings.model_fields) - _ELSEWHERE)
        key = f"{_VERSION} {file.resolve()} {about.st_size} {about.st_mtime_ns} {played} {self._ears}"
        return cache_folder() / "loudness" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
