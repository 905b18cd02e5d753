"""Questions of `kg review` about pairs of records."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from kg_assets.cli.explain import explanations_of, print_records, print_weights
from kg_assets.cli.render import clean, console
from kg_assets.matching.judgement_log import PAIRS
from kg_assets.matching.judgement_values import Judgement, judgement
from kg_assets.matching.judgements import judged_pairs, unsettled
from kg_assets.matching.models import MODELS, configured_models
from kg_assets.matching.records import records
from kg_assets.matching.tables import JUDGEMENTS, cluster_quality, entity_members, review_queue
from resources.lake import Lake, LakeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import duckdb

    from kg_assets.matching.explain import Explanation
    from resources.settings import Settings

_TOGETHER = 500
"""Pairs that are explained at once: their records lie in memory."""


@dataclass(frozen=True)
class Cluster:
    """How well a cluster of two records or more hangs together.

    Attributes:
        entity_id: The entity.
        records: Its records.
        density: Share of the pairs of its records that are edges.
        bridges: Edges whose removal parts it.
        denied_pairs: Pairs inside that were scored and are no edges.
        weakest_edge: Least bits of an edge above its threshold; None where people made all.
        score: Pairs of its records that are to be expected to be joined falsely.
    """

    entity_id: str
    records: int
    density: float
    bridges: int
    denied_pairs: int
    weakest_edge: float | None
    score: float

    @property
    def words(self) -> str:
        """The figures as a line."""
        weakest = "a judgement" if self.weakest_edge is None else f"{self.weakest_edge:.1f} bits"
        return (
            f"{self.entity_id}: {self.records:,} records, density {self.density:.2f}, "
            f"{self.bridges:,} {'bridge' if self.bridges == 1 else 'bridges'}, weakest edge "
            f"{weakest}, {self.denied_pairs:,} denied pairs inside, "
            f"{self.score:,.1f} pairs expected to be false"
        )


@dataclass(frozen=True)
class Asked:
    """A pair of the review queue.

    Attributes:
        entity_type: Type of both records.
        record_l: The smaller record id.
        record_r: The greater one.
        reason: Why it is asked.
        kind: What makes it doubtful: kept apart, cluster, veto or threshold.
        change: Pairs of records that a judgement is to be expected to join or to part. It does not
            tell one pair from another.
        clusters: The clusters of both records, once where it is the same; one of a single record
            is none. They do not tell one pair from another.
    """

    entity_type: str
    record_l: str
    record_r: str
    reason: str
    kind: str = ""
    change: float = field(default=0.0, compare=False)
    clusters: tuple[Cluster, ...] = field(default=(), compare=False)


class PairDesk:
    """Asks about pairs.

    Args:
        settings: Where the lake is, and who judges.
        con: The connection that reads it.
    """

    kind = PAIRS
    types = tuple(MODELS)
    answers: ClassVar[Mapping[str, str]] = {
        "s": "same", "d": "different", "u": "unsure",
        **{word: word for word in ("same", "different", "unsure")},
    }  # fmt: skip
    prompt = "(s)ame, (d)ifferent, (u)nsure, undo, s(k)ip, (q)uit, and why: "

    def __init__(self, settings: Settings, con: duckdb.DuckDBPyConnection) -> None:
        self._settings = settings
        self._con = con

    def open(self, entity_type: str) -> list[Asked]:
        """Pairs of a type's queue that nobody settled, in the order in which they are asked."""
        return _open(self._settings, self._con, entity_type)

    def change(self, one: Asked) -> float:
        """Pairs of records that a judgement is to be expected to join or to part."""
        return one.change

    def told(self, queue: Sequence[Asked]) -> list[Asked]:
        """The questions with what is known of the clusters of their records."""
        return _with_clusters(self._settings, self._con, queue)

    def explained(self, queue: Sequence[Asked]) -> Iterator[tuple[Asked, Explanation]]:
        """The questions with their explanations."""
        return _explained(self._settings, self._con, queue)

    def show(self, one: Asked, found: Explanation, progress: str) -> None:
        """Print a question."""
        _show(one, found, progress)

    def judged(self, one: Asked, _found: Explanation, answer: str, why: str) -> Judgement:
        """Make the judgement of an answer."""
        who = self._settings.user
        return judgement(one.entity_type, one.record_l, one.record_r, answer, who=who, why=why)

    def as_dict(self, one: Asked, found: Explanation) -> dict[str, Any]:
        """A question for a program to read."""
        return {"question": "pair", **asdict(one), **asdict(found)}


def _open(settings: Settings, con: duckdb.DuckDBPyConnection, kind: str) -> list[Asked]:
    """Pairs of a type's queue that nobody settled, in the order in which they are asked."""
    lake = Lake(settings)
    queue = lake.relation(con, review_queue(kind))
    if not queue.limit(1).fetchall():
        return []
    given = lake.relation(con, JUDGEMENTS).filter(f"entity_type = '{kind}'")
    known = lake.relation(con, records(configured_models(settings)[kind])).project("record_id")
    judged_pairs(con, given, known)
    queue.create_view("asked", replace=True)
    unsettled(con, "asked").create_view("asked_open", replace=True)
    rows = con.sql(
        """
        SELECT record_l, record_r, reason, kind, coalesce(change, 0)
        FROM asked_open
        -- A record that is gone leaves the queue with the next build.
        SEMI JOIN judged_record AS l ON l.record_id = asked_open.record_l
        SEMI JOIN judged_record AS r ON r.record_id = asked_open.record_r
        ORDER BY turn
        """
    ).fetchall()
    return [Asked(kind, *row) for row in rows]


def _with_clusters(
    settings: Settings, con: duckdb.DuckDBPyConnection, queue: Sequence[Asked]
) -> list[Asked]:
    """The pairs of a queue with the clusters of their records."""
    import pyarrow as pa

    lake = Lake(settings)
    found: dict[tuple[str, str], Cluster] = {}
    for kind in dict.fromkeys(one.entity_type for one in queue):
        asked = [one for one in queue if one.entity_type == kind]
        ids = sorted({record for one in asked for record in (one.record_l, one.record_r)})
        con.register("asked_record", pa.table({"record_id": pa.array(ids, pa.string())}))
        lake.relation(con, entity_members(kind)).create_view("asked_member", replace=True)
        lake.relation(con, cluster_quality(kind)).create_view("asked_cluster", replace=True)
        rows = con.sql(
            """
            SELECT
                record_id,
                entity_id,
                records,
                density,
                bridges,
                denied_pairs,
                weakest_edge,
                score
            FROM (
                SELECT source || ':' || source_id AS record_id, entity_id
                FROM asked_member
            )
            SEMI JOIN asked_record USING (record_id)
            JOIN asked_cluster USING (entity_id)
            """
        ).fetchall()
        found |= {(kind, record): Cluster(*figures) for record, *figures in rows}
    return [
        replace(
            one,
            clusters=tuple(
                dict.fromkeys(
                    found[one.entity_type, record]
                    for record in (one.record_l, one.record_r)
                    if (one.entity_type, record) in found
                )
            ),
        )
        for one in queue
    ]


def _explained(
    settings: Settings, con: duckdb.DuckDBPyConnection, queue: Sequence[Asked]
) -> Iterator[tuple[Asked, Explanation]]:
    """The pairs of a queue with their explanations, those of a type together."""
    for start in range(0, len(queue), _TOGETHER):
        some = queue[start : start + _TOGETHER]
        explained: dict[Asked, Explanation] = {}
        for kind in dict.fromkeys(one.entity_type for one in some):
            asked = [one for one in some if one.entity_type == kind]
            pairs = [(one.record_l, one.record_r) for one in asked]
            found = explanations_of(settings, con, kind, pairs)
            if found is None:
                raise LakeError(f"there is no match model for {kind} yet; make it with: kg build")
            explained |= zip(asked, found, strict=True)
        yield from ((one, explained[one]) for one in some)


def _show(one: Asked, found: Explanation, progress: str) -> None:
    console.rule(f"{progress}: {clean(one.entity_type)}", align="left")
    print_records(found)
    print_weights(found)
    for each in one.clusters:
        console.print(f"Cluster {clean(each.words)}")
    console.print(
        f"Probability {found.match_probability:.4f}, threshold {found.threshold:.4f}. "
        f"Asked because: {clean(one.reason)} (expected to change {one.change:,.2f} record pairs)"
    )
