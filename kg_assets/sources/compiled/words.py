"""Several bytes at a time: what numba has no function for, written for LLVM.

To be imported where something is compiled, since numba is imported with it. The callers say for
each place that it lies within the array; nothing is checked here.
"""

# ruff: noqa: ARG001 - numba finds in the signature what the code is written for.

from __future__ import annotations

from typing import Any

from kg_assets.machine_code import intrinsic

BLOCK = 32
"""Bytes that are looked at, or copied, at a time."""

_QUOTE, _BACKSLASH, _FIRST_PRINTED = 34, 92, 32


def _address(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [place])


def _splat(value: int) -> Any:
    from llvmlite import ir

    kind = ir.VectorType(ir.IntType(8), BLOCK)
    return ir.Constant(kind, [ir.Constant(ir.IntType(8), value)] * BLOCK)


@intrinsic
def ends_in_block(typing: Any, data: Any, place: Any) -> Any:
    """How many of the 32 bytes from a place come before a quote, a backslash or a control byte."""
    from llvmlite import ir
    from numba import types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments)
        kind = ir.VectorType(ir.IntType(8), BLOCK)
        block = builder.load(builder.bitcast(address, kind.as_pointer()), align=1)
        ends = builder.or_(
            builder.icmp_unsigned("==", block, _splat(_QUOTE)),
            builder.or_(
                builder.icmp_unsigned("==", block, _splat(_BACKSLASH)),
                builder.icmp_unsigned("<", block, _splat(_FIRST_PRINTED)),
            ),
        )
        bits = builder.bitcast(ends, ir.IntType(BLOCK))
        return builder.zext(builder.cttz(bits, ir.IntType(1)(0)), ir.IntType(64))

    return types.int64(data, types.int64), code


@intrinsic
def word_at(typing: Any, data: Any, place: Any) -> Any:
    """The 8 bytes from a place as a number, the first the lowest."""
    from llvmlite import ir
    from numba import types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments)
        return builder.load(builder.bitcast(address, ir.IntType(64).as_pointer()), align=1)

    return types.uint64(data, types.int64), code


@intrinsic
def copy_block(typing: Any, to: Any, place: Any, data: Any, start: Any) -> Any:
    """Copies 32 bytes."""
    from llvmlite import ir
    from numba import types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.VectorType(ir.IntType(8), BLOCK).as_pointer()
        to_kind, _, data_kind, _ = signature.args
        to, place, data, start = arguments
        target = _address(context, builder, to_kind, to, place)
        source = _address(context, builder, data_kind, data, start)
        block = builder.load(builder.bitcast(source, kind), align=1)
        builder.store(block, builder.bitcast(target, kind), align=1)
        return context.get_dummy_value()

    return types.void(to, types.int64, data, types.int64), code
