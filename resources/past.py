"""Production as it was: the lake at an earlier commit, for comparing and looking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resources import catalog_rows as rows
from resources.entries import Head, digest
from resources.lake import Lake
from resources.team_settings import PRODUCTION

if TYPE_CHECKING:
    from resources.settings import Settings
    from resources.table import Table


class PastProduction(Lake):
    """Tables of production as one of its commits left them; read only.

    Args:
        settings: Where lake and catalog lie; their namespace plays no part.
        commit_id: The commit.
    """

    def __init__(self, settings: Settings, commit_id: int) -> None:
        super().__init__(settings.in_namespace(PRODUCTION))
        with self.catalog.reading() as connection:
            found = rows.production_at(connection, commit_id)
            self._heads = rows.with_below(connection, found.values())

    def heads(self, table: Table, partition: str | None = None) -> dict[str, Head]:
        """Files of a table then, by partition."""
        found = {head.partition: head for head in self._heads if head.table == table.name}
        return found if partition is None else {k: v for k, v in found.items() if k == partition}

    def current_digest(self, table: str, partition: str) -> str | None:
        """Digest of a table (``*``) or of one partition then, None where there was nothing."""
        found = {head.partition: head for head in self._heads if head.table == table}
        return digest(found, partition)
