"""Adding people's judgements and taking them back.

Judgements are only ever added. A thing may be judged again, and the newest judgement counts; a row
that names an earlier one in ``undoes`` takes it back, so that the one before it counts again. What
would stand is looked at before anything is added.
"""

# ruff: noqa: S608 - what is put into statements are names of columns and views of ours.

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic

import pyarrow as pa

from kg_assets.judging.values import J, JudgementError, Kind, Said, time_text
from resources.lock import lake_lock

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Lake, Step


@dataclass(frozen=True)
class Added(Generic[J]):
    """What became of judgements that were to be added.

    Attributes:
        added: Those that are new, as they were written.
        known: How many were there already.
    """

    added: tuple[J, ...]
    known: int


def add(lake: Lake, kind: Kind[J], given: Sequence[J]) -> Added[J]:
    """Add judgements: all of them, or none where one cannot be.

    A judgement with an id that is there already, and one without id and time that says what its
    author's standing judgement of the thing says, is known and adds nothing. What is added lies in
    memory, and so do the judgements of its entity types: they are as many as people can make.

    Args:
        lake: Where.
        kind: What kind of judgements they are.
        given: The judgements, in the order in which they were made.

    Raises:
        JudgementError: One takes back what does not exist, or has the id of another.
        ContradictionError: They contradict each other or what stands.
    """
    return add_all(lake, [(kind, given)])[0]


def add_all(lake: Lake, given: Sequence[tuple[Kind[Any], Sequence[Any]]]) -> list[Added[Any]]:
    """Add judgements of several kinds: all of them, or none where one cannot be; see `add`.

    Args:
        lake: Where.
        given: Kinds, each with its judgements.

    Returns:
        What became of those of each kind.
    """
    given = [(kind, list(those)) for kind, those in given]
    wanted = sorted({kind.table.name for kind, those in given if those})
    if not wanted:
        return [Added((), 0) for _ in given]
    with ExitStack() as locks:
        for name in wanted:
            locks.enter_context(lake_lock(lake.settings, f"{name}-{lake.namespace}"))
        with lake.step(wanted[0]) as step:
            return [_add(step, kind, those) for kind, those in given]


def _add(step: Step, kind: Kind[J], given: Sequence[J]) -> Added[J]:
    judged = {one.entity_type for one in given}
    if judged:
        # A namespace reads a table through from production until it has written it: from then
        # on it needs all of the partitions itself. One step commits them together.
        for other in sorted(set(step.lake.heads(kind.table)) - judged):
            step.keep(kind.table, other)
    added: list[J] = []
    for each in sorted(judged):
        added += _stage(step, kind, each, [one for one in given if one.entity_type == each])
    return Added(tuple(added), len(given) - len(added))


def take_back(lake: Lake, kind: Kind[J], earlier: J, *, who: str, why: str = "") -> J:
    """Take a judgement back.

    Args:
        lake: Where it is.
        kind: What kind of judgement it is.
        earlier: The judgement, with its id.
        who: Who takes it back.
        why: The reason.

    Returns:
        The row that does it.

    Raises:
        ContradictionError: What would stand without it contradicts itself.
    """
    undoing = replace(earlier, who=who, why=why, time="", undoes=earlier.id, id="")
    return add(lake, kind, [undoing]).added[0]


def stand(
    con: duckdb.DuckDBPyConnection, judgements: duckdb.DuckDBPyRelation, about: Sequence[str]
) -> duckdb.DuckDBPyRelation:
    """What stands: of each thing the newest judgement that was not taken back.

    Args:
        con: The connection of the judgements; a view is made on it.
        judgements: Rows of a table of judgements, of one entity type or several.
        about: The columns that say what is judged.

    Returns:
        Rows of it, at most one for each thing, ordered by it.
    """
    judgements.create_view("judgements_given", replace=True)
    columns = ", ".join(about)
    return con.sql(
        f"""
        SELECT *
        FROM judgements_given
        WHERE undoes IS NULL
            AND id NOT IN (SELECT undoes FROM judgements_given WHERE undoes IS NOT NULL)
        QUALIFY row_number() OVER (
            PARTITION BY {columns}
            ORDER BY time DESC, id DESC
        ) = 1
        ORDER BY {columns}
        """
    )


def _stage(step: Step, kind: Kind[J], entity_type: str, given: Sequence[J]) -> list[J]:
    """Write a type's partition with the new judgements behind those before, to be committed."""
    before = step.read(kind.table, entity_type, tracked=False)
    known = judgements_of(kind, before)
    about = kind.made.about
    standing = {one.thing: one for one in judgements_of(kind, stand(step.con, before, about))}
    by_id = {one.id: one for one in known}
    newest = max((one.time for one in known), default="")
    clock = datetime.now(UTC)
    if newest:
        clock = max(clock, datetime.fromisoformat(newest) + timedelta(microseconds=1))
    added: list[J] = []
    for one in given:
        now = standing.get(one.thing)
        unplaced = not (one.id or one.time or one.undoes)
        if unplaced and now is not None and _said(one) == _said(now):
            continue
        if not one.time:
            one = replace(one, time=time_text(clock))
            clock += timedelta(microseconds=1)
        one = replace(one, id=one.id or _id(one))
        there = by_id.get(one.id)
        if there is None:
            by_id[one.id] = one
            added.append(one)
        elif there != one:
            raise JudgementError(
                f"the id {one.id} of a judgement of {one.words} belongs to another one, of "
                f"{there.words} at {there.time}"
            )
    _look_at_undone(added, by_id)
    rows = [asdict(one) for one in (*known, *added)]
    step.con.register("judgements_now", pa.Table.from_pylist(rows, schema=kind.table.schema))
    kind.refuse(step.lake, step.con, stand(step.con, step.con.table("judgements_now"), about))
    step.write(kind.table, step.con.table("judgements_now"), entity_type)
    return added


def _said(one: Said) -> tuple[object, ...]:
    return (one.answer, one.who, one.why)


def _look_at_undone(added: Sequence[J], by_id: dict[str, J]) -> None:
    """Refuse a row that takes back what is not there, of another thing, or takes back itself."""
    for one in added:
        if one.undoes is None:
            continue
        earlier = by_id.get(one.undoes)
        of = f"of {one.words}"
        if earlier is None:
            raise JudgementError(f"the judgement {one.undoes} {of} that is undone is not there")
        if earlier.thing != one.thing:
            raise JudgementError(
                f"the judgement {one.undoes} that is undone is not {of}, but of {earlier.words}"
            )
        if earlier.undoes is not None:
            raise JudgementError(
                f"the judgement {one.undoes} {of} takes back another one itself and cannot be "
                "undone; judge it again"
            )


def _id(one: Said) -> str:
    said = [getattr(one, name) for name in one.hashed]
    text = "\x1f".join("\x1e" if each is None else each for each in said)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def judgements_of(kind: Kind[J], found: duckdb.DuckDBPyRelation) -> list[J]:
    """Rows of the table of a kind as judgements; they are as many as people can make."""
    columns = found.project(", ".join(kind.table.schema.names)).to_arrow_table()
    return [kind.made(**row) for row in columns.to_pylist()]
