"""Vectors of float32 as a numba type, so that kernels say which lanes they use instead of hoping.

`load16(address)` gives a vector of 16 lanes, `a + b`, `a - b`, `a * b` and `fma(a, b, c)` work on it, and
`store(address, v)` writes it back. LLVM maps 16 lanes to one AVX-512, two AVX or four NEON registers.
Addresses are plain int64 byte addresses; no alignment beyond a float's is assumed.
"""

import operator

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_model

_F32 = ir.FloatType()
_I64 = ir.IntType(64)


class Vec(types.Type):
    """The numba type of a vector of float32 lanes."""

    def __init__(self, width):
        self.width = width
        super().__init__(name=f"Vec{width}f32")


@register_model(Vec)
class _VecModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.VectorType(_F32, fe_type.width))


def _llvm(width):
    return ir.VectorType(_F32, width)


def _pointer(builder, address, pointee):
    return builder.inttoptr(address, pointee.as_pointer())


def _make_load(width):
    @intrinsic
    def load(typingctx, address):
        def codegen(context, builder, signature, args):
            return builder.load(_pointer(builder, args[0], _llvm(width)), align=4)

        return Vec(width)(types.int64), codegen

    return load


def _make_splat_load(width):
    @intrinsic
    def splat(typingctx, address):
        def codegen(context, builder, signature, args):
            return _splat(builder, builder.load(_pointer(builder, args[0], _F32)), width)

        return Vec(width)(types.int64), codegen

    return splat


def _make_splat(width):
    @intrinsic
    def splat(typingctx, value):
        def codegen(context, builder, signature, args):
            return _splat(builder, args[0], width)

        return Vec(width)(types.float32), codegen

    return splat


def _splat(builder, scalar, width):
    undefined = ir.Constant(_llvm(width), ir.Undefined)
    one = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
    return builder.shuffle_vector(one, undefined, mask)


load4, load8, load16 = _make_load(4), _make_load(8), _make_load(16)
splat_load4, splat_load8, splat_load16 = _make_splat_load(4), _make_splat_load(8), _make_splat_load(16)
splat4, splat8, splat16 = _make_splat(4), _make_splat(8), _make_splat(16)
LOAD = {4: load4, 8: load8, 16: load16}
SPLAT = {4: splat4, 8: splat8, 16: splat16}
SPLAT_LOAD = {4: splat_load4, 8: splat_load8, 16: splat_load16}


@intrinsic
def store(typingctx, address, vector):
    """Write a vector to an address."""

    def codegen(context, builder, signature, args):
        builder.store(args[1], _pointer(builder, args[0], _llvm(signature.args[1].width)), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, vector), codegen


@intrinsic
def load_f32(typingctx, address):
    """Read one float32 at an address."""

    def codegen(context, builder, signature, args):
        return builder.load(_pointer(builder, args[0], _F32))

    return types.float32(types.int64), codegen


@intrinsic
def store_f32(typingctx, address, value):
    """Write one float32 to an address."""

    def codegen(context, builder, signature, args):
        builder.store(args[1], _pointer(builder, args[0], _F32))
        return context.get_dummy_value()

    return types.void(types.int64, types.float32), codegen


@intrinsic
def as_pointer(typingctx, address):
    """Turn an int64 address into the pointer that `numba.carray` takes."""

    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), codegen


@intrinsic
def as_address(typingctx, pointer):
    """Turn a pointer into an int64 address."""

    def codegen(context, builder, signature, args):
        return builder.ptrtoint(args[0], _I64)

    return types.int64(types.voidptr), codegen


def _binary(name):
    @intrinsic
    def operation(typingctx, a, b):
        def codegen(context, builder, signature, args):
            return getattr(builder, name)(args[0], args[1])

        return a(a, a), codegen

    return operation


_add, _sub, _mul = _binary("fadd"), _binary("fsub"), _binary("fmul")


def _overload_operator(python_operator, operation):
    @overload(python_operator, inline="always")
    def implementation(a, b):
        if isinstance(a, Vec) and a == b:
            return lambda a, b: operation(a, b)
        return None


_overload_operator(operator.add, _add)
_overload_operator(operator.sub, _sub)
_overload_operator(operator.mul, _mul)


def _call(builder, name, result, args, **flags):
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, [a.type for a in args]), name)
    return builder.call(function, args, **flags)


@intrinsic
def fma(typingctx, a, b, c):
    """Return a * b + c, fused where the machine can."""

    def codegen(context, builder, signature, args):
        return _call(builder, f"llvm.fmuladd.v{a.width}f32", args[0].type, args)

    return a(a, a, a), codegen


@intrinsic
def fnma(typingctx, a, b, c):
    """Return c - a * b, fused where the machine can."""

    def codegen(context, builder, signature, args):
        minus_a = builder.fneg(args[0])
        return _call(builder, f"llvm.fmuladd.v{a.width}f32", args[0].type, [minus_a, *args[1:]])

    return a(a, a, a), codegen


@intrinsic
def clean(typingctx, v):
    """Return v with non-finite and vanishing lanes (below 1e-15) set to 0 and the rest clamped to +-32.

    Vanishing lanes would become denormal behind the filters and cost time; 32 is +30 dBFS.
    """

    def codegen(context, builder, signature, args):
        (x,) = args
        size = _call(builder, f"llvm.fabs.v{v.width}f32", x.type, [x])

        def constant(value):
            return ir.Constant(x.type, [value] * v.width)

        keep = builder.and_(
            builder.fcmp_ordered("<", size, constant(float("inf"))),
            builder.fcmp_ordered(">", size, constant(1e-15)),
        )
        x = builder.select(keep, x, constant(0.0))
        x = builder.select(builder.fcmp_ordered(">", x, constant(32.0)), constant(32.0), x)
        return builder.select(builder.fcmp_ordered("<", x, constant(-32.0)), constant(-32.0), x)

    return v(v), codegen


@intrinsic
def non_finite(typingctx, v):
    """Return 1.0 in each lane that is NaN or infinite, else 0.0."""

    def codegen(context, builder, signature, args):
        (x,) = args
        size = _call(builder, f"llvm.fabs.v{v.width}f32", x.type, [x])
        infinite = ir.Constant(x.type, [float("inf")] * v.width)
        one, zero = (ir.Constant(x.type, [value] * v.width) for value in (1.0, 0.0))
        return builder.select(builder.fcmp_ordered("<", size, infinite), zero, one)

    return v(v), codegen


@intrinsic
def larger_size(typingctx, a, b):
    """Return the larger of |a| and |b| in each lane; NaN in b is passed over."""

    def codegen(context, builder, signature, args):
        sizes = [_call(builder, f"llvm.fabs.v{a.width}f32", x.type, [x]) for x in args]
        return builder.select(builder.fcmp_ordered(">", sizes[1], sizes[0]), sizes[1], sizes[0])

    return a(a, a), codegen


@intrinsic
def store_interleaved(typingctx, address, a, b):
    """Write the lanes of two vectors in turns: a0, b0, a1, b1, ..."""

    def codegen(context, builder, signature, args):
        order = [i // 2 + (i % 2) * a.width for i in range(2 * a.width)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), 2 * a.width), order)
        both = builder.shuffle_vector(args[1], args[2], mask)
        builder.store(both, _pointer(builder, args[0], _llvm(2 * a.width)), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, a, b), codegen


@intrinsic
def lane_max(typingctx, v):
    """Return the largest of all lanes (none of them NaN)."""

    def codegen(context, builder, signature, args):
        result = builder.extract_element(args[0], ir.Constant(ir.IntType(32), 0))
        for i in range(1, v.width):
            lane = builder.extract_element(args[0], ir.Constant(ir.IntType(32), i))
            result = builder.select(builder.fcmp_ordered(">", lane, result), lane, result)
        return result

    return types.float32(v), codegen


@intrinsic
def lane_sum(typingctx, v):
    """Return the sum of all lanes."""

    def codegen(context, builder, signature, args):
        return _lane_sum(builder, args[0], v.width)

    return types.float32(v), codegen


def _lane_sum(builder, vector, width):
    # a tree of halves: the order of additions is fixed, so results repeat bit for bit
    while width > 1:
        width //= 2
        low, high = (
            builder.shuffle_vector(
                vector,
                ir.Constant(vector.type, ir.Undefined),
                ir.Constant(ir.VectorType(ir.IntType(32), width), [start + i for i in range(width)]),
            )
            for start in (0, width)
        )
        vector = builder.fadd(low, high)
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def _make_store_group_sums(group):
    @intrinsic
    def store_group_sums(typingctx, address, v):
        def codegen(context, builder, signature, args):
            address, vector = args
            n_groups = v.width // group
            # pairwise: add neighbours that belong to the same group until one lane a group is left
            width = v.width
            while width > n_groups:
                width //= 2
                even, odd = (
                    builder.shuffle_vector(
                        vector,
                        ir.Constant(vector.type, ir.Undefined),
                        ir.Constant(ir.VectorType(ir.IntType(32), width), [2 * i + offset for i in range(width)]),
                    )
                    for offset in (0, 1)
                )
                vector = builder.fadd(even, odd)
            builder.store(vector, _pointer(builder, address, _llvm(n_groups)), align=4)
            return context.get_dummy_value()

        return types.void(types.int64, v), codegen

    return store_group_sums


def _make_reverse_groups(group):
    @intrinsic
    def reverse_groups(typingctx, v):
        def codegen(context, builder, signature, args):
            n_groups = v.width // group
            order = [(n_groups - 1 - i // group) * group + i % group for i in range(v.width)]
            mask = ir.Constant(ir.VectorType(ir.IntType(32), v.width), order)
            return builder.shuffle_vector(args[0], ir.Constant(args[0].type, ir.Undefined), mask)

        return v(v), codegen

    return reverse_groups


STORE_GROUP_SUMS = {4: _make_store_group_sums(4), 8: _make_store_group_sums(8)}
"""By group size: write the sum of each group of lanes, in order (16/group floats)."""
REVERSE_GROUPS = {4: _make_reverse_groups(4), 8: _make_reverse_groups(8)}
"""By group size: reverse the order of the groups of lanes, keeping the order within each."""
