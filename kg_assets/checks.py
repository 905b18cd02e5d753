"""Promises that a step makes about its outputs, looked at before anything is committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from resources.keyed import by_hash, rises
from resources.layers import REMOVED

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Step
    from resources.table import Table

_EXAMPLES = 5


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes:
        passed: Whether the promise is kept.
        figures: Numbers and examples that show why.
    """

    passed: bool
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """A promise about one of a step's outputs.

    Attributes:
        name: Name of the asset check.
        table: The output that it is shown at.
        description: What is promised.
        look: Looks at the step's staged outputs.
        blocking: Whether what follows would be wrong without it.
    """

    name: str
    table: Table
    description: str
    look: Callable[[Step], Verdict]
    blocking: bool = True


def none_of(relation: duckdb.DuckDBPyRelation) -> Verdict:
    """A verdict that passes where a relation of offenders has no rows.

    Args:
        relation: The offenders; a few of them are shown.
    """
    rows = relation.aggregate("count(*)").fetchall()
    count = int(rows[0][0])
    if not count:
        # Looking for examples would find the offenders of a whole table once more.
        return Verdict(True)
    examples = [[str(value) for value in row] for row in relation.limit(_EXAMPLES).fetchall()]
    return Verdict(False, {"offenders": count, "examples": examples})


def contract(table: Table) -> tuple[Check, Check]:
    """The promises that every table makes: its schema holds and its key is unique."""
    return (
        Check(
            name="schema_contract",
            table=table,
            description="The file has the declared columns and types, and no required value is "
            "missing.",
            look=lambda step: _schema_holds(step, table),
        ),
        Check(
            name="unique_key",
            table=table,
            description=f"No two rows have the same {', '.join(table.key)}.",
            look=lambda step: _keys_are_unique(step, table),
        ),
    )


def _schema_holds(step: Step, table: Table) -> Verdict:
    import pyarrow.parquet as pq

    found = pq.read_schema(step.staged_path(table))
    changed = step.staged_change(table)
    wrong = [
        f"{column.name}: {column.type}"
        for column in table.schema
        if column.name not in found.names or found.field(column.name).type != column.type
    ]
    required = [column.name for column in table.schema if not column.nullable]
    # What a layer does not touch was looked at when it was written.
    staged = step.staged(table) if changed is None else changed.filter(f"NOT {REMOVED}")
    # Most tables of a small build are empty, and a query takes as long as for a few rows.
    if required and step.rows(table):
        # Names are our own declarations, never a source's.
        missing = staged.filter(" OR ".join(f'"{name}" IS NULL' for name in required))
        [(count,)] = missing.count("*").fetchall()
        wrong += [f"{count} rows lack a required value"] if count else []
    return Verdict(not wrong, {"wrong": wrong} if wrong else {"columns": len(found.names)})


def _keys_are_unique(step: Step, table: Table) -> Verdict:
    changed = step.staged_change(table)
    if changed is not None and not changed.limit(1).fetchall():
        return Verdict(True)  # it stands as it was, which was looked at when it was written
    if rises(step.staged_path(table), table.key):
        return Verdict(True)
    # It is not sorted, or a key stands twice: then it is told which.
    keys = ", ".join(f'"{name}"' for name in table.key)
    rows = step.staged(table) if changed is None else changed
    rows.create_view("keyed_rows", replace=True)
    offenders, examples = 0, []
    for part in by_hash(step.con, "keyed_rows", keys):
        repeated = (
            step.con.view("keyed_rows")
            .filter(part)
            .aggregate(f"{keys}, count(*) AS rows_with_this_key", keys)
            .filter("rows_with_this_key > 1")
        )
        found = none_of(repeated).figures
        offenders += found.get("offenders", 0)
        examples += found.get("examples", [])
    if not offenders:
        return Verdict(True)
    return Verdict(False, {"offenders": offenders, "examples": sorted(examples)[:_EXAMPLES]})
