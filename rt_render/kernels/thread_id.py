"""Which thread of the operating system plays, so that the control side can ask it what held that thread up."""

import ctypes
import sys

from numba.core import types

from rt_render.kernels.jit import rt_jit

if sys.platform.startswith("linux") and hasattr(ctypes.CDLL(None), "gettid"):
    _gettid = types.ExternalFunction("gettid", types.int32())

    @rt_jit
    def thread_id_rt():
        """Return the number of the calling thread, 0 where the system has none to ask by."""
        return types.int64(_gettid())

else:

    @rt_jit
    def thread_id_rt():
        """Return the number of the calling thread, 0 where the system has none to ask by."""
        return types.int64(0)
