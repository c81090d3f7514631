"""A bar for work that takes seconds; work that is done at once shows none."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_STEP = 0.005


class ProgressBar:
    """An `on_progress` that draws a bar from the first share below 1 on, and takes it away when all is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._shown = -1.0

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *_: object) -> None:
        self._take_away()

    def __call__(self, share: float, text: str) -> None:
        """Show a share of the work, 0 to 1, and its name."""
        if share >= 1.0:
            self._take_away()
        elif self._console.is_terminal and abs(share - self._shown) >= _STEP:
            self._shown = share
            if self._progress is None:
                self._progress = Progress(
                    TextColumn("{task.description}"),
                    BarColumn(),
                    TimeRemainingColumn(),
                    console=self._console,
                    transient=True,
                )
                self._task = self._progress.add_task(text, total=1.0)
                self._progress.start()
            self._progress.update(self._task, completed=share, description=text)

    def _take_away(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        self._shown = -1.0
