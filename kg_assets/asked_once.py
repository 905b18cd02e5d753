"""What Dagster asks of a database again and again, and is true for ever once it is true."""

from __future__ import annotations

from collections.abc import Callable


class AskedOnce:
    """A storage that asks whether it has a table, a column or an index until it has.

    For each record that it reads, Dagster asks the database for all columns of a table.
    """

    def once(self, name: str, ask: Callable[[], bool]) -> bool:
        """Whether something is there.

        Args:
            name: What it is.
            ask: Asks the database.
        """
        known: set[str] = self.__dict__.setdefault("_known", set())
        if name not in known and ask():
            known.add(name)
        return name in known
