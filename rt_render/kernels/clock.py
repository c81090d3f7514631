"""The host's monotonic clock and an absolute-time sleep, callable without the interpreter.

C functions are called by symbol, never through ctypes pointers: a function that holds a pointer of this
process could not be cached on disk. The clock is the one `time.monotonic` reads (Windows: Python >= 3.13).
"""

import ctypes
import sys

from numba.core import types

from firmware_bridge.atomics import load_acquire_i64 as _load
from firmware_bridge.atomics import store_release_i64 as _store
from rt_render.errors import RenderError
from rt_render.kernels.jit import rt_jit
from rt_render.kernels.simd import as_pointer

NS_PER_S = 1_000_000_000

if sys.platform == "win32":  # untried: no Windows machine was at hand
    from llvmlite import binding

    if sys.version_info < (3, 13):
        raise RenderError("rt-render needs Python 3.13 or newer on Windows, whose clock is exact enough: install it.")

    binding.load_library_permanently("kernel32.dll")
    _counter = types.ExternalFunction("QueryPerformanceCounter", types.int32(types.voidptr))
    _sleep = types.ExternalFunction("Sleep", types.void(types.uint32))
    _frequency = ctypes.c_int64()
    ctypes.windll.kernel32.QueryPerformanceFrequency(ctypes.byref(_frequency))
    _TICKS_PER_S = _frequency.value

    @rt_jit
    def monotonic_ns_rt(words):
        """Return the monotonic time in ns; `words`: address of two int64 to use."""
        _counter(as_pointer(words))
        ticks = _load(words)
        return ticks // _TICKS_PER_S * NS_PER_S + ticks % _TICKS_PER_S * NS_PER_S // _TICKS_PER_S

    @rt_jit
    def sleep_until_ns(words, time_ns):
        """Sleep until a monotonic time; `words`: address of two int64 to use. Virtual card's thread only."""
        left_ms = (time_ns - monotonic_ns_rt(words)) // 1_000_000
        if left_ms > 1:
            _sleep(types.uint32(left_ms - 1))
        while monotonic_ns_rt(words) < time_ns:
            pass

else:
    # macOS (untried): CLOCK_UPTIME_RAW, which time.monotonic uses there
    _CLOCK = 8 if sys.platform == "darwin" else 1
    _clock_gettime = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.voidptr))

    @rt_jit
    def monotonic_ns_rt(words):
        """Return the monotonic time in ns; `words`: address of two int64 to use."""
        _clock_gettime(types.int32(_CLOCK), as_pointer(words))
        return _load(words) * NS_PER_S + _load(words + 8)

    if sys.platform == "darwin":
        _nanosleep = types.ExternalFunction("nanosleep", types.int32(types.voidptr, types.voidptr))

        @rt_jit
        def sleep_until_ns(words, time_ns):
            """Sleep until a monotonic time; `words`: address of two int64 to use. Virtual card's thread only."""
            left = time_ns - monotonic_ns_rt(words)
            if left > 0:
                _store(words, left // NS_PER_S)
                _store(words + 8, left % NS_PER_S)
                _nanosleep(as_pointer(words), as_pointer(0))

    else:
        _clock_nanosleep = types.ExternalFunction(
            "clock_nanosleep", types.int32(types.int32, types.int32, types.voidptr, types.voidptr)
        )
        _TIMER_ABSTIME = 1

        @rt_jit
        def sleep_until_ns(words, time_ns):
            """Sleep until a monotonic time; `words`: address of two int64 to use. Virtual card's thread only."""
            _store(words, time_ns // NS_PER_S)
            _store(words + 8, time_ns % NS_PER_S)
            _clock_nanosleep(types.int32(_CLOCK), types.int32(_TIMER_ABSTIME), as_pointer(words), as_pointer(0))
