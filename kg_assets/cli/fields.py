"""What a person compares of two records: values, people by role, and the works of a person."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kg_assets.cli.render import shown
from kg_assets.matching.tables import resolved_entities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from kg_assets.matching.explain import Explanation
    from resources.lake import Lake

LONGEST = 500
"""Characters of a value that are shown; nobody compares more by eye."""

_HIDDEN = {"entity_type", "source", "source_id", "credits"}
_WORKS = "credited_works"
_CONTEXT = {"first_active": "active from", "last_active": "active until"}
"""Features that say when a person worked, and what they are called for people."""


def shortened(value: object) -> str:
    """A value as text, cut where nobody would read on."""
    text = shown(value)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]} … ({len(text):,} characters)"


def with_works(
    lake: Lake,
    con: duckdb.DuckDBPyConnection,
    depends_on: Sequence[str],
    explanations: Sequence[Explanation],
) -> list[Explanation]:
    """Add to the records what they are compared by and do not hold themselves.

    A record of a person is one credit or many: who it is shows in the works, by name and year,
    and in the years of work. The works that both have in common come first.

    Args:
        lake: Where the works are.
        con: The connection.
        depends_on: Entity types of the works.
        explanations: Explained pairs of one type.
    """
    compared = [(_compared(one, "left"), _compared(one, "right")) for one in explanations]
    wanted = sorted({work for pair in compared for side in pair for work in side.get(_WORKS) or ()})
    names: dict[str, str] = {}
    con.register("works_wanted", pa.table({"entity_id": pa.array(wanted, pa.string())}))
    for kind in depends_on if wanted else ():
        lake.relation(con, resolved_entities(kind)).create_view("works_resolved", replace=True)
        found = con.sql(
            """
            SELECT entity_id, name, year
            FROM works_resolved
            SEMI JOIN works_wanted USING (entity_id)
            """
        ).fetchall()
        names |= {each: name + (f" ({year})" if year else "") for each, name, year in found}
    con.unregister("works_wanted")
    made = []
    for one, (left, right) in zip(explanations, compared, strict=True):
        common = set(left.get(_WORKS) or ()) & set(right.get(_WORKS) or ())
        made.append(
            replace(
                one,
                left={**one.left, **_context(left, common, names)},
                right={**one.right, **_context(right, common, names)},
            )
        )
    return made


def _compared(one: Explanation, side: str) -> dict[str, Any]:
    return {name: value for part in one.comparisons for name, value in getattr(part, side).items()}


def _context(
    values: Mapping[str, Any], common: set[str], names: Mapping[str, str]
) -> dict[str, object]:
    found: dict[str, object] = {}
    works = [(work not in common, names.get(work, work)) for work in values.get(_WORKS) or ()]
    if works:
        found["works"] = [name for _, name in sorted(works)]
    for name, called in _CONTEXT.items():
        if values.get(name) is not None:
            found[called] = values[name]
    return found


def fields_of(explanation: Explanation) -> list[tuple[str, object, object]]:
    """Name and both values of each field that a person compares."""
    left, right = _readable(explanation.left), _readable(explanation.right)
    return [(name, left.get(name), right.get(name)) for name in dict.fromkeys([*left, *right])]


def _readable(record: Mapping[str, Any]) -> dict[str, object]:
    """Values of a record, with who did what in place of the credits."""
    found: dict[str, object] = {k: v for k, v in record.items() if k not in _HIDDEN}
    for credit in record.get("credits") or ():
        people = found.setdefault(str(credit["role"] or "credited"), [])
        if isinstance(people, list) and credit["name"] not in people:
            people.append(credit["name"])
    # What is long and seldom decides stands last.
    return {**{k: v for k, v in found.items() if k not in _LAST}, **_last(found)}


_LAST = ("description", "url", "external_ids")


def _last(found: Mapping[str, object]) -> dict[str, object]:
    return {name: found[name] for name in _LAST if name in found}
