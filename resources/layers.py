"""Layers over a file: what changed since, merged into the rows that a version holds.

A version of a partition is a whole Parquet file, or one with a short chain of layers over it. A
layer holds changed rows, each with its key, and the keys of rows that were removed. The newest
layer that names a key says what its row is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from resources.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

REMOVED = "removed_by_layer"
"""Column of a layer: whether the row of this key is gone; its other columns are then empty."""

_numbers = itertools.count()


class Changes:
    """How a table differs from what a step's current output was made from.

    Files are opened when rows are asked for: a step in which nothing changed looks at the count.

    Args:
        con: The connection of the relations.
        table: The table.
        partitions: Files of layers of each partition, the oldest first.
        count: How many rows they hold.

    Attributes:
        count: How many rows changed or are gone.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        table: Table,
        partitions: Sequence[Sequence[Path]],
        count: int,
    ) -> None:
        self.count = count
        self._con = con
        self._table = table
        self._partitions = [layers for layers in partitions if layers]

    @cached_property
    def _together(self) -> duckdb.DuckDBPyRelation:
        columns = _columns(self._table.schema.names)
        found = [
            newest(self._con, self._table, layers).project(f"{columns}, {REMOVED}")
            for layers in self._partitions
        ]
        if not found:
            return self._con.from_arrow(layer_table(self._table).schema.empty_table())
        together = found[0]
        for one in found[1:]:
            together = together.union(one)
        return together

    @property
    def rows(self) -> duckdb.DuckDBPyRelation:
        """Rows that are new or other than they were, with all columns of the table."""
        columns = _columns(self._table.schema.names)
        return self._together.filter(f"NOT {REMOVED}").project(columns)

    @property
    def removed(self) -> duckdb.DuckDBPyRelation:
        """Keys of the rows that are gone."""
        return self._together.filter(REMOVED).project(_columns(self._table.key))


def layer_table(table: Table) -> Table:
    """The contract of a table's layers.

    Raises:
        ValueError: A column of the key may be missing, so that rows could not be told apart.
    """
    loose = [name for name in table.key if table.schema.field(name).nullable]
    if loose:
        raise ValueError(f"table {table.name} can have no layers: {loose} of its key may be NULL")
    return Table(
        name=table.name,
        schema=pa.schema(
            [
                *(each.with_nullable(each.name not in table.key) for each in table.schema),
                pa.field(REMOVED, pa.bool_(), nullable=False),
            ]
        ),
        key=table.key,
        description=table.description,
    )


def opened(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    paths: Sequence[str],
    *,
    alike: bool = True,
    named: bool = False,
) -> duckdb.DuckDBPyRelation:
    """The rows of whole files, some of which an earlier version of the program may have written.

    A delivery that can no longer be read again keeps its file. What that file has no column for
    is NULL where it may be, so that it does not hold up the others; a required column that no
    file has is left out.

    Args:
        con: The connection.
        table: The table.
        paths: The files.
        alike: Whether all have the same columns; else the columns of each are looked up.
        named: Whether the column filename says where each row is from.
    """
    read = con.read_parquet(list(paths), filename=named, union_by_name=not alike)
    there = {*read.columns}
    if there >= {*table.schema.names}:
        return read
    kinds = con.from_arrow(table.schema.empty_table())
    told = ", ".join(
        f'"{name}"' if name in there else f'CAST(NULL AS {kind}) AS "{name}"'
        for name, kind in zip(kinds.columns, kinds.types, strict=True)
        if name in there or table.schema.field(name).nullable
    )
    return read.project(told + (", filename" if named else ""))


def merged(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    chain: Sequence[Path],
    where: str | None = None,
) -> duckdb.DuckDBPyRelation:
    """The rows of a version.

    Args:
        con: The connection.
        table: The table.
        chain: The version's files, the whole one first.
        where: Condition that the rows fulfil. It is looked at before layers are laid over the
            file: of a file with many rows it reads the columns that it names, and of those that
            do not fulfil it nothing else.
    """
    whole = opened(con, table, [str(chain[0])])
    if where is not None:
        whole = whole.filter(where)
    if len(chain) == 1:
        return whole
    return laid_over(table, whole, newest(con, table, chain[1:]), where)


def laid_over(
    table: Table,
    below: duckdb.DuckDBPyRelation,
    layer: duckdb.DuckDBPyRelation,
    where: str | None = None,
) -> duckdb.DuckDBPyRelation:
    """Rows with one layer applied; both are read, and neither is kept in memory whole.

    Args:
        table: The table.
        below: Its rows without the layer; where there is a condition, those that fulfil it.
        layer: Rows of the layer, one a key.
        where: Condition that the rows fulfil.
    """
    columns = _columns(table.schema.names)
    met = " AND ".join(f'below."{name}" = layer."{name}"' for name in table.key)
    kept = below.project(columns).set_alias("below")
    touched = layer.project(_columns(table.key)).set_alias("layer")
    fresh = layer.filter(f"NOT {REMOVED}").project(columns)
    if where is not None:
        fresh = fresh.filter(where)
    return kept.join(touched, met, how="anti").union(fresh)


def newest(
    con: duckdb.DuckDBPyConnection, table: Table, layers: Sequence[Path]
) -> duckdb.DuckDBPyRelation:
    """Several layers as one: of each key what the last of them says.

    Args:
        con: The connection.
        table: The table.
        layers: Files of layers, the oldest first; at least one.
    """
    read = [con.read_parquet([str(path)]) for path in layers]
    if len(read) == 1:
        return read[0]
    columns = _columns([*table.schema.names, REMOVED])
    stacked = read[0].project(f"{columns}, 0 AS place_of_layer")
    for place, layer in enumerate(read[1:], 1):
        stacked = stacked.union(layer.project(f"{columns}, {place} AS place_of_layer"))
    keys = _columns(table.key)
    # A relation names its view; two relations of one connection must not share it.
    name = f"stacked_layers_{next(_numbers)}"
    stacked.create_view(name)
    return con.sql(
        f"""
        SELECT {columns}
        FROM {name}
        QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY place_of_layer DESC) = 1
        """  # noqa: S608 - names of columns are our own declarations.
    )


def difference(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    old: duckdb.DuckDBPyRelation,
    new: duckdb.DuckDBPyRelation,
) -> tuple[duckdb.DuckDBPyRelation, int, int]:
    """The layer that turns some rows into others.

    Args:
        con: The connection; it keeps the layer as a temporary table.
        table: The table that the rows belong to.
        old: Rows that are there.
        new: Rows that shall be there in their place.

    Returns:
        The layer, its number of rows, and by how many rows the table grows (less than 0: shrinks).
    """
    number = next(_numbers)
    columns, keys = _columns(table.schema.names), _columns(table.key)
    own_columns = ", ".join(f'own."{name}"' for name in table.schema.names)
    met = " AND ".join(f'other."{name}" = own."{name}"' for name in table.key)
    empty = ", ".join(
        f'own."{name}"' if name in table.key else f'NULL AS "{name}"' for name in table.schema.names
    )
    old.project(columns).create_view(f"old_rows_{number}")
    new.project(columns).create_view(f"new_rows_{number}")
    # Rows are compared by hash: wide ones would need the memory of all of them at once.
    con.execute(
        f"""
        CREATE TEMP TABLE old_row_{number} AS
        SELECT {keys}, hash({columns}) AS content_of_row FROM old_rows_{number};

        CREATE TEMP TABLE new_row_{number} AS
        SELECT * FROM new_rows_{number};

        CREATE TEMP TABLE layer_{number} AS
        SELECT *, FALSE AS {REMOVED}
        FROM new_row_{number} AS own
        ANTI JOIN old_row_{number} AS other
               ON {met} AND other.content_of_row = hash({own_columns})
        UNION ALL
        SELECT {empty}, TRUE
        FROM old_row_{number} AS own
        ANTI JOIN (SELECT {keys} FROM new_row_{number}) AS other ON {met}
        """  # noqa: S608 - names of columns are our own declarations.
    )
    counts = con.sql(
        f"""
        SELECT (SELECT count(*) FROM layer_{number}),
               (SELECT count(*) FROM new_row_{number}) - (SELECT count(*) FROM old_row_{number})
        """  # noqa: S608 - names of ours.
    ).fetchall()[0]
    for side in ("old", "new"):
        con.execute(f"DROP TABLE {side}_row_{number}; DROP VIEW {side}_rows_{number}")
    return con.table(f"layer_{number}"), int(counts[0]), int(counts[1])


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
