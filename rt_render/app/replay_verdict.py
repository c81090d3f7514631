"""How near a log that was played back is to what was heard: for programs, and in words for people."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from rt_render.app.words import clock, plural


@dataclass(frozen=True, slots=True)
class ReplayVerdict:
    """What became of a log's session. Times from its first block on, in seconds; None where nothing went wrong."""

    blocks: int
    """How many were rendered again."""
    block_s: float
    differs_at_s: float | None
    """From where on it is not what was heard."""
    largest_error_db: float
    """Largest difference of the short-time level at an ear."""
    moved: str | None
    """What was changed by hand first, "objects" or "panorama", and no longer is as the source has it."""
    moved_at_s: float | None
    """From about where on."""
    missing_from_block: int | None
    """The first block of which the log lacks the row."""
    damaged_at_byte: int | None
    """Where in the file a damaged piece begins, with more behind it that is not played back."""
    ended: bool
    """Whether the log was closed: otherwise it ends before its session, and is no worse for it."""
    same_program: bool
    """Whether equal samples are promised, for it is the machine code of the session."""
    processor: str
    """The kind of processor that the session ran on."""

    @property
    def heard_again(self) -> bool:
        """Whether all blocks are in the file as they were heard, up to where a log was cut that was never closed."""
        return self.blocks > 0 and self.differs_at_s is None and not self._incomplete

    @property
    def _incomplete(self) -> bool:
        return self.missing_from_block is not None or self.damaged_at_byte is not None

    def sentences(self) -> Iterator[str]:
        """Tell it: first where a log ends early, last how far the samples agree."""
        yield from self._end()
        yield self._agreement()

    def _end(self) -> Iterator[str]:
        up_to = clock(self.blocks * self.block_s)
        if self.missing_from_block is not None:
            yield (
                f"the log lacks rows from block {self.missing_from_block} on ({up_to}): "
                "it is not replayable from there, and the file ends there"
            )
        elif self.damaged_at_byte is not None:
            yield (
                f"the log is damaged at byte {self.damaged_at_byte}, with more behind it: it is not replayable from "
                f"there, and the file ends at {up_to}; take another copy of the log if there is one"
            )
        elif not self.ended:
            yield f"the log was cut, by a power cut maybe: it is played back up to {up_to}"

    def _agreement(self) -> str:
        if not self.blocks:
            return "nothing is heard again: there is no block in the log before it ends"
        if self.differs_at_s is not None:
            return (
                f"from {clock(self.differs_at_s)} on this is not what was heard, the levels differ by up to "
                f"{self.largest_error_db:.2g} dB: {self._cause()}"
            )
        blocks = plural(self.blocks, "block")
        if self.same_program:
            return f"{blocks} again, bit for bit: levels, limiter and fades agree with the log at each of them"
        within = f"within {ceil(1e3 * self.largest_error_db) / 1e3:g} dB" if self.largest_error_db else "exactly"
        return (
            f"{blocks} again, by other machine code than the session's: the short-time levels at both ears agree "
            f"with the log {within} at each of them, and so do fades; equal samples are only promised by the same "
            f"program on the same kind of processor ({self.processor})"
        )

    def _cause(self) -> str:
        if self.moved_at_s is not None and self.differs_at_s is not None and self.moved_at_s <= self.differs_at_s:
            by_hand = "the panorama was changed" if self.moved == "panorama" else "objects were moved"
            return (
                f"{by_hand} by hand from about {clock(self.moved_at_s)} on, which no log holds; "
                "what is played with --field FILE too can be played back"
            )
        return "the source failed or ended elsewhere then"
