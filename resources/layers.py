"""Layers over a file: what changed since, merged into the rows that a version holds.

A version of a partition is a whole Parquet file, or one with a short chain of layers over it. A
layer holds changed rows, each with its key, and the keys of rows that were removed. The newest
layer that names a key says what its row is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from resources.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

REMOVED = "removed_by_layer"
"""Column of a layer: whether the row of this key is gone; its other columns are then empty."""

_numbers = itertools.count()


@dataclass(frozen=True)
class Changes:
    """How a table differs from what a step's current output was made from.

    Attributes:
        rows: Rows that are new or other than they were, with all columns of the table.
        removed: Keys of the rows that are gone.
        count: How many both are together.
    """

    rows: duckdb.DuckDBPyRelation
    removed: duckdb.DuckDBPyRelation
    count: int


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


def merged(
    con: duckdb.DuckDBPyConnection, table: Table, chain: Sequence[Path]
) -> duckdb.DuckDBPyRelation:
    """The rows of a version.

    Args:
        con: The connection.
        table: The table.
        chain: The version's files, the whole one first.
    """
    whole = con.read_parquet([str(chain[0])])
    if len(chain) == 1:
        return whole
    return laid_over(table, whole, newest(con, table, chain[1:]))


def laid_over(
    table: Table, below: duckdb.DuckDBPyRelation, layer: duckdb.DuckDBPyRelation
) -> duckdb.DuckDBPyRelation:
    """Rows with one layer applied; both are read, and neither is kept in memory whole.

    Args:
        table: The table.
        below: Its rows without the layer.
        layer: Rows of the layer, one a key.
    """
    columns = _columns(table.schema.names)
    met = " AND ".join(f'below."{name}" = layer."{name}"' for name in table.key)
    kept = below.project(columns).set_alias("below")
    touched = layer.project(_columns(table.key)).set_alias("layer")
    return kept.join(touched, met, how="anti").union(
        layer.filter(f"NOT {REMOVED}").project(columns)
    )


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


def changes_in(
    con: duckdb.DuckDBPyConnection, table: Table, partitions: Sequence[Sequence[Path]], count: int
) -> Changes:
    """What layers say has changed.

    Args:
        con: The connection.
        table: The table.
        partitions: Files of layers of each partition, the oldest first.
        count: How many rows they hold.
    """
    columns = _columns(table.schema.names)
    together = con.from_arrow(layer_table(table).schema.empty_table())
    for layers in filter(None, partitions):
        together = together.union(newest(con, table, layers).project(f"{columns}, {REMOVED}"))
    return Changes(
        rows=together.filter(f"NOT {REMOVED}").project(columns),
        removed=together.filter(REMOVED).project(_columns(table.key)),
        count=count,
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
    met = " AND ".join(f'other."{name}" = own."{name}"' for name in table.key)
    empty = ", ".join(
        f'own."{name}"' if name in table.key else f'NULL AS "{name}"' for name in table.schema.names
    )
    for side, rows in (("old", old), ("new", new)):
        rows.project(columns).create_view(f"{side}_rows_{number}")
        con.execute(
            f"""
            CREATE TEMP TABLE {side}_row_{number} AS
            SELECT * FROM {side}_rows_{number}
            """  # noqa: S608 - names of ours.
        )
    con.execute(
        f"""
        CREATE TEMP TABLE layer_{number} AS
        SELECT *, FALSE AS {REMOVED}
        FROM (SELECT * FROM new_row_{number} EXCEPT SELECT * FROM old_row_{number})
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
