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

_QUOTE, _BACKSLASH, _FIRST_PRINTED, _FEED = 34, 92, 32, 10


def _address(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [place])


def _splat(value: int) -> Any:
    from llvmlite import ir

    kind = ir.VectorType(ir.IntType(8), BLOCK)
    return ir.Constant(kind, [ir.Constant(ir.IntType(8), value)] * BLOCK)


def _block(builder: Any, address: Any, before: int = 0) -> Any:
    """The 32 bytes that begin so many bytes before an address."""
    from llvmlite import ir

    kind = ir.VectorType(ir.IntType(8), BLOCK)
    if before:
        address = builder.gep(address, [ir.IntType(64)(-before)])
    return builder.load(builder.bitcast(address, kind.as_pointer()), align=1)


def _before(builder: Any, found: Any) -> Any:
    """How many bytes of a block come before the first that was found."""
    from llvmlite import ir

    bits = builder.bitcast(found, ir.IntType(BLOCK))
    return builder.zext(builder.cttz(bits, ir.IntType(1)(0)), ir.IntType(64))


def _bits(builder: Any, found: Any) -> Any:
    """A bit for each byte of a block, the first the lowest: whether it was found."""
    from llvmlite import ir

    return builder.zext(builder.bitcast(found, ir.IntType(BLOCK)), ir.IntType(64))


@intrinsic
def ends_in_block(typing: Any, data: Any, place: Any) -> Any:
    """How many of the 32 bytes from a place come before a quote, a backslash or a control byte."""
    from numba import types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _block(builder, _address(context, builder, signature.args[0], *arguments))
        ends = builder.or_(
            builder.icmp_unsigned("==", block, _splat(_QUOTE)),
            builder.or_(
                builder.icmp_unsigned("==", block, _splat(_BACKSLASH)),
                builder.icmp_unsigned("<", block, _splat(_FIRST_PRINTED)),
            ),
        )
        return _before(builder, ends)

    return types.int64(data, types.int64), code


@intrinsic
def feed_in_block(typing: Any, data: Any, place: Any) -> Any:
    """How many of the 32 bytes from a place come before a line feed."""
    from numba import types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _block(builder, _address(context, builder, signature.args[0], *arguments))
        return _before(builder, builder.icmp_unsigned("==", block, _splat(_FEED)))

    return types.int64(data, types.int64), code


@intrinsic
def beyond_ascii(typing: Any, data: Any, place: Any) -> Any:
    """A bit for each of the 32 bytes from a place, the first the lowest: whether it is no ASCII."""
    from numba import types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _block(builder, _address(context, builder, signature.args[0], *arguments))
        return _bits(builder, builder.icmp_signed("<", block, _splat(0)))

    return types.uint64(data, types.int64), code


@intrinsic
def faults_in_block(typing: Any, data: Any, place: Any) -> Any:
    """A bit for each of the 32 bytes from a place: whether it is wrong in UTF-8 after the 3 before.

    The 3 bytes before the place have to lie within the array too. The rules are those of table 3-7
    of the Unicode standard: how many bytes follow a first one, and what the second may be.
    """
    from numba import types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments)
        block, first, second, third = (_block(builder, address, before) for before in range(4))

        def least(bytes_: Any, value: int) -> Any:
            return builder.icmp_unsigned(">=", bytes_, _splat(value))

        def is_in(bytes_: Any, low: int, high: int) -> Any:
            return builder.icmp_unsigned("<=", builder.sub(bytes_, _splat(low)), _splat(high - low))

        follows = is_in(block, 0x80, 0xBF)
        should = builder.or_(
            least(first, 0xC0), builder.or_(least(second, 0xE0), least(third, 0xF0))
        )
        faults = builder.xor(follows, should)
        for lead, low, high in (
            (0xE0, 0x80, 0x9F),
            (0xED, 0xA0, 0xBF),
            (0xF0, 0x80, 0x8F),
            (0xF4, 0x90, 0xBF),
        ):
            leads = builder.icmp_unsigned("==", first, _splat(lead))
            faults = builder.or_(faults, builder.and_(leads, is_in(block, low, high)))
        faults = builder.or_(faults, is_in(block, 0xC0, 0xC1))
        return _bits(builder, builder.or_(faults, least(block, 0xF5)))

    return types.uint64(data, types.int64), code


@intrinsic
def byte_at(typing: Any, data: Any, place: Any) -> Any:
    """The byte at a place, which numba's own index would look at for being negative."""
    from llvmlite import ir
    from numba import types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments)
        return builder.zext(builder.load(address), ir.IntType(64))

    return types.int64(data, types.int64), code


@intrinsic
def number_at(typing: Any, numbers: Any, place: Any) -> Any:
    """The number of 64 bits at a place; see `byte_at`."""
    from numba import types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_address(context, builder, signature.args[0], *arguments))

    return numbers.dtype(numbers, types.int64), code


@intrinsic
def put_byte(typing: Any, to: Any, place: Any, value: Any) -> Any:
    """Writes a byte; see `byte_at`."""
    from llvmlite import ir
    from numba import types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        to, place, value = arguments
        address = _address(context, builder, signature.args[0], to, place)
        builder.store(builder.trunc(value, ir.IntType(8)), address)
        return context.get_dummy_value()

    return types.void(to, types.int64, types.int64), code


@intrinsic
def put_number(typing: Any, to: Any, place: Any, value: Any) -> Any:
    """Writes a number of 64 bits; see `byte_at`."""
    from numba import types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        to, place, value = arguments
        builder.store(value, _address(context, builder, signature.args[0], to, place))
        return context.get_dummy_value()

    return types.void(to, types.int64, to.dtype), code


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


@intrinsic
def ask_for(typing: Any, data: Any, place: Any) -> Any:
    """Has the processor fetch what stands at a place, which is to be read soon."""
    from llvmlite import ir
    from numba import types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [address.type], kind)
        # To read it; to keep it in all caches; data.
        builder.call(fetch, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(data, types.int64), code
