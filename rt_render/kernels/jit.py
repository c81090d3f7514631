"""The one place that says how kernels are compiled."""

import hashlib
from functools import partial
from pathlib import Path

import llvmlite
import numba
from numba.core.ccallback import CFunc
from numba.core.registry import cpu_target as cpu_target_of_numba

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


def _hash_of_sources() -> str:
    digest = hashlib.sha256(f"numba {numba.__version__}, llvmlite {llvmlite.__version__}".encode())
    bridge = Path(atomics.__file__).parent
    others = [Path(conventions.__file__), bridge / "atomics.py", bridge / "mailbox_kernels.py"]
    for path in sorted([*Path(__file__).parent.glob("*.py"), *others]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# taken as the kernels are imported: what is compiled later, behind an update of the files, is still those
_SOURCE_HASH = _hash_of_sources()


def kernel_source_hash() -> str:
    """Return a hash of the compiler and all sources that are compiled into the kernels, or lay out their state.

    numba invalidates a cached entry point only when its own file changes, not when a kernel that was
    compiled into it does. Entry points therefore close over this hash, which makes it part of their key.
    """
    return _SOURCE_HASH


def cpu_target() -> str:
    """Return what machine code is made for: the same program on the same target gives the same samples."""
    return " ".join(map(str, cpu_target_of_numba.target_context.codegen().magic_tuple()))


def entry_address(entry: CFunc) -> int:
    """Return the address of a compiled entry point, for ctypes and for the state record."""
    address = entry.address
    assert address is not None, "an entry point is compiled when it is made"
    return int(address)
