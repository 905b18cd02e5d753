"""What can be wrong with the lake."""

from __future__ import annotations


class LakeError(Exception):
    """Something in the lake is not as it must be; the message says what to do."""


class CorruptFileError(LakeError):
    """A file's bytes are not those that were committed."""


class MissingPartitionsError(LakeError):
    """A step needs all partitions of a table and some were never built."""
