"""What can be wrong with the lake."""

from __future__ import annotations


class LakeError(Exception):
    """Something in the lake is not as it must be; the message says what to do."""


class CorruptFileError(LakeError):
    """A file's bytes are not those that were committed.

    Args:
        message: What is wrong, where, and what to do.
        table: The table that the file belongs to.
        partition: Its partition.
    """

    def __init__(self, message: str, table: str, partition: str) -> None:
        super().__init__(message)
        self.table = table
        self.partition = partition


class MissingPartitionsError(LakeError):
    """A step needs all partitions of a table and some were never built."""
