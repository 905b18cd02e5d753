"""What a published graph holds, in a form that two builds can be compared by."""

import duckdb


def content(settings):
    """Every row of nodes, edges and evidence of the published graph, in order."""
    with duckdb.connect(str(settings.published), read_only=True) as con:
        return {
            table: con.table(table).order("ALL").fetchall()
            for table in ("nodes", "edges", "evidence")
        }
