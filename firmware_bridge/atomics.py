# mypy: disallow-untyped-decorators=False
"""Loads and stores with a stated memory order, at plain addresses, for numba code.

An address is the int64 of a naturally aligned 8-byte word. Each function below may be called only inside
numba-compiled code (`@njit`, `@cfunc`), becomes one or two machine instructions, and never allocates,
locks or raises. Ordinary array accesses have no order that another thread or process may rely on: x86
happens to be kind, ARM is not.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_WORD_BYTES = 8
_I64 = ir.IntType(64)
_F64 = ir.DoubleType()


def _pointer(builder: Any, address: Any, word: Any) -> Any:
    return builder.inttoptr(address, word.as_pointer())


@intrinsic
def load_acquire_i64(typing_context: Any, address: Any) -> Any:
    """Load an int64; what was stored before its release store is visible afterwards."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_pointer(builder, args[0], _I64), "acquire", _WORD_BYTES, typ=_I64)

    return types.int64(types.int64), generate


@intrinsic
def store_release_i64(typing_context: Any, address: Any, value: Any) -> Any:
    """Store an int64 that publishes everything stored before it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store_atomic(args[1], _pointer(builder, args[0], _I64), "release", _WORD_BYTES)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def fetch_add_i64(typing_context: Any, address: Any, increment: Any) -> Any:
    """Add to an int64 in one indivisible step and return the value it had before."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", _pointer(builder, args[0], _I64), args[1], "acq_rel")

    return types.int64(types.int64, types.int64), generate


@intrinsic
def exchange_if_equal_i64(typing_context: Any, address: Any, expected: Any, value: Any) -> Any:
    """Replace an int64 if it is as expected, in one indivisible step; return 1 if it was, else 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pair = builder.cmpxchg(_pointer(builder, args[0], _I64), args[1], args[2], "acq_rel", "monotonic")
        return builder.zext(builder.extract_value(pair, 1), _I64)

    return types.int64(types.int64, types.int64, types.int64), generate


@intrinsic
def load_f64(typing_context: Any, address: Any) -> Any:
    """Load a whole float64, with no order of its own: pair it with `fence`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_pointer(builder, args[0], _F64), "monotonic", _WORD_BYTES, typ=_F64)

    return types.float64(types.int64), generate


@intrinsic
def store_f64(typing_context: Any, address: Any, value: Any) -> Any:
    """Store a whole float64, with no order of its own: pair it with `fence`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store_atomic(args[1], _pointer(builder, args[0], _F64), "monotonic", _WORD_BYTES)
        return context.get_dummy_value()

    return types.void(types.int64, types.float64), generate


@intrinsic
def fence(typing_context: Any) -> Any:
    """Keep the accesses before this line before those after it (acquire and release)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.fence("acq_rel")
        return context.get_dummy_value()

    return types.void(), generate
