"""`kg review`: the pairs of the review queue, judged one after another or shown on a page."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from kg_assets.cli.explain import explanations_of, print_records, print_weights
from kg_assets.cli.judge import refuse_production, say_what_next
from kg_assets.cli.reading import reading_session
from kg_assets.cli.render import Exit, clean, complain, console, print_json
from kg_assets.matching.judgement_log import add, take_back
from kg_assets.matching.judgement_values import Judgement, JudgementError, judgement
from kg_assets.matching.judgements import judged_pairs, unsettled
from kg_assets.matching.models import MODELS, configured_models
from kg_assets.matching.records import records
from kg_assets.matching.tables import JUDGEMENTS, cluster_quality, entity_members, review_queue
from resources.lake import Lake, LakeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb

    from kg_assets.matching.explain import Explanation
    from resources.settings import Settings

_ANSWERS = {
    "s": "same", "d": "different", "u": "unsure", "k": "skip", "q": "quit",
    **{word: word for word in ("same", "different", "unsure", "undo", "skip", "quit")},
}  # fmt: skip
_PROMPT = "(s)ame, (d)ifferent, (u)nsure, undo, s(k)ip, (q)uit, and why: "
_LAST_PROMPT = "undo, (q)uit: "

_TOGETHER = 500
"""Pairs that are explained at once: their records lie in memory."""

_AHEAD = 10
"""Pairs that are explained before the first of them is shown, so that nobody waits for each."""


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
        clusters: The clusters of both records, once where it is the same; one of a single record
            is none. They do not tell one pair from another.
    """

    entity_type: str
    record_l: str
    record_r: str
    reason: str
    kind: str = ""
    clusters: tuple[Cluster, ...] = field(default=(), compare=False)


def review(
    settings: Settings,
    entity_type: str | None = None,
    *,
    limit: int | None = None,
    page: Path | None = None,
    json: bool = False,
) -> int:
    """Ask for the pairs of the review queue that are not settled yet.

    Args:
        settings: Where the lake is, and who judges.
        entity_type: Only pairs of this type.
        limit: Pairs at most.
        page: A file that the queue is written into, as a page, instead of asking.
        json: Print the queue as JSON instead of asking.

    Returns:
        Exit code: 1 where a page cannot be written, 2 where the call is wrong.
    """
    if entity_type is not None and entity_type not in MODELS:
        complain(f"{entity_type!r} is no entity type that is matched; there are: "
                 f"{', '.join(MODELS)}")  # fmt: skip
        return Exit.BAD_INPUT
    if not (json or page) and refuse_production(settings):
        return Exit.BAD_INPUT
    kinds = [entity_type] if entity_type else list(MODELS)
    with reading_session(settings) as con:
        try:
            queue = [one for kind in kinds for one in _open(settings, con, kind)][:limit]
        except JudgementError as error:
            complain(str(error))
            return Exit.NOT_FOUND
        queue = _with_clusters(settings, con, queue)
        if json:
            shown = _explained(settings, con, queue)
            print_json([{**asdict(one), **asdict(found)} for one, found in shown])
            return Exit.OK
        if not queue:
            console.print("Nothing is to be reviewed; what is asked is found by: kg build")
            return Exit.OK
        if page is not None:
            from kg_assets.cli.review_page import page_of

            try:
                page.write_text(page_of(_explained(settings, con, queue)), encoding="utf-8")
            except OSError as error:
                complain(f"{page} cannot be written: {error.strerror or error}")
                return Exit.NOT_FOUND
            console.print(f"{len(queue):,} pairs: {clean(page)}", soft_wrap=True)
            return Exit.OK
        made = _ask(settings, con, queue)
    counts = Counter(one.verdict for one in made)
    said = ", ".join(f"{number:,} {verdict}" for verdict, number in sorted(counts.items()))
    console.print(f"{len(made):,} judgements" + (f": {said}." if said else "."))
    say_what_next([one.entity_type for one in made])
    return Exit.OK


def _open(settings: Settings, con: duckdb.DuckDBPyConnection, kind: str) -> list[Asked]:
    """Pairs of a type's queue that nobody settled, in the order in which they are asked."""
    lake = Lake(settings)
    given = lake.relation(con, JUDGEMENTS).filter(f"entity_type = '{kind}'")
    known = lake.relation(con, records(configured_models(settings)[kind])).project("record_id")
    judged_pairs(con, given, known)
    lake.relation(con, review_queue(kind)).create_view("asked", replace=True)
    unsettled(con, "asked").create_view("asked_open", replace=True)
    rows = con.sql(
        """
        SELECT record_l, record_r, reason, kind
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
    """The pairs of a queue with their explanations, many of a type at a time."""
    for kind, same in groupby(queue, key=lambda one: one.entity_type):
        asked = list(same)
        for start in range(0, len(asked), _TOGETHER):
            some = asked[start : start + _TOGETHER]
            pairs = [(one.record_l, one.record_r) for one in some]
            found = explanations_of(settings, con, kind, pairs)
            if found is None:
                raise LakeError(f"there is no match model for {kind} yet; make it with: kg build")
            yield from zip(some, found, strict=True)


def _ask(settings: Settings, con: duckdb.DuckDBPyConnection, queue: list[Asked]) -> list[Judgement]:
    """Ask for one pair after another; gives the judgements that were made and not undone."""
    lake = Lake(settings)
    made: list[tuple[int, Judgement]] = []
    explained: dict[Asked, Explanation] = {}
    # Another answer may settle a pair.
    still_open = set(queue)
    place, on_screen = 0, -1
    while True:
        while place < len(queue) and queue[place] not in still_open:
            place += 1
        one = queue[place] if place < len(queue) else None
        if one is not None:
            if one not in explained:
                explained |= _explained(settings, con, queue[place : place + _AHEAD])
            # What was refused is said beneath the pair, and not scrolled away by showing it again.
            if on_screen != place:
                _show(one, explained[one], f"{place + 1} of {len(queue)}")
                on_screen = place
        elif made:
            console.rule("no pair is left", align="left")
        else:
            break
        answer, why = _answer(_PROMPT if one is not None else _LAST_PROMPT)
        if answer == "quit" or (one is None and answer == "skip"):
            break
        if answer == "skip":
            place += 1
            continue
        try:
            if answer == "undo":
                if not made:
                    complain("nothing was judged yet that could be undone")
                    continue
                take_back(lake, made[-1][1], who=settings.user, why=why)
                place, back = made.pop()
                changed = back.entity_type
            elif one is None:
                complain("no pair is left that could be judged")
                continue
            else:
                given = judgement(
                    one.entity_type, one.record_l, one.record_r, answer, who=settings.user, why=why
                )
                made += [(place, each) for each in add(lake, [given]).added]
                changed = one.entity_type
                place += 1
        except JudgementError as error:
            complain(str(error))
            continue
        still_open = {each for each in still_open if each.entity_type != changed}
        still_open |= set(_open(settings, con, changed))
    return [each for _, each in made]


def _show(one: Asked, found: Explanation, progress: str) -> None:
    console.rule(f"{progress}: {clean(one.entity_type)}", align="left")
    print_records(found)
    print_weights(found)
    for each in one.clusters:
        console.print(f"Cluster {clean(each.words)}")
    console.print(
        f"Probability {found.match_probability:.4f}, threshold {found.threshold:.4f}. "
        f"Asked because: {clean(one.reason)}"
    )


def _answer(prompt: str) -> tuple[str, str]:
    """What a person answers, and the reason; the end of the input and Ctrl-C are quit."""
    while True:
        console.print(prompt, end="", soft_wrap=True)
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            line = ""
        except UnicodeDecodeError:
            complain("what was typed is not text of this terminal's encoding")
            continue
        if not line:
            console.print()
            return "quit", ""
        word, _, why = line.strip().partition(" ")
        if word.lower() in _ANSWERS:
            return _ANSWERS[word.lower()], why.strip()
        complain(f"{word!r} is no answer; there are s, d, u, undo, k (skip) and q (quit)")
