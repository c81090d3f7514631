"""A pose log played back to a file: the session's samples again, through the block function that made them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rt_render.app.decoding import Progress
from rt_render.app.file_hash import file_hash
from rt_render.app.output_names import refuse_overwrite
from rt_render.app.pose_log import LoggedSession, taps_hash
from rt_render.app.rendered import Rendered
from rt_render.app.replay_verdict import ReplayVerdict
from rt_render.engine.replay import ReplayEngine
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.io.pose_log_file import Done, Moved, Piece, PoseLogReader, Taps
from rt_render.io.source import Source
from rt_render.io.wav_writer import WavWriter
from rt_render.kernels.state import FLAG_CLEARED, trace_dtype

_CHUNK_FRAMES = 2048
_STEP_ROWS = 256
_CHECKED = ("consumed", "limiter", "filter_fade_frame", "mean_square")
"""What follows from the samples: equal in a replay that is equal."""
_COUNTED = ("consumed", "filter_fade_frame")
"""What is equal on every machine."""
_NEAR_DB = 0.01
"""Rounding moves no short-time level so far, whatever the machine code; another source or a defect does."""

_OTHER_PROGRAM = "play it back with the program that wrote it."

Say = Callable[[str], None]


def replay_to_file(
    log: Path,
    path: Path,
    *,
    input: str | None = None,
    force: bool = False,
    on_message: Say = lambda text: None,
    on_progress: Progress | None = None,
) -> Rendered:
    """Write what a logged session let be heard to a stereo file, block for block; return counters and a verdict.

    Pauses and slots that a virtual card missed are silence, as they were. `input`: the source, where it is not found
    by the name in the log. `on_message` is told how near the samples are, and where a log ends before its session.
    No file that the session was made of is written over, not even with `force`. Raises InputFileError,
    ConfigurationError and OutputFileError.
    """
    with PoseLogReader(log) as reader:
        session = LoggedSession(reader.header, log)
        pieces = reader.pieces()
        if reader.row != trace_dtype(session.plan.block_size):
            raise InputFileError(f"{log} tells other things of a block than this program knows: {_OTHER_PROGRAM}")
        field = session.field_file(input)
        refuse_overwrite([path], force, [log, *session.files(input), *([field] if field else [])])
        engine = _make_engine(session, reader, pieces, of_field=field is not None)
        source = session.open_field(field) if field else session.open_source(input, engine.objects, on_message)
        try:
            replay = Replay(engine, source, log, of_field=field is not None)
            with WavWriter(path, session.plan.fs_hz, 2, force=force) as writer:
                for piece in pieces:
                    for frames in replay.play(piece):
                        writer.write(frames)
                    if on_progress:
                        on_progress(reader.share, f"playing back {session.title}")
                    if replay.gap_block:
                        break
                writer.write(replay.last_block())
        finally:
            source.close()
    if field and replay.done and replay.done.field not in ("", file_hash(field)):
        on_message(f"{field} is not the file of the field that the session wrote, or has been changed since")
    verdict = _verdict(replay, session, reader)
    for sentence in verdict.sentences():
        on_message(sentence)
    return Rendered(engine.snapshot(), verdict)


class Replay:
    """Renders a log's pieces in order; sums up how far they agree with what the log says was heard.

    `of_field`: the source is the field of the session's own blocks, in the order in which they were played.
    """

    def __init__(self, engine: ReplayEngine, source: Source, log: Path, *, of_field: bool = False) -> None:
        self._engine, self._source, self._log = engine, source, log
        self._of_field, self._consumed = of_field, 0
        self._block_frames = engine.plan.block_size
        self._sets: dict[int, NDArray[np.float64]] = {}
        self._known = [1]
        self._set, self._block, self._missed_slots = 1, 0, 0
        self._held = np.zeros((0, 2), np.float32)
        self._source_ended = False
        self.n_blocks = 0
        self.gap_block = 0
        """The first block of which the log lacks the row; 0 for none."""
        self.done: Done | None = None
        self.moved: tuple[str, int] | None = None
        """What was changed by hand first, and behind which block, where the source is to bring it back."""
        self.differs_at: int | None = None
        """Which block, counted from 0, was the first to come out otherwise."""
        self.strays_at: int | None = None
        """Which block was the first to come out otherwise by more than rounding."""
        self.largest_error_db = 0.0
        """Largest difference of the short-time level at an ear."""

    def play(self, piece: Piece) -> Iterator[NDArray[np.float32]]:
        """Yield the stereo frames that a piece of the log adds, one block behind."""
        if isinstance(piece, Taps):
            self._sets[piece.number] = piece.filters
            self._known = [1, *self._sets]
        elif isinstance(piece, Moved):
            if self.moved is None and not self._of_field:
                self.moved = piece.what, self.n_blocks
        elif isinstance(piece, Done):
            self.done = piece
            yield self._silence_until(piece.missed_slots)
        elif isinstance(piece, np.ndarray):
            for first in range(0, len(piece), _STEP_ROWS):
                yield from self._play_rows(piece[first : first + _STEP_ROWS])

    def last_block(self) -> NDArray[np.float32]:
        """Return the block that is held back: whether it was late is only known behind it."""
        held, self._held = self._held, np.zeros((0, 2), np.float32)
        return held

    def _play_rows(self, rows: NDArray[np.void]) -> Iterator[NDArray[np.float32]]:
        whole = (
            (rows["order"] >= 0) & (rows["order"] <= self._engine.plan.order) & np.isin(rows["filter_set"], self._known)
        )
        if not whole.all():
            raise InputFileError(f"{self._log} is damaged at block {self._block + 1}: what it says of it cannot be.")
        for row in rows:
            if int(row["block"]) != self._block + 1:
                self.gap_block = self._block + 1
                rows = rows[: np.searchsorted(rows["block"], row["block"])]
                break
            self._block += 1
            yield self._silence_until(int(row["missed_slots"]))
            yield self.last_block()
            self._prepare(row)
            self._held = np.empty((self._block_frames, 2), np.float32)
            self._engine.replay(row, self._held)
        self._compare(rows)

    def _silence_until(self, missed_slots: int) -> NDArray[np.float32]:
        """Return the slots that passed in silence before the held block was ready."""
        silence = np.zeros((max(0, missed_slots - self._missed_slots) * self._block_frames, 2), np.float32)
        self._missed_slots = missed_slots
        return silence

    def _prepare(self, row: np.void) -> None:
        """Bring about what happened before a block: a seek, other filters, frames in the ring."""
        engine, ring = self._engine, self._engine.ring
        if row["flags"] & FLAG_CLEARED:
            frame = int(row["frame"])
            engine.reset(frame)
            self._source.seek(self._consumed if self._of_field else frame)
            self._source_ended = False
        if row["filter_set"] != self._set:
            self._set = int(row["filter_set"])
            engine.publish_filters(self._sets[self._set])
        while row["consumed"] and ring.fill_frames < self._block_frames and not self._source_ended:
            chunk = self._source.read(_CHUNK_FRAMES)
            ring.write(chunk)
            if len(chunk) < _CHUNK_FRAMES:
                self._source_ended = True
                ring.set_end()
        self._consumed += int(row["consumed"])

    def _compare(self, rows: NDArray[np.void]) -> None:
        again = self._engine.drain_trace()
        if not len(rows):
            return
        floor = 1e-12  # -120 dB
        error_db = np.abs(10 * np.log10((again["mean_square"] + floor) / (rows["mean_square"] + floor))).max(axis=1)
        near = _equal(again, rows, _COUNTED) & (error_db < _NEAR_DB)
        self.differs_at = self._first(self.differs_at, _equal(again, rows, _CHECKED))
        self.strays_at = self._first(self.strays_at, near)
        self.largest_error_db = max(self.largest_error_db, float(error_db.max()))
        self.n_blocks += len(rows)

    def _first(self, known: int | None, holds: NDArray[np.bool_]) -> int | None:
        """Return the first block of which it does not hold: the one known, or one of these next rows."""
        return known if known is not None or holds.all() else self.n_blocks + int(np.argmin(holds))


def _equal(again: NDArray[np.void], rows: NDArray[np.void], names: tuple[str, ...]) -> NDArray[np.bool_]:
    same = np.ones(len(rows), bool)
    for name in names:
        same &= (again[name] == rows[name]).reshape(len(rows), -1).all(axis=1)
    return same


def _make_engine(
    session: LoggedSession, reader: PoseLogReader, pieces: Iterator[Piece], *, of_field: bool
) -> ReplayEngine:
    log, first = reader.path, next(pieces, None)
    if reader.damaged_at is not None:
        raise InputFileError(
            f"{log} is damaged at byte {reader.damaged_at}, in its first filters, without which nothing can be played "
            "back: take another copy of the log."
        )
    if not isinstance(first, Taps):
        raise InputFileError(f"{log} ends before its first filters: there is nothing to play back.")
    if taps_hash(first.filters) != session.taps_hash:
        raise InputFileError(f"the filters in {log} are not those that its first line tells of: the file is damaged.")
    plan = replace(session.plan, n_objects=0) if of_field else session.plan
    engine = ReplayEngine(plan, first.filters, ceiling_db=session.ceiling_db, trace_rows=_STEP_ROWS)
    if engine.plan_hash != session.plan_hash:
        raise ConfigurationError(
            f"{log} is of a program that fades and limits otherwise (plan {session.plan_hash}, here "
            f"{engine.plan_hash}): {_OTHER_PROGRAM}"
        )
    return engine


def _verdict(replay: Replay, session: LoggedSession, reader: PoseLogReader) -> ReplayVerdict:
    block_s = session.plan.block_size / session.plan.fs_hz
    wrong_at = replay.differs_at if session.same_program else replay.strays_at
    lost_at_end = replay.done is not None and replay.done.lost > 0
    return ReplayVerdict(
        blocks=replay.n_blocks,
        block_s=block_s,
        differs_at_s=None if wrong_at is None else wrong_at * block_s,
        largest_error_db=replay.largest_error_db,
        moved=replay.moved[0] if replay.moved else None,
        moved_at_s=replay.moved[1] * block_s if replay.moved else None,
        missing_from_block=replay.gap_block or (replay.n_blocks + 1 if lost_at_end else None),
        damaged_at_byte=reader.damaged_at,
        ended=replay.done is not None,
        same_program=session.same_program,
        processor=session.processor,
    )
