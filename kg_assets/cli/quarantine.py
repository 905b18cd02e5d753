"""`kg quarantine`: what did not become a record, with its place and the reason."""

from __future__ import annotations

import json as json_module
import sys
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.cli.reading import reading_session
from kg_assets.cli.render import Exit, complain, console, print_table
from kg_assets.sources.tables import QUARANTINED_BLOBS
from resources.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from resources.settings import Settings

_BATCH_ROWS = 2_048


def quarantine(
    settings: Settings, delivery: str | None, *, limit: int = 50, json: bool = False
) -> int:
    """Print the quarantined blobs of deliveries: file, position, stage and reason.

    Args:
        settings: Where the lake is.
        delivery: source|delivery, or a source for all of its deliveries; None: all there are.
        limit: Blobs shown at most in a table; JSON holds all.
        json: Print a JSON list with an object for each blob.

    Returns:
        Exit code: 0 also where nothing is quarantined, 1 where the delivery was not read yet, 2
        where the call is wrong.
    """
    if limit < 1:
        complain("--limit must be at least 1")
        return Exit.BAD_INPUT
    known = sorted(Lake(settings).heads(QUARANTINED_BLOBS))
    wanted = [key for key in known if delivery in (None, key, key.partition("|")[0])]
    if delivery is not None and not wanted:
        complain(
            f"no delivery {delivery!r} has been read: name a source or source|delivery, and read "
            "what was landed with: kg build"
        )
        return Exit.NOT_FOUND
    with reading_session(settings) as con:
        found = _blobs(settings, con, wanted)
        if json:
            _print_json(found)
        else:
            _print(found, wanted, limit)
    return Exit.OK


def _blobs(
    settings: Settings, con: duckdb.DuckDBPyConnection, deliveries: Sequence[str]
) -> duckdb.DuckDBPyRelation:
    lake = Lake(settings)
    con.register("none_quarantined", QUARANTINED_BLOBS.schema.empty_table())
    found = con.sql("SELECT '' AS delivery, * FROM none_quarantined")
    for number, key in enumerate(deliveries):
        # The key is a value here: it is bound, like all that comes from outside.
        con.register(f"key_{number}", pa.table({"delivery": [key]}))
        blobs = lake.relation(con, QUARANTINED_BLOBS, key)
        found = found.union(con.table(f"key_{number}").cross(blobs))
    return found.order('delivery, file, "table" NULLS FIRST, position, stage, reason')


def _print(found: duckdb.DuckDBPyRelation, deliveries: Sequence[str], limit: int) -> None:
    total = found.aggregate("count(*)").fetchall()[0][0]
    if not total:
        console.print(f"Nothing is quarantined ({len(deliveries):,} deliveries).")
        return
    rows = found.project("delivery, concat_ws(' ', file, \"table\"), position, reason")
    print_table(["delivery", "file", "position", "reason"], rows.limit(limit).fetchall())
    if total > limit:
        console.print(
            f"[dim]the first {limit:,} of {total:,}; more with --limit, all with --json[/]"
        )


def _print_json(found: duckdb.DuckDBPyRelation) -> None:
    """Print blobs as JSON, one to a line, without holding them all."""
    separator = "[\n"
    for batch in found.to_arrow_reader(_BATCH_ROWS):
        for row in batch.to_pylist():
            sys.stdout.write(separator + json_module.dumps(row))
            separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")
