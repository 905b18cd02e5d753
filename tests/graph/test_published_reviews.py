"""What people decide of facts is what the published graph holds of them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from kg_assets.graph.publication import open_published
from kg_assets.inference.review.log import FACTS
from kg_assets.inference.review.steps import run_reviewed_relations
from kg_assets.inference.review.values import FactJudgement, fact_judgement
from kg_assets.inference.tables import inferred_relations
from kg_assets.judging.log import add, take_back
from resources.lake import Lake
from resources.settings import Settings
from tests.graph.small_graph import inferred, record
from tests.graph.small_lake import fill, run, write

QUOTES = {key: f"{key.upper()} follows One." for key in "abcd"}


def found(key: str, **more: Any) -> dict[str, Any]:
    """The fact that a film is a sequel to One, as an extractor found it."""
    signals = {"base": 0.9, "margin": 1.0, "reasks": 0, "agreeing": 1, "asked": 1}
    return {
        **inferred("sequel_of", f"film-{key}", "film-one", QUOTES[key]),
        "context_id": key, "subject_type": "film", "object_type": "film", "object_name": "One",
        "document_sha256": "", "quote_match": "exact", "extractor_version": "1", "ontology": "x",
        "signals": signals, "negated": False, **more,
    }  # fmt: skip


def judge(settings: Settings, key: str, verdict: str, **more: Any) -> FactJudgement:
    judgement = fact_judgement(
        entity_type="film", record=f"a:{key}", relation="sequel_of", object="a:one",
        object_type="film", object_name="One", quote=QUOTES[key], verdict=verdict, who="ann",
        **more,
    )  # fmt: skip
    [added] = add(Lake(settings), FACTS, [judgement]).added
    return added


def published(settings: Settings) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """Edges of the published graph, each with how its evidence was found."""
    with Lake(settings).step("film/review") as step:
        run_reviewed_relations(step, "film")
    run(settings)
    with closing(open_published(settings.published)) as con:
        rows = con.sql(
            """
            SELECT edges.subject_id, relation, object_id, extractor, reviewer,
                evidence.confidence
            FROM edges
            JOIN evidence
                ON evidence.subject_kind = 'edge'
                AND evidence.subject_id = edge_id
            """
        ).fetchall()
    return {tuple(row[:3]): tuple(row[3:]) for row in rows}


def test_the_graph_holds_what_people_accepted_and_corrected_and_not_what_they_rejected(
    tmp_path: Path,
) -> None:
    records = [record("film", f"a:{key}", key.upper(), description=QUOTES[key]) for key in QUOTES]
    records += [record("film", "a:one", "One"), record("film", "a:two", "Two")]
    names = [*QUOTES, "one", "two"]
    settings = fill(tmp_path, records, {f"film-{name}": [f"a:{name}"] for name in names})
    unsure = {"status": "rejected", "reason": "below the threshold: 0.2", "confidence": 0.2}
    facts = [found("a", **unsure), found("b"), found("c"), found("d")]
    write(Lake(settings), inferred_relations("film"), facts)
    before = published(settings)
    assert set(before) == {(f"film-{key}", "sequel_of", "film-one") for key in "bcd"}

    judge(settings, "a", "accept")
    rejected = judge(settings, "b", "reject")
    judge(
        settings, "c", "correct", new_object="a:two", new_object_type="film", new_object_name="Two"
    )
    after = published(settings)
    assert set(after) == {
        ("film-a", "sequel_of", "film-one"),
        ("film-c", "sequel_of", "film-two"),
        ("film-d", "sequel_of", "film-one"),
    }
    # An accepted fact is its extractor's and a correction a person's; both are sure.
    assert after["film-a", "sequel_of", "film-one"] == ("rules", "ann", 1.0)
    assert after["film-c", "sequel_of", "film-two"] == ("review", "ann", 1.0)
    # What nobody judged stays as it was.
    untouched = ("film-d", "sequel_of", "film-one")
    assert after[untouched] == before[untouched]

    take_back(Lake(settings), FACTS, rejected, who="ann")
    assert ("film-b", "sequel_of", "film-one") in published(settings)
