"""Measured loudness on disk, found again by the file, how it is played, and the ears that heard it."""

import hashlib
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from rt_render.app.playlist.heard_loudness import Heard
from rt_render.app.playlist.items import Item
from rt_render.app.settings import Source as SourceSettings
from rt_render.hrtf.cache import cache_folder

_VERSION = 2
_LOWEST_DB, _HIGHEST_DB = -200.0, 100.0
_ELSEWHERE = {"input", "further", "loop", "crossfade_s", "loudness_lufs"}


class LoudnessStore:
    """Keeps one small file an item in the user's cache folder; what cannot be kept is measured again. Any thread.

    `ears`: a text that is another one where the same field sounds otherwise: decoder, order and rate.
    """

    def __init__(self, ears: str) -> None:
        self._ears = ears

    def place(self, item: Item) -> Path | None:
        """Return where the loudness of an item lies, as its file is now; None for what is not a file that is there.

        How often it repeats makes no difference, for it is measured once through.
        """
        file = Path(item.name)
        try:
            about, where = file.stat(), file.resolve()
        except (OSError, ValueError):
            return None
        told = item.wanted.model_dump_json(include=set(SourceSettings.model_fields) - _ELSEWHERE)
        key = f"{_VERSION} {where} {about.st_size} {about.st_mtime_ns} {told} {item.seconds} {self._ears}"
        mark = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()[:32]
        return cache_folder() / "loudness" / f"{mark}.json"

    def load(self, place: Path | None) -> Heard | None:
        """Return what was measured; None where nothing was, or what lies there makes no sense."""
        if place is None:
            return None
        try:
            heard = Heard(**json.loads(place.read_text(encoding="utf-8")))
            numbers = [heard.peak_dbfs, *([] if heard.lufs is None else [heard.lufs])]
            sound = heard.whole in (True, False) and all(_LOWEST_DB <= number <= _HIGHEST_DB for number in numbers)
        except (OSError, ValueError, TypeError):
            return None
        return heard if sound else None

    def save(self, place: Path | None, heard: Heard) -> None:
        """Keep what was measured, all of it or nothing."""
        if place is None:
            return
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=place.parent, prefix="part-") as folder:
                part = Path(folder) / place.name
                part.write_text(json.dumps(asdict(heard)), encoding="utf-8")
                part.replace(place)
        except OSError:
            return
