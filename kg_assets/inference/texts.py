"""Texts that are no fields of records: the current version of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.inference.text_tables import TEXTS
from kg_assets.matching.live import live_deliveries, read_deliveries
from kg_assets.sources.tables import SOURCE_TEXTS

if TYPE_CHECKING:
    from resources.lake import Step

_WITHOUT_TEXT = ", ".join(("file", "position", "document_id"))


def run_texts(step: Step) -> None:
    """Write the current version of each text: the last that was delivered, and not deleted since.

    Args:
        step: Reads deliveries, which of them have records, and the texts of each.
    """
    con = step.con
    con.register("delivery", live_deliveries(con, read_deliveries(step)))
    con.register("none_delivered", SOURCE_TEXTS.schema.empty_table())
    keys = [f"SELECT 0 AS number, {_WITHOUT_TEXT} FROM none_delivered"]  # noqa: S608 - our columns
    whole = ["SELECT 0 AS number, * FROM none_delivered"]
    for number, source, name in con.sql(
        "SELECT number, source, delivery FROM delivery ORDER BY number"
    ).fetchall():
        step.view(f"texts_{number}", SOURCE_TEXTS, f"{source}|{name}")
        keys.append(f"SELECT {number} AS number, {_WITHOUT_TEXT} FROM texts_{number}")  # noqa: S608
        whole.append(f"SELECT {number} AS number, * FROM texts_{number}")  # noqa: S608 - numbers
    # Ids first: of the texts only those that count are read.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE latest_text AS
        SELECT number, source, delivery, document_id
        FROM ({" UNION ALL ".join(keys)}) AS text
        JOIN delivery USING (number)
        QUALIFY row_number() OVER (
            PARTITION BY source, document_id
            ORDER BY number DESC, file, position
        ) = 1 AND mode <> 'delete'
        """  # noqa: S608 - our own names and numbers
    )
    columns = ", ".join(f'"{name}"' for name in TEXTS.schema.names)
    texts = step.write(
        TEXTS,
        con.sql(
            f"""
            SELECT {columns}
            FROM ({" UNION ALL ".join(whole)}) AS text
            JOIN latest_text USING (number, document_id)
            """  # noqa: S608 - our own names and numbers
        ),
    )
    step.report(texts=texts)
