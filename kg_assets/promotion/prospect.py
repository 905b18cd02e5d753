"""What a promotion would do: the comparison, how well both sides do, and what it cost."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kg_assets.inference.tables import INFERENCE_TYPES, extraction_states
from kg_assets.matching.all_members import members_of
from kg_assets.matching.judged_lake import judged_scores
from kg_assets.promotion.comparison import Comparison, compare
from kg_assets.promotion.gates import Refusal, refusals
from kg_assets.promotion.readiness import Readiness, readiness
from resources.duck import session
from resources.errors import PromotionError
from resources.lake import Lake
from resources.production import state_of
from resources.team_settings import PRODUCTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from resources.settings import Settings

_MOST_WARNINGS = 50
"""Warnings that the record of a promotion names."""


@dataclass(frozen=True)
class Cost:
    """What it cost to make what production does not have.

    Attributes:
        seconds: Of all steps together.
        dollars: US dollars of the language model, also for answers that were in its store.
    """

    seconds: float
    dollars: float


@dataclass(frozen=True)
class Prospect:
    """A namespace before it is promoted.

    Attributes:
        namespace: The namespace.
        comparison: It against production.
        before: F1 of production, by what it was measured against.
        after: F1 of the namespace likewise.
        cost: What its tables cost that production does not have.
        readiness: Whether it is whole and current, and what its checks said.
        refusals: The gates that are shut.
        state: Hash of what was looked at.
    """

    namespace: str
    comparison: Comparison
    before: Mapping[str, float]
    after: Mapping[str, float]
    cost: Cost
    readiness: Readiness
    refusals: tuple[Refusal, ...]
    state: str

    def as_dict(self) -> dict[str, Any]:
        """All figures by name, as they are recorded."""
        ready = self.readiness
        return {
            **self.comparison.as_dict(),
            "f1": {
                name: {"before": self.before.get(name), "after": self.after.get(name)}
                for name in sorted({*self.before, *self.after})
            },
            "cost": asdict(self.cost),
            "warnings": [dict(one) for one in ready.warnings[:_MOST_WARNINGS]],
            "warnings_in_all": len(ready.warnings),
            "waiting_for_language_model": dict(ready.waiting),
            "failed_deliveries": dict(ready.failed),
            "refused_by": [{**asdict(one), "says": str(one)} for one in self.refusals],
        }


def look(settings: Settings, namespace: str) -> Prospect:
    """Compare a namespace with production.

    Args:
        settings: Where things lie, the gates and the links; their namespace plays no part.
        namespace: The namespace.

    Raises:
        PromotionError: The file of links cannot be read.
    """
    production = Lake(settings.in_namespace(PRODUCTION))
    lake = Lake(settings.in_namespace(namespace))
    state = state_of(lake.catalog.all_heads(namespace).values())
    with _session(lake.settings) as con:
        comparison = compare(con, production, lake)
        after = scores(settings, con, lake, lake)
        before = scores(settings, con, production, lake)
        cost = _cost(con, production, lake)
    return Prospect(
        namespace,
        comparison,
        before,
        after,
        cost,
        readiness(lake),
        tuple(refusals(settings.gates, comparison, before, after)),
        state,
    )


def difference(settings: Settings, before: Lake, after: Lake) -> Comparison:
    """Compare two states of a lake.

    Args:
        settings: Limits of the session.
        before: The one.
        after: The other.
    """
    with _session(settings) as con:
        return compare(con, before, after)


@contextmanager
def _session(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    scratch = settings.scratch / f"compare-{secrets.token_hex(6)}"
    scratch.mkdir(parents=True)
    try:
        with session(
            threads=settings.threads, memory_limit=settings.memory_limit, scratch=scratch
        ) as con:
            yield con
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def scores(
    settings: Settings, con: duckdb.DuckDBPyConnection, lake: Lake, judgements: Lake
) -> dict[str, float]:
    """F1 of a lake's entities against the configured links, and of its scores by judgements.

    Args:
        settings: Where the links are.
        con: A connection.
        lake: What is measured.
        judgements: Whose judgements are the labels.

    Returns:
        F1 by what it was measured against; nothing where there are no entities.

    Raises:
        PromotionError: The file of links cannot be read.
    """
    found: dict[str, float] = {}
    members = members_of(lake, con)
    if not members.limit(1).fetchall():
        return found
    if settings.links is not None:
        from kg_assets.matching.evaluation import evaluate
        from kg_assets.matching.links import LinksError, read_links

        try:
            links = read_links(settings.links)
        except (LinksError, OSError) as error:
            raise PromotionError(f"KG_LINKS: {settings.links} cannot be read: {error}") from error
        found["links"] = evaluate(con, links, members).f1
    for kind, judged in judged_scores(settings, con, lake, judgements).items():
        if judged.scores.f1 is not None:
            found[f"judgements of {kind}"] = judged.scores.f1
    return found


def _cost(con: duckdb.DuckDBPyConnection, production: Lake, lake: Lake) -> Cost:
    there = {head.file.version for head in lake.catalog.all_heads(production.namespace).values()}
    built = lake.catalog.own_tables(lake.namespace)
    commits = {
        head.commit_id
        for head in lake.catalog.all_heads(lake.namespace).values()
        if head.table in built and head.file.version not in there
    }
    seconds = sum(one.details.get("seconds", 0.0) for one in lake.catalog.commits(commits))
    dollars = 0.0
    for kind in INFERENCE_TYPES:
        table = extraction_states(kind)
        lake.relation(con, table).create_view("states_after", replace=True)
        production.relation(con, table).create_view("states_before", replace=True)
        row = con.sql(
            """
            SELECT coalesce(sum(cost), 0)
            FROM states_after
            ANTI JOIN states_before USING (context_id, extractor, content_sha256)
            """
        ).fetchall()[0]
        dollars += float(row[0])
    return Cost(round(seconds, 3), round(dollars, 6))
