"""The space that stereo becomes, while it sounds: its width and height, and whether there is one."""

from threading import Lock
from weakref import WeakSet

from rt_render.app.settings import Source
from rt_render.engine.panorama import DEFAULT_HEIGHT, DEFAULT_WIDTH_DEG, Panorama


class Space:
    """Makes panoramas, and changes all that it made and those to come. Any thread.

    What a person sets holds for all items of a playlist, whatever they asked for themselves.
    """

    def __init__(self, wanted: Source | None = None) -> None:
        self.changes = 0
        """How often somebody made it another while there was one."""
        self.used = False
        """Whether there was stereo to make a space of."""
        self._on = True
        self._wanted = wanted
        self._width_deg: float | None = None
        self._height: float | None = None
        self._lock = Lock()
        self._made: WeakSet[Panorama] = WeakSet()

    @property
    def on(self) -> bool:
        """Whether stereo is to be a space; sources look at it where they begin."""
        return self._on

    @on.setter
    def on(self, on: bool) -> None:
        self.changes += self.used and on != self._on
        self._on = on

    @property
    def width_deg(self) -> float:
        """Where what is panned hard is heard, to each side."""
        set_up = self._wanted.panorama_width_deg if self._wanted else DEFAULT_WIDTH_DEG
        return set_up if self._width_deg is None else self._width_deg

    @property
    def height(self) -> float:
        """How much of the ambience comes from above."""
        set_up = self._wanted.panorama_height if self._wanted else DEFAULT_HEIGHT
        return set_up if self._height is None else self._height

    def make(self, order: int, fs_hz: int, wanted: Source) -> Panorama:
        """Return a panorama as an item's settings have it, or as it was set by hand. Raises ConfigurationError."""
        with self._lock:
            width_deg = wanted.panorama_width_deg if self._width_deg is None else self._width_deg
            height = wanted.panorama_height if self._height is None else self._height
            panorama = Panorama(order, fs_hz, width_deg=width_deg, height=height)
            self._made.add(panorama)
            self.used = True
        return panorama

    def set(self, *, width_deg: float | None = None, height: float | None = None) -> None:
        """Change width, 30 to 90 degrees, or height, 0 to 1; what is read from now on glides there."""
        with self._lock:
            for panorama in self._made:
                panorama.set(width_deg=width_deg, height=height)
            before = self.width_deg, self.height
            self._width_deg = self._width_deg if width_deg is None else width_deg
            self._height = self._height if height is None else height
            self.changes += self.used and (self.width_deg, self.height) != before
