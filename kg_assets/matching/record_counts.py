"""How many records each source has, and how many of them name each frequent term.

They are counted on from update to update: a scan of all records takes longer than a small update.
"""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching.records import records, replaced_records
from resources.table import WHOLE, Table

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step

SAMPLED_RECORDS = 100_000
"""Records in which terms are counted, at least where there are so many."""

TERMS = 20
"""Frequent terms of a column that are buckets of their own; all others are one more."""

OTHER = ""
"""The bucket of all other terms."""

SOURCE, DUPLICATE_FREE, TERM, SAMPLE = "source", "duplicate_free", "term", "sample"
"""What is counted: records of a source, those that are declared free of duplicates, those of the
sample that name a term, and of how many records one is in the sample."""


def record_counts(entity_type: str) -> Table:
    """How many records there are by source and by frequent term."""
    return Table(
        name=f"{entity_type}/record_counts",
        schema=pa.schema(
            [
                pa.field("kind", pa.string(), nullable=False),
                pa.field("item", pa.string(), nullable=False),
                pa.field("bucket", pa.string(), nullable=False),
                pa.field("count", pa.int64(), nullable=False),
            ]
        ),
        key=("kind", "item", "bucket"),
        description="How many records each source has and how many of them are declared free of "
        "duplicates; and how many of a sample name each term that was frequent when the thresholds "
        "were frozen, and others.",
    )


def frequent_terms(spec: MatchSpec, records_view: str, total: int) -> str:
    """SQL for the most frequent terms of each column, and all others: kind, item, bucket, count.

    Args:
        spec: The type's match model.
        records_view: Name of a view of the type's records.
        total: How many these are.
    """
    parts = [
        f"""
        SELECT '{TERM}' AS kind, '{one.column}' AS item, bucket, sum(records)::BIGINT AS count
        FROM (
            SELECT CASE WHEN row_number() OVER (ORDER BY count(*) DESC, term) <= {TERMS}
                        THEN term ELSE '{OTHER}' END AS bucket,
                   count(*) AS records
            FROM ({_terms(one.column, one.terms, records_view, total)})
            GROUP BY term
        )
        GROUP BY ALL
        """
        for one in spec.term_frequencies
    ]
    nothing = f"SELECT '{TERM}' AS kind, '' AS item, '' AS bucket, 0::BIGINT AS count LIMIT 0"
    return "\nUNION ALL\n".join(parts or [nothing])


def count_records(step: Step, spec: MatchSpec, frozen: str, *, anew: bool) -> None:
    """Write how many records there are: those counted before, with what changed, or all anew.

    Args:
        step: Reads the records, and its own counts before.
        spec: The type's match model.
        frozen: Name of a table of the profile, whose terms are counted.
        anew: Whether the profile is another one than that of the counts before.
    """
    con, table = step.con, record_counts(spec.entity_type)
    changed = step.changes(table, records(spec))
    head = step.head_of(records(spec))
    total = 0 if head is None else head.file.rows
    if anew or changed is None or not _counted_on(step, spec, changed.rows, frozen, total):
        step.view("record_counted", records(spec))
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE record_count AS
            {_counted(spec, "record_counted", frozen, total)}
            UNION ALL
            SELECT '{SAMPLE}', '', '', {_one_of(total)}
            """
        )
    step.write(table, con.table("record_count"))


def _counted_on(
    step: Step, spec: MatchSpec, came: duckdb.DuckDBPyRelation, frozen: str, total: int
) -> bool:
    """Make ``record_count`` of the counts before and what changed; False where that fails.

    What changed records were before is known of the last update alone. Where the sources then have
    as many records together as there are, nothing is missing.
    """
    con, table = step.con, record_counts(spec.entity_type)
    since = (step.made_from(table, records(spec)) or {}).get(WHOLE, "")
    came.create_view("record_came", replace=True)
    step.read(replaced_records(spec), tracked=False).create_view("record_replaced", replace=True)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE record_went AS FROM record_replaced WHERE since = $since",
        {"since": since},
    )
    step.previous(table).create_view("counted_before", replace=True)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE record_count AS
        SELECT kind, item, bucket, sum(count)::BIGINT AS count
        FROM (
            FROM counted_before
            UNION ALL
            {_counted(spec, "record_came", frozen, total)}
            UNION ALL
            SELECT kind, item, bucket, -count
            FROM ({_counted(spec, "record_went", frozen, total)})
        )
        GROUP BY kind, item, bucket
        HAVING sum(count) <> 0
        """
    )
    [(found, sample)] = con.sql(
        f"""
        SELECT coalesce(sum(count) FILTER (kind = '{SOURCE}'), 0),
               coalesce(sum(count) FILTER (kind = '{SAMPLE}'), 0)
        FROM record_count
        """
    ).fetchall()
    return (int(found), int(sample)) == (total, _one_of(total))


def _counted(spec: MatchSpec, records_view: str, frozen: str, total: int) -> str:
    """SQL for the counts of some records: kind, item, bucket, count."""
    parts = [
        f"""
        SELECT '{SOURCE}' AS kind, '' AS item, source AS bucket, count(*) AS count
        FROM {records_view}
        GROUP BY source
        """,
        f"""
        SELECT '{DUPLICATE_FREE}', '', source, count(*)
        FROM {records_view}
        WHERE duplicate_free
        GROUP BY source
        """,
    ]
    parts += [
        f"""
        SELECT '{TERM}', '{one.column}', coalesce(known.bucket, '{OTHER}') AS bucket, count(*)
        FROM ({_terms(one.column, one.terms, records_view, total)})
        LEFT JOIN (
            SELECT bucket FROM {frozen} WHERE kind = '{TERM}' AND item = '{one.column}'
        ) AS known ON known.bucket = term
        GROUP BY ALL
        """
        for one in spec.term_frequencies
    ]
    return "\nUNION ALL\n".join(parts)


def _terms(column: str, terms: str | None, records_view: str, total: int) -> str:
    """SQL for the terms of a sample of records, one row each."""
    return f"""
        SELECT unnest(list_distinct({terms or "[value]"})) AS term
        FROM (
            SELECT {column} AS value
            FROM {records_view}
            WHERE {column} IS NOT NULL
              AND hash(record_id) % {_one_of(total)} = 0
        )
        """


def _one_of(total: int) -> int:
    """Of how many records one is in the sample; it seldom changes, since all are counted then."""
    return 1 << max(0, (total // SAMPLED_RECORDS).bit_length() - 1)
