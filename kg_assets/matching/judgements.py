"""People's judgements: how they are added, taken back, and what stands.

Judgements are only ever added. A pair may be judged again, and the newest judgement counts; a row
that names an earlier one in ``undoes`` takes it back, so that the one before it counts again.
What stands is free of contradictions: records that a chain of ``same`` joins are never
``different``. That is looked at before anything is added, and once more before it is used.
"""

# ruff: noqa: S608 - what is put into statements are names of views of ours.

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from kg_assets.matching.models import MODELS
from kg_assets.matching.tables import JUDGEMENTS
from resources.lock import exclusive

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Lake, Step

Verdict = Literal["same", "different", "unsure"]

VERDICTS: tuple[Verdict, ...] = ("same", "different", "unsure")

JUDGED_DIFFERENT = "judged_different"
"""What stands as veto of a pair that a person keeps apart."""

_LONGEST = {"record_l": 1_000, "record_r": 1_000, "who": 200, "why": 4_000, "id": 64, "undoes": 64}
"""Characters of a value at most; a longer one is no id, name or reason but an accident."""

_AHEAD = timedelta(days=1)
"""How far a clock may be ahead; a judgement from the future would outrank all others until then."""


class JudgementError(ValueError):
    """A judgement cannot be added; the message says which and why."""


class ContradictionError(JudgementError):
    """Judgements contradict each other; the message shows the chain that leads to it."""


@dataclass(frozen=True)
class Judgement:
    """What a person said of a pair of records.

    Attributes:
        entity_type: Type of both records.
        record_l: The smaller record id, source:source_id.
        record_r: The greater one.
        verdict: same, different or unsure; of a row that takes another back, that one's verdict.
        who: Who said so.
        why: The reason, may be empty.
        time: When, UTC, ISO 8601 with microseconds; empty: when it is added.
        undoes: Id of the judgement that this takes back.
        id: Hash of the rest; empty: made when it is added.
    """

    entity_type: str
    record_l: str
    record_r: str
    verdict: Verdict
    who: str
    why: str = ""
    time: str = ""
    undoes: str | None = None
    id: str = ""


def judgement(
    entity_type: str,
    record_a: str,
    record_b: str,
    verdict: str,
    *,
    who: str,
    why: str = "",
    time: str = "",
    undoes: str | None = None,
    id: str = "",
) -> Judgement:
    """Make a judgement of values that may be wrong.

    Args:
        entity_type: A type with a match model.
        record_a: A record id, source:source_id.
        record_b: Another; in any order.
        verdict: same, different or unsure.
        who: Who said so.
        why: The reason.
        time: ISO 8601 with a time zone; empty: when it is added.
        undoes: Id of the judgement that this takes back.
        id: Its id, where it has one.

    Raises:
        JudgementError: A value cannot be; the message names it.
    """
    if entity_type not in MODELS:
        raise JudgementError(
            f"{entity_type!r} is no entity type that is matched; there are {', '.join(MODELS)}"
        )
    if verdict not in VERDICTS:
        raise JudgementError(f"verdict {verdict!r} is none of {', '.join(VERDICTS)}")
    for record in (record_a, record_b):
        source, colon, source_id = record.partition(":")
        if not (source and colon and source_id):
            raise JudgementError(f"{record!r} is no record: write source:source_id")
    if record_a == record_b:
        raise JudgementError(f"{record_a!r} is judged against itself")
    if not who.strip():
        raise JudgementError("nobody is named who judged: who is empty")
    record_l, record_r = sorted((record_a, record_b))
    made = Judgement(
        entity_type,
        record_l,
        record_r,
        verdict,
        who.strip(),
        why.strip(),
        _utc(time) if time else "",
        undoes,
        id,
    )
    for name, most in _LONGEST.items():
        value = getattr(made, name) or ""
        if len(value) > most:
            raise JudgementError(f"{name} has {len(value):,} characters, {most:,} are allowed")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise JudgementError(f"{name} is not Unicode text")
    return made


def _utc(text: str) -> str:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise JudgementError(f"time {text!r} is not ISO 8601") from None
    if time.tzinfo is None:
        raise JudgementError(f"time {text!r} has no time zone; write Z for UTC")
    try:
        time = time.astimezone(UTC)
    except OverflowError:
        raise JudgementError(f"time {text!r} is out of range") from None
    if time > datetime.now(UTC) + _AHEAD:
        raise JudgementError(f"time {text!r} is in the future")
    return _written(time)


def _written(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


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
    lock = settings.home / "locks" / f"judgements-{settings.namespace}.lock"
    with exclusive(lock), ExitStack() as steps:
        # A namespace reads a table through from production until it has written it: from then
        # on it needs all of the partitions itself.
        kinds = sorted({one.entity_type for one in given} | set(lake.heads(JUDGEMENTS)))
        added: list[Judgement] = []
        for kind in kinds:
            step = steps.enter_context(lake.step(JUDGEMENTS.name, partition=kind))
            added += _stage(step, [one for one in given if one.entity_type == kind])
    return Added(tuple(added), len(given) - len(added))


def _stage(step: Step, given: Sequence[Judgement]) -> list[Judgement]:
    """Write a partition with the new judgements behind those before, to be committed."""
    before = step.previous(JUDGEMENTS)
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
            one = replace(one, time=_written(clock))
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
    step.write(JUDGEMENTS, step.con.table("judgements_now"))
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


def stand(
    con: duckdb.DuckDBPyConnection, judgements: duckdb.DuckDBPyRelation
) -> duckdb.DuckDBPyRelation:
    """What stands: of each pair the newest judgement that was not taken back.

    Args:
        con: The connection of the judgements; a view is made on it.
        judgements: Rows of the table judgements, of one entity type or several.

    Returns:
        Rows of it, at most one for each type and pair, ordered by pair.
    """
    judgements.create_view("judgements_given", replace=True)
    return con.sql(
        """
        SELECT *
        FROM judgements_given
        WHERE undoes IS NULL
            AND id NOT IN (SELECT undoes FROM judgements_given WHERE undoes IS NOT NULL)
        QUALIFY row_number() OVER (
            PARTITION BY entity_type, record_l, record_r
            ORDER BY time DESC, id DESC
        ) = 1
        ORDER BY entity_type, record_l, record_r
        """
    )


def joined(pairs: pa.Table) -> pa.Table:
    """Which records a chain of ``same`` joins.

    Args:
        pairs: Standing judgements of one type: record_l, record_r, verdict.

    Returns:
        record_id, thing: every record that is judged, with the smallest record of its chain.
    """
    import numpy as np

    from kg_assets.matching.components import connected

    ends = pa.chunked_array(
        [*pairs["record_l"].chunks, *pairs["record_r"].chunks], type=pa.string()
    )
    ids = ends.unique().sort() if len(ends) else pa.array([], pa.string())
    same = pairs.filter(pa.compute.equal(pairs["verdict"], "same"))
    left, right = (
        pa.compute.index_in(same[side], ids).to_numpy().astype(np.int64)
        for side in ("record_l", "record_r")
    )
    label = connected(len(ids), left, right)
    first = np.full(len(ids), len(ids), dtype=np.int64)
    np.minimum.at(first, label, np.arange(len(ids)))
    return pa.table({"record_id": ids, "thing": ids.take(pa.array(first[label]))})


def refuse_contradiction(standing: pa.Table) -> None:
    """Make sure that no two records are judged different and joined by a chain of ``same``.

    Args:
        standing: Standing judgements of one type.

    Raises:
        ContradictionError: There is such a pair.
    """
    things = joined(standing)
    thing = dict(zip(*(column.to_pylist() for column in things.columns), strict=True))
    for one in standing.to_pylist():
        if one["verdict"] != "different" or thing[one["record_l"]] != thing[one["record_r"]]:
            continue
        raise ContradictionError(
            f"judgements contradict each other: {_in_words(one)}; but also "
            + "; ".join(_in_words(link) for link in _chain(standing, one))
            + ". Nothing was written. Take one of them back, or judge that pair again"
        )


def deciding(standing: pa.Table, left: str, right: str) -> tuple[str | None, list[str]]:
    """The verdict on a pair that follows from what stands, and the judgements it follows from.

    Args:
        standing: Standing judgements of one type, without contradictions.
        left: A record id.
        right: Another.

    Returns:
        same or different, None where nothing follows; and each judgement in words.
    """
    columns = joined(standing).columns
    thing = dict(zip(*(column.to_pylist() for column in columns), strict=True))
    ends = {thing.get(left), thing.get(right)}
    if None in ends:
        return None, []

    def words(first: str, second: str) -> list[str]:
        links = _chain(standing, {"record_l": first, "record_r": second}) if first != second else []
        return [_in_words(link) + (f": {link['why']}" if link["why"] else "") for link in links]

    if len(ends) == 1:
        return "same", words(left, right)
    for one in standing.to_pylist():
        sides = one["record_l"], one["record_r"]
        if one["verdict"] == "different" and {thing[each] for each in sides} == ends:
            first, second = sides if thing[sides[0]] == thing[left] else sides[::-1]
            apart = _in_words(one) + (f": {one['why']}" if one["why"] else "")
            return "different", [apart, *words(left, first), *words(second, right)]
    return None, []


def _in_words(one: dict[str, str]) -> str:
    verb = "is the same as" if one["verdict"] == "same" else "is different from"
    return f"{one['record_l']} {verb} {one['record_r']} ({one['who']}, {one['time']}, {one['id']})"


def _chain(standing: pa.Table, apart: dict[str, str]) -> list[dict[str, str]]:
    """The shortest chain of ``same`` between the records of a pair."""
    beside: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for one in standing.to_pylist():
        if one["verdict"] == "same":
            beside.setdefault(one["record_l"], []).append((one["record_r"], one))
            beside.setdefault(one["record_r"], []).append((one["record_l"], one))
    came: dict[str, tuple[str, dict[str, str]] | None] = {apart["record_l"]: None}
    waiting = deque([apart["record_l"]])
    while waiting:
        here = waiting.popleft()
        for other, link in beside.get(here, []):
            if other not in came:
                came[other] = (here, link)
                waiting.append(other)
    chain = []
    step = came[apart["record_r"]]
    while step is not None:
        chain.append(step[1])
        step = came[step[0]]
    return chain[::-1]


@dataclass(frozen=True)
class JudgedCounts:
    """Numbers of standing judgements.

    Attributes:
        same: Pairs that are one thing, of records that are there.
        different: Pairs that are two, of records that are there.
        unsure: Pairs that a person could not decide.
        gone: Judgements of records that are not there; kept, and without effect until they are.
    """

    same: int
    different: int
    unsure: int
    gone: int


def judged_pairs(
    con: duckdb.DuckDBPyConnection,
    judgements: duckdb.DuckDBPyRelation,
    records: duckdb.DuckDBPyRelation,
) -> JudgedCounts:
    """Make what stands available to the resolution of entities.

    Leaves on the connection the tables ``judged`` (record_l, record_r, verdict: standing
    judgements of records that are there), ``judged_same`` (record_l, record_r),
    ``judged_different`` (record_l, record_r, veto) and ``judged_thing`` (record_id, thing: the
    judged records, and which of them are one).

    Args:
        con: The connection of both.
        judgements: Rows of the table judgements of one entity type.
        records: record_id of the current records.

    Raises:
        ContradictionError: What stands contradicts itself.
    """
    stand(con, judgements).create_view("judged_standing", replace=True)
    records.create_view("judged_record", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE judged AS
        SELECT s.*
        FROM judged_standing AS s
        SEMI JOIN judged_record AS l ON l.record_id = s.record_l
        SEMI JOIN judged_record AS r ON r.record_id = s.record_r
        """
    )
    found = con.sql("FROM judged ORDER BY record_l, record_r").to_arrow_table()
    refuse_contradiction(found)
    con.register("judged_things_found", joined(found))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE judged_thing AS FROM judged_things_found;
        CREATE OR REPLACE TEMP TABLE judged_same AS
        SELECT record_l, record_r
        FROM judged
        WHERE verdict = 'same';
        CREATE OR REPLACE TEMP TABLE judged_different AS
        SELECT record_l, record_r, '{JUDGED_DIFFERENT}' AS veto
        FROM judged
        WHERE verdict = 'different';
        """
    )
    con.unregister("judged_things_found")
    counts = dict(con.sql("SELECT verdict, count(*) FROM judged GROUP BY 1").fetchall())
    standing = con.sql("SELECT count(*) FROM judged_standing").fetchall()[0][0]
    return JudgedCounts(
        same=counts.get("same", 0),
        different=counts.get("different", 0),
        unsure=counts.get("unsure", 0),
        gone=standing - sum(counts.values()),
    )


def unsettled(con: duckdb.DuckDBPyConnection, pairs_view: str) -> duckdb.DuckDBPyRelation:
    """The pairs that people's judgements leave open.

    A pair is settled if it was judged, also as unsure, and if it follows from what was judged:
    records that are one thing, or of two things that are different.

    Args:
        con: A connection on which `judged_pairs` was called.
        pairs_view: Name of a view of any columns, record_l and record_r among them.
    """
    return con.sql(
        f"""
        WITH different AS (
            SELECT
                least(l.thing, r.thing) AS first,
                greatest(l.thing, r.thing) AS second
            FROM judged_different AS d
            JOIN judged_thing AS l ON l.record_id = d.record_l
            JOIN judged_thing AS r ON r.record_id = d.record_r
        ),
        followed AS (
            SELECT p.record_l, p.record_r
            FROM {pairs_view} AS p
            JOIN judged_thing AS l ON l.record_id = p.record_l
            JOIN judged_thing AS r ON r.record_id = p.record_r
            LEFT JOIN different AS d
                ON d.first = least(l.thing, r.thing)
                AND d.second = greatest(l.thing, r.thing)
            WHERE l.thing = r.thing
                OR d.first IS NOT NULL
        )
        FROM {pairs_view}
        ANTI JOIN judged USING (record_l, record_r)
        ANTI JOIN followed USING (record_l, record_r)
        """
    )


def not_joined_by_people(
    con: duckdb.DuckDBPyConnection, pairs_view: str
) -> duckdb.DuckDBPyRelation:
    """The pairs whose records are not judged to be one thing, which vetoes still keep apart.

    Args:
        con: A connection on which `judged_pairs` was called.
        pairs_view: Name of a view of any columns, record_l and record_r among them.
    """
    return con.sql(
        f"""
        SELECT p.*
        FROM {pairs_view} AS p
        LEFT JOIN judged_thing AS l ON l.record_id = p.record_l
        LEFT JOIN judged_thing AS r ON r.record_id = p.record_r
        WHERE (l.thing = r.thing) IS NOT TRUE
        """
    )
