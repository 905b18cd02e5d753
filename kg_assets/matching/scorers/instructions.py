"""The instructions that a model is compiled to, before they become machine code."""

from __future__ import annotations

import numpy as np

WIDTH = 8
"""Numbers of an instruction: operation; register that keeps what it finds; kind and place of the
left operand; kind and place of the right one; where a test goes on if it has another answer than
the wanted one, or the constant below which a similarity does not matter; the wanted answer."""

LEFT, RIGHT, REGISTER, CONSTANT = range(4)
"""Kinds of operands: a column of the left record, one of the right record, a number that an
instruction has kept, a number of the model."""

SIZE_BITS = 28
"""Of a word that says where texts or elements are, so many bits are their number, the others the
first place. That is 268 million bytes of a text, many times `KG_MAX_BLOB_BYTES`."""

NO_SPAN = np.uint64(2**64 - 1)
"""Such a word of what is NULL."""

NULL = 2
"""Answer of a test of which nothing is known; 1 is true and 0 false."""

MISSING, UNKNOWN = -1, -2
"""Levels: a value is missing; the pair cannot reach the limit, so nobody asked."""

(
    # Numbers of two operands, kept in the destination.
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    DISTANCE,
    GREATEST,
    LEAST,
    # Numbers of one operand.
    COPY,
    ABSOLUTE,
    # Tests of numbers.
    IS_NULL,
    HOLDS,
    EQUAL,
    MORE,
    AT_LEAST,
    # Numbers of two columns of records, computed once for each pair.
    SHARED,  # how many elements two lists have in common
    TELLING,  # what these tell together: the sum of their low bits
    BEST,  # best similarity of two lists of texts
    # Tests of two columns of records.
    SAME,
    BOTH_NULL_OR_SAME,
    OVERLAP,  # known once for each pair too
    # Numbers of two texts, computed once for each pair, and tests of them.
    JARO_WINKLER,
    EDITS,  # edit distance
    CONTAINS,
    STARTS_WITH,
    # Where the program goes.
    OPEN,  # whether no level of a comparison is known yet
    NO_LEVEL_BEFORE,  # no level of a comparison before this one is reached
    LEVEL,  # a level is reached
    VETO,
    JUMP,
) = range(29)
