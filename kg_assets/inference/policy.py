"""Which entities need inference, declared for each type, and why the others do not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ontology.schema import load_ontology

if TYPE_CHECKING:
    import duckdb

    from resources.settings import Settings

OFF = "switched off"
NO_TEXT = "no text"
SHORT_TEXT = "text too short"
NOTHING_MISSING = "nothing missing"
FEW_RECORDS = "too few records or sources"
TOO_OLD = "of an earlier year, or of none"
FEW_RELATIONS = "too few relations stated of it"
FEW_VOTES = "too few votes, or none known"
BEYOND = "beyond the most that are read"
MISSING = "a relation is missing, and there is text"

ELIGIBLE, SKIPPED = "eligible", "skipped"
"""What is decided for an entity: its texts are read, or not."""


class PoliciesError(ValueError):
    """The configuration names an entity type or a relation that there is not."""


@dataclass(frozen=True)
class Policy:
    """What an entity type's inference is for, and which entities are worth it.

    Attributes:
        relations: Relations that are looked for. An entity for which sources state all of them
            is skipped.
        shortest_text: Characters below which a text is not read; the shortest sentence that can
            state a relation ("A sequel to It.") has about that many.
        off: Whether no texts are read.
        records_from: Records that an entity has at least.
        sources_from: Sources that they are from at least.
        degree_from: Relations that its records state at least, genres and countries included.
        year_from: The earliest year, None for any and for none.
        votes_from: Votes of users that it has at least, None for any and for none.
        most: Entities at most, None for all. Those of most sources come first, then those of most
            records, then those of most relations, then those of most votes, then those with the
            longest text: what many speak of is asked for most.
    """

    relations: tuple[str, ...]
    shortest_text: int = 15
    off: bool = False
    records_from: int = 1
    sources_from: int = 1
    degree_from: int = 0
    year_from: int | None = None
    votes_from: int | None = None
    most: int | None = None

    @property
    def version(self) -> str:
        """What tells what is read under this policy from what is under another."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:8]


_WORKS = (
    "based_on",
    "sequel_of",
    "prequel_of",
    "spin_off_of",
    "part_of_franchise",
    "main_subject",
)

POLICIES: dict[str, Policy] = {
    "film": Policy((*_WORKS, "remake_of")),
    "series": Policy((*_WORKS, "remake_of")),
    "book": Policy(_WORKS),
}
"""The policy of each entity type with an inference chain."""


def policy_of(settings: Settings, entity_type: str) -> Policy:
    """The policy of a type, as it is declared and configured.

    Args:
        settings: What is configured.
        entity_type: Type of the subjects.

    Raises:
        PoliciesError: The configuration names what there is not.
    """
    check_policies(settings)
    plan = settings.policies.get(entity_type)
    if plan is None:
        return POLICIES[entity_type]
    return replace(POLICIES[entity_type], **plan.model_dump(exclude_none=True))


def check_policies(settings: Settings) -> None:
    """Refuse a configuration that names what there is not.

    Raises:
        PoliciesError: An entity type has no inference, or texts about it state no such relation.
    """
    for kind, plan in settings.policies.items():
        if kind not in POLICIES:
            raise PoliciesError(
                f"KG_POLICIES: nothing is inferred of {kind!r}; use one of {', '.join(POLICIES)}"
            )
        known = load_ontology().relations
        for name in plan.relations or ():
            if name not in known or kind not in known[name].domain:
                raise PoliciesError(
                    f"KG_POLICIES: {kind} has no relation {name!r}; declared are "
                    f"{', '.join(POLICIES[kind].relations)}"
                )


def decide(con: duckdb.DuckDBPyConnection, policy: Policy) -> duckdb.DuckDBPyRelation:
    """Decide for each entity whether its texts are read.

    Args:
        con: Connection with the views `entities` (entity_id, name, year, votes), `members`
            (entity_id, source: its records), `documents` (entity_id, characters), `stated`
            (entity_id, relation: what sources already say) and `degrees` (entity_id, degree: how
            many relations its records state).
        policy: What is looked for, and which entities are worth it.

    Returns:
        Rows of inference_decisions.
    """
    return con.sql(
        """
        WITH written AS (
            SELECT
                entity_id,
                count(*) AS texts,
                max(characters) AS characters
            FROM documents
            GROUP BY entity_id
        ),
        known AS (
            SELECT
                entity_id,
                list(DISTINCT relation) AS relations
            FROM stated
            WHERE list_contains($relations, relation)
            GROUP BY entity_id
        ),
        spoken_of AS (
            SELECT
                entity_id,
                count(*) AS records,
                count(DISTINCT source) AS sources
            FROM members
            GROUP BY entity_id
        ),
        measured AS (
            SELECT
                entity_id,
                name,
                list_filter(
                    $relations,
                    lambda one: NOT list_contains(coalesce(known.relations, []), one)
                ) AS missing,
                coalesce(texts, 0) AS texts,
                coalesce(characters, 0) AS characters,
                coalesce(records, 0) AS records,
                coalesce(sources, 0) AS sources,
                coalesce(degree, 0) AS degree,
                year,
                votes
            FROM entities
            LEFT JOIN written USING (entity_id)
            LEFT JOIN known USING (entity_id)
            LEFT JOIN spoken_of USING (entity_id)
            LEFT JOIN degrees USING (entity_id)
        ),
        judged AS (
            SELECT
                *,
                CASE
                    WHEN $off THEN $switched_off
                    WHEN texts = 0 THEN $no_text
                    WHEN characters < $shortest THEN $short_text
                    WHEN len(missing) = 0 THEN $nothing_missing
                    WHEN records < $records_from OR sources < $sources_from THEN $few_records
                    WHEN degree < $degree_from THEN $few_relations
                    WHEN $year_from IS NOT NULL
                     AND coalesce(year < $year_from, true) THEN $too_old
                    WHEN $votes_from IS NOT NULL
                     AND coalesce(votes < $votes_from, true) THEN $few_votes
                    ELSE $missing
                END AS found
            FROM measured
        ),
        placed AS (
            SELECT
                *,
                CASE
                    WHEN found = $missing THEN row_number() OVER (
                        PARTITION BY found = $missing
                        ORDER BY
                            sources DESC,
                            records DESC,
                            degree DESC,
                            coalesce(votes, 0) DESC,
                            characters DESC,
                            entity_id
                    )
                END AS place
            FROM judged
        )
        SELECT
            entity_id,
            name,
            CASE
                WHEN found = $missing AND coalesce(place <= $most, true) THEN $eligible
                ELSE $skipped
            END AS decision,
            CASE WHEN place > $most THEN $beyond ELSE found END AS reason,
            missing,
            texts,
            characters,
            records,
            sources,
            degree,
            year,
            votes,
            place
        FROM placed
        """,
        params={
            "relations": list(policy.relations),
            "shortest": policy.shortest_text,
            "off": policy.off,
            "records_from": policy.records_from,
            "sources_from": policy.sources_from,
            "degree_from": policy.degree_from,
            "year_from": policy.year_from,
            "votes_from": policy.votes_from,
            "most": policy.most,
            "switched_off": OFF,
            "no_text": NO_TEXT,
            "short_text": SHORT_TEXT,
            "nothing_missing": NOTHING_MISSING,
            "few_records": FEW_RECORDS,
            "few_relations": FEW_RELATIONS,
            "too_old": TOO_OLD,
            "few_votes": FEW_VOTES,
            "beyond": BEYOND,
            "missing": MISSING,
            "eligible": ELIGIBLE,
            "skipped": SKIPPED,
        },
    )
