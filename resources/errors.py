"""What can be wrong with the lake, and with what comes from outside."""

from __future__ import annotations

from resources.team_settings import PRODUCTION


class InputError(Exception):
    """What came from outside is not as it must be: as long as it stays so, it fails again."""


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


class ProductionError(LakeError, PermissionError):
    """Production was to be written other than by promotion."""


class PromotionError(LakeError):
    """Production cannot be changed as asked, or a namespace cannot; the message says why."""


class NothingNewError(PromotionError):
    """A namespace holds what production does."""


class MissingPartitionsError(LakeError):
    """A step needs all partitions of a table and some were never built."""


def refuse_production(namespace: str) -> None:
    """Refuse to write production, which is done by promotion and rollback only.

    Raises:
        ProductionError: The namespace is production's.
    """
    if namespace == PRODUCTION:
        raise ProductionError(
            f"the namespace {PRODUCTION!r} is only changed by promotion (kg promote NAMESPACE); "
            "work in another one, such as KG_NAMESPACE=dev"
        )
