"""Adding people's judgements and taking them back.

Judgements are only ever added. A pair may be judged again, and the newest judgement counts; a row
that names an earlier one in ``undoes`` takes it back, so that the one before it counts again. What
would stand is looked at before anything is added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching.judgement_values import Judgement, JudgementError, time_text
from kg_assets.matching.judgements import refuse_contradiction, stand
from kg_assets.matching.tables import JUDGEMENTS
from resources.lock import lake_lock

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Lake, Step


@dataclass(frozen=True)
class Added:
    """What became of judgements that were to be added.

    Attributes:
        added: Those that are new, as they were written.
        known: How many were there already.
    """

    added: tuple[Judgement, ...]
    known: int


def add(lake: Lake, given: Sequence[Judgement]) -> Added:
    """Add judgements: all of them, or none where one cannot be.

    A judgement with an id that is there already, and one without id and time that says what its
    author's standing judgement of the pair says, is known and adds nothing. What is added lies in
    memory, and so do the judgements of its entity types: they are as many as people can make.

    Args:
        lake: Where.
        given: The judgements, in the order in which they were made.

    Raises:
        JudgementError: One takes back what does not exist, or has the id of another.
        ContradictionError: They contradict each other or what stands.
    """
    if not given:
        return Added((), 0)
    settings = lake.settings
    lock = f"judgements-{settings.namespace}"
    judged = {one.entity_type for one in given}
    added: list[Judgement] = []
    with lake_lock(settings, lock), lake.step(JUDGEMENTS.name) as step:
        # A namespace reads a table through from production until it has written it: from then
        # on it needs all of the partitions itself. One step commits them together.
        for kind in sorted(set(lake.heads(JUDGEMENTS)) - judged):
            step.keep(JUDGEMENTS, kind)
        for kind in sorted(judged):
            added += _stage(step, kind, [one for one in given if one.entity_type == kind])
    return Added(tuple(added), len(given) - len(added))


def _stage(step: Step, kind: str, given: Sequence[Judgement]) -> list[Judgement]:
    """Write a type's partition with the new judgements behind those before, to be committed."""
    before = step.read(JUDGEMENTS, kind, tracked=False)
    known = _judgements(before)
    standing = {(one.record_l, one.record_r): one for one in _judgements(stand(step.con, before))}
    by_id = {one.id: one for one in known}
    newest = max((one.time for one in known), default="")
    clock = datetime.now(UTC)
    if newest:
        clock = max(clock, datetime.fromisoformat(newest) + timedelta(microseconds=1))
    added: list[Judgement] = []
    for one in given:
        now = standing.get((one.record_l, one.record_r))
        said = (one.verdict, one.who, one.why)
        unplaced = not (one.id or one.time or one.undoes)
        if unplaced and now is not None and said == (now.verdict, now.who, now.why):
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
                f"the id {one.id} of a judgement of {one.record_l} and {one.record_r} belongs "
                f"to another one, of {there.record_l} and {there.record_r} at {there.time}"
            )
    _look_at_undone(added, by_id)
    step.con.register("judgements_now", _table([*known, *added]))
    now_standing = stand(step.con, step.con.table("judgements_now"))
    refuse_contradiction(now_standing.to_arrow_table())
    step.write(JUDGEMENTS, step.con.table("judgements_now"), kind)
    return added


def _look_at_undone(added: Sequence[Judgement], by_id: dict[str, Judgement]) -> None:
    """Refuse a row that takes back what is not there, is of another pair, or takes back itself."""
    for one in added:
        if one.undoes is None:
            continue
        earlier = by_id.get(one.undoes)
        pair = f"of {one.record_l} and {one.record_r}"
        if earlier is None:
            raise JudgementError(f"the judgement {one.undoes} {pair} that is undone is not there")
        if (earlier.record_l, earlier.record_r) != (one.record_l, one.record_r):
            raise JudgementError(
                f"the judgement {one.undoes} that is undone is not {pair}, but of "
                f"{earlier.record_l} and {earlier.record_r}"
            )
        if earlier.undoes is not None:
            raise JudgementError(
                f"the judgement {one.undoes} {pair} takes back another one itself and cannot be "
                "undone; judge the pair again"
            )


def _id(one: Judgement) -> str:
    said = [one.entity_type, one.record_l, one.record_r, one.verdict, one.who, one.time, one.why]
    text = "\x1f".join([*said, one.undoes or "\x1e"])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _table(given: Sequence[Judgement]) -> pa.Table:
    return pa.Table.from_pylist([asdict(one) for one in given], schema=JUDGEMENTS.schema)


def _judgements(found: duckdb.DuckDBPyRelation) -> list[Judgement]:
    columns = found.project(", ".join(JUDGEMENTS.schema.names)).to_arrow_table()
    return [Judgement(**row) for row in columns.to_pylist()]


def take_back(lake: Lake, earlier: Judgement, *, who: str, why: str = "") -> Judgement:
    """Take a judgement back.

    Args:
        lake: Where it is.
        earlier: The judgement, with its id.
        who: Who takes it back.
        why: The reason.

    Returns:
        The row that does it.

    Raises:
        ContradictionError: What would stand without it contradicts itself.
    """
    undoing = replace(earlier, who=who, why=why, time="", undoes=earlier.id, id="")
    return add(lake, [undoing]).added[0]
