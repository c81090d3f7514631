"""Stereo becomes a space around the head: the state of the native panorama, and its calls."""

import ctypes

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmware_bridge.mailbox_kernels import store_word
from rt_render.conventions import MAX_ORDER, RATES_HZ, n_sh
from rt_render.engine.panorama_design import ambience_rotors, band_starts, feed_directions
from rt_render.engine.prepared_state import aligned
from rt_render.errors import ConfigurationError
from rt_render.kernels.convolve import four_step_twiddles
from rt_render.kernels.fft import twiddle_table
from rt_render.kernels.jit import entry_address
from rt_render.kernels.panorama import compile_panorama
from rt_render.kernels.panorama_state import N_FEEDS, PANORAMA

DEFAULT_WIDTH_DEG = 60.0
WIDTH_RANGE_DEG = (30.0, 90.0)
DEFAULT_HEIGHT = 0.5

_OVERLAP = 4
"""Hops in a frame of analysis."""
_PLANE_PAD_FLOATS = 80
_COVARIANCE_TIME_S = 0.06
_SETTINGS_TIME_S = 0.05
_PREROLL_S = 0.6
"""Ten times the covariance's time: what was before it weighs less than -80 dB."""


class Panorama:
    """A `NativeUpmix` that tells primary sound from ambience; see `kernels.panorama`.

    `order` 0 to 7 of the field, `fs_hz` of both sides; `width_deg` 30 to 90: where what is panned hard left is heard,
    hard right on the other side; `height` 0 to 1: how much of the ambience comes from above. Latency 21 ms (23 at
    44.1 kHz). Compiles at first use. One thread at a time processes. Raises ConfigurationError for other values.
    """

    def __init__(
        self, order: int, fs_hz: int, *, width_deg: float = DEFAULT_WIDTH_DEG, height: float = DEFAULT_HEIGHT
    ) -> None:
        if not 0 <= order <= MAX_ORDER:
            raise ConfigurationError(f"a panorama of order {order} cannot be made: choose 0 to {MAX_ORDER}.")
        if fs_hz not in RATES_HZ:
            raise ConfigurationError(
                f"a panorama at {fs_hz} Hz cannot be made: choose one of {', '.join(map(str, RATES_HZ))}."
            )
        self.order, self.fs_hz = order, fs_hz
        self.step_frames = 256 if fs_hz <= 50_000 else 512
        self.latency_frames = _OVERLAP * self.step_frames
        self.preroll_frames = round(_PREROLL_S * fs_hz)
        self._buffers: list[NDArray[np.generic]] = []
        self._passing: list[NDArray[np.generic]] = []
        self._state = aligned(PANORAMA.itemsize // 4 + 1).view(np.uint8)[: PANORAMA.itemsize].view(PANORAMA)
        self._s = self._state[0]
        self.address = int(self._state.ctypes.data)
        self._prepare_sizes()
        self._prepare_analysis()
        self._prepare_synthesis()
        self._prepare_ambience()
        self.set(width_deg=width_deg, height=height)
        self.reset()
        self._entry = compile_panorama()
        self.stage = entry_address(self._entry)
        self._call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)(self.stage)

    def set(self, *, width_deg: float | None = None, height: float | None = None) -> None:
        """Change width or height while it sounds; it glides there. Any thread. Raises ConfigurationError."""
        low, high = WIDTH_RANGE_DEG
        if width_deg is not None:
            if not low <= width_deg <= high:
                raise ConfigurationError(f"a panorama {width_deg:g}° wide cannot be made: choose {low:g} to {high:g}.")
            self._publish("width_rad", np.deg2rad(width_deg))
        if height is not None:
            if not 0.0 <= height <= 1.0:
                raise ConfigurationError(f"a panorama's height of {height:g} cannot be used: choose 0 to 1.")
            self._publish("height", height)

    def process(self, stereo: ArrayLike) -> NDArray[np.float32]:
        """Return the next (n, n_sh) frames, float32 ACN/SN3D, for the next (n, 2) frames; lets the GIL go.

        W carries a primary at the root of the summed power of left and right. Raises ValueError for another shape.
        """
        frames = np.ascontiguousarray(stereo, np.float32)
        if frames.ndim != 2 or frames.shape[1] != 2:
            raise ValueError(f"stereo of shape {frames.shape}: it must be (frames, 2)")
        out = np.empty((len(frames), n_sh(self.order)), np.float32)
        self._call(self.address, frames.ctypes.data, out.ctypes.data, len(frames))
        return out

    def reset(self) -> None:
        """Forget all that was heard, and be where width and height are set. Not while a thread processes."""
        for buffer in self._passing:
            buffer[:] = 0
        self._s["count"] = 0
        self._s["width_now"], self._s["height_now"] = self._s["width_rad"], self._s["height"]

    def _prepare_sizes(self) -> None:
        s, hop = self._s, self.step_frames
        s["order"], s["n_sh"] = self.order, n_sh(self.order)
        s["columns"] = -(-n_sh(self.order) // 16) * 16
        s["hop"], s["fft_frames"] = hop, _OVERLAP * hop
        s["lanes"] = -(-(self.order + 1 + N_FEEDS // 2) // 4) * 4
        hop_s = hop / self.fs_hz
        s["covariance_keep"], s["settings_keep"] = np.exp(-hop_s / np.array([_COVARIANCE_TIME_S, _SETTINGS_TIME_S]))

    def _prepare_analysis(self) -> None:
        s, n = self._s, int(self._s["fft_frames"])
        starts = band_starts(n, self.fs_hz)
        s["n_bands"], s["band_starts"] = len(starts) - 1, self._keep(starts)
        s["covariance"] = self._pass(np.zeros((len(starts) - 1, 3)))
        s["history"] = self._pass(aligned(2 * n))
        window = np.sin(np.pi * (np.arange(n) + 0.5) / n)
        s["window"] = self._constant(window)
        # the squared windows of `_OVERLAP` frames sum to half of that
        s["window_out"] = self._constant(window / n / (_OVERLAP / 2))
        s["spectrum"] = self._keep(aligned(2 * n + 16))
        s["twiddles"] = self._constant(twiddle_table(n))
        s["twiddles_columns"] = self._constant(twiddle_table(n // 16))
        s["twiddles_16"] = self._constant(twiddle_table(16))
        s["twiddles_between"] = self._constant(four_step_twiddles(n))

    def _prepare_synthesis(self) -> None:
        s, n, lanes = self._s, int(self._s["fft_frames"]), int(self._s["lanes"])
        columns, hop = int(s["columns"]), int(s["hop"])
        s["harmonics"] = self._keep(aligned(2 * lanes))
        plane_floats = n * lanes + _PLANE_PAD_FLOATS
        s["plane_bytes"] = 4 * plane_floats
        for name in ("spare", "field", "turned"):
            s[name] = self._keep(aligned(2 * plane_floats))
        s["overlap"] = self._pass(aligned(2 * plane_floats))
        directions = np.zeros((3, 16))
        directions[:, :N_FEEDS] = feed_directions()
        directions[:, N_FEEDS] = (1.0, 0.0, 0.0)
        s["directions"] = self._constant(directions)
        s["shapes"] = self._keep(aligned(16 * int(s["n_sh"])))
        s["encoding"] = self._keep(aligned((2 * (self.order + 1) + N_FEEDS) * columns))
        s["ready"] = self._pass(aligned(hop * columns))

    def _prepare_ambience(self) -> None:
        s = self._s
        rotors, heard = ambience_rotors(int(s["fft_frames"]), self.fs_hz)
        s["rotors"] = self._constant(np.stack([rotors.real, rotors.imag], axis=-1))
        s["heard"] = self._keep(np.ascontiguousarray(heard))

    def _publish(self, name: str, value: float) -> None:
        fields = PANORAMA.fields
        assert fields is not None
        store_word(self.address + int(fields[name][1]), int(np.float64(value).view(np.int64)))

    def _constant(self, values: NDArray[np.floating]) -> int:
        buffer = aligned(values.size)
        buffer[:] = values.reshape(-1)
        return self._keep(buffer)

    def _pass(self, array: NDArray[np.generic]) -> int:
        """Keep a buffer that holds what was heard."""
        self._passing.append(array)
        return self._keep(array)

    def _keep(self, array: NDArray[np.generic]) -> int:
        self._buffers.append(array)
        return int(array.ctypes.data)
