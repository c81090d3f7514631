"""The one place that says how kernels are compiled."""

import hashlib
from functools import partial
from pathlib import Path

import numba
from numba.core.ccallback import CFunc

from firmware_bridge import atomics
from rt_render import conventions

rt_jit = partial(
    numba.njit,
    nogil=True,
    error_model="numpy",  # else numba takes the interpreter lock to report a division by zero
    boundscheck=False,
    # Inlined whole, an entry point is seen to return no error, and its code that would take the interpreter
    # lock to report one is left out.
    forceinline=True,
)
"""Decorator of kernels that are compiled into an entry point; only the entry points are cached on disk."""


def kernel_source_hash() -> str:
    """Return a hash of all sources that are compiled into the kernels, or lay out their state.

    numba invalidates a cached entry point only when its own file changes, not when a kernel that was
    compiled into it does. Entry points therefore close over this hash, which makes it part of their key.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    bridge = Path(atomics.__file__).parent
    others = [Path(conventions.__file__), bridge / "atomics.py", bridge / "mailbox_kernels.py"]
    for path in sorted([*Path(__file__).parent.glob("*.py"), *others]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def entry_address(entry: CFunc) -> int:
    """Return the address of a compiled entry point, for ctypes and for the state record."""
    address = entry.address
    assert address is not None, "an entry point is compiled when it is made"
    return int(address)
