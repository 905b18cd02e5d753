"""The tables of the matching stage; a function of the entity type gives each its own."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.matching.column_meanings import column, described, required
from resources.table import Table


def match_model(entity_type: str) -> Table:
    """The frozen model of an entity type, one row; its threshold is the declared one."""
    return Table(
        name=f"{entity_type}/match_model",
        schema=pa.schema(
            [
                required("entity_type", pa.string()),
                required("version", pa.string()),
                required("settings", pa.string()),
                required("threshold", pa.float64()),
                required("trained", pa.bool_()),
                required("untrained", pa.list_(pa.string())),
                column("notes", pa.string()),
                described("records", pa.int64(), "Of how many records it was made.", True),
            ]
        ),
        key=("entity_type",),
        description="The trained Splink settings as JSON with the threshold: one frozen version, "
        "retrained on request. What was declared for want of data is made again by itself once "
        "there is enough.",
    )


def term_frequencies(entity_type: str) -> Table:
    """How common each value of a term-frequency column is among distinct things."""
    return Table(
        name=f"{entity_type}/term_frequencies",
        schema=pa.schema(
            [
                required("column_name", pa.string()),
                required("value", pa.string()),
                required("frequency", pa.float64()),
            ]
        ),
        key=("column_name", "value"),
        description="Relative frequency of a value, counted over distinct things and frozen with "
        "the model. Of lists of names the hashes of those that several things have.",
    )


def block_keys(entity_type: str) -> Table:
    """The blocks that each record is in."""
    return Table(
        name=f"{entity_type}/block_keys",
        schema=pa.schema(
            [
                required("block", pa.uint64()),
                required("rule_number", pa.uint8()),
                required("record_id", pa.string()),
                required("record", pa.uint64()),
                required("source", pa.string()),
                required("duplicate_free", pa.bool_()),
                column("origin", pa.uint64()),
            ]
        ),
        key=("block", "rule_number", "record_id"),
        description="The blocks that each record is in, after those over the cap were cut; made "
        "once for all shards, and sorted so that a shard is a range of it.",
    )


def cut_blocks(entity_type: str) -> Table:
    """Blocks that were over the cap."""
    return Table(
        name=f"{entity_type}/cut_blocks",
        schema=pa.schema(
            [
                required("rule", pa.string()),
                required("block_key", pa.string()),
                required("rule_number", pa.uint8()),
                required("origin", pa.uint64()),
                required("block_records", pa.int64()),
                required("largest", pa.int64()),
                required("neighbourhoods", pa.int64()),
            ]
        ),
        key=("rule", "block_key"),
        description="Blocks that more records share than the cap allows, and into what they were "
        "cut.",
    )


def blocked_pairs(entity_type: str) -> Table:
    """Candidate pairs."""
    return Table(
        name=f"{entity_type}/blocked_pairs",
        schema=pa.schema(
            [
                required("record_l", pa.string()),
                required("record_r", pa.string()),
                required("rule", pa.string()),
            ]
        ),
        key=("record_l", "record_r"),
        description="Candidate pairs, each made in one shard by the first blocking rule that "
        "holds for it.",
    )


def match_scores(entity_type: str) -> Table:
    """Scored candidate pairs."""
    return Table(
        name=f"{entity_type}/match_scores",
        schema=pa.schema(
            [
                required("record_l", pa.string()),
                required("record_r", pa.string()),
                required("rule", pa.string()),
                required("match_weight", pa.float64()),
                required("match_probability", pa.float64()),
                required("levels", pa.list_(pa.int8())),
                column("veto", pa.string()),
            ]
        ),
        key=("record_l", "record_r"),
        description="Match weight and probability of each candidate pair, the comparison levels "
        "that explain it (in the order of the model's comparisons), and the veto, if any, that "
        "no score may overrule. Of a pair that cannot come near the threshold the weight is an "
        "upper bound, its levels are -2, and vetoes are not asked.",
    )


def score_counts(entity_type: str) -> Table:
    """How many scores look alike."""
    return Table(
        name=f"{entity_type}/score_counts",
        schema=pa.schema(
            [
                required("levels", pa.string()),
                required("bucket", pa.int32()),
                required("pairs", pa.int64()),
            ]
        ),
        key=("levels", "bucket"),
        description="How many pairs reached the same comparison levels (with commas) and a match "
        "weight in the same bucket, in bits: what the drift check adds up over the shards.",
    )


def scorer_comparison(entity_type: str) -> Table:
    """How a second scorer would have decided."""
    return Table(
        name=f"{entity_type}/scorer_comparison",
        schema=pa.schema(
            [
                required("figure", pa.string()),
                required("place", pa.int32()),
                column("record_l", pa.string()),
                column("record_r", pa.string()),
                column("pinned", pa.float64()),
                column("shadow", pa.float64()),
            ]
        ),
        key=("figure", "place"),
        description="The scorer that decides beside the one that runs in its shadow: pairs, share "
        "above the threshold, agreement, correlation and largest difference of the weights, and "
        "the pairs that differ most. Empty where no shadow is configured (KG_SHADOW_SCORERS).",
    )


def match_thresholds(entity_type: str) -> Table:
    """Threshold of each pair of sources."""
    return Table(
        name=f"{entity_type}/match_thresholds",
        schema=pa.schema(
            [
                required("source_l", pa.string()),
                required("source_r", pa.string()),
                required("threshold", pa.float64()),
                required("method", pa.string()),
                column("notes", pa.string()),
                required("measured", pa.float64()),
                required("measured_method", pa.string()),
                required("model_version", pa.string()),
            ]
        ),
        key=("source_l", "source_r"),
        description="Match probability from which a pair of records of two sources is an edge, "
        "found in the scores without labels and frozen with the model; KG_THRESHOLDS outranks it.",
    )


def score_profile(entity_type: str) -> Table:
    """What scores and records looked like when the thresholds were frozen."""
    return Table(
        name=f"{entity_type}/score_profile",
        schema=pa.schema(
            [
                required("kind", pa.string()),
                required("item", pa.string()),
                required("bucket", pa.string()),
                required("count", pa.int64()),
                required("model_version", pa.string()),
            ]
        ),
        key=("kind", "item", "bucket"),
        description="Counts of comparison levels, match weights and frequent terms under this "
        "version of the model when it first scored: what the drift check compares with.",
    )


def resolved_entities(entity_type: str) -> Table:
    """Entities with their golden record."""
    return Table(
        name=f"{entity_type}/resolved_entities",
        schema=pa.schema(
            [
                required("entity_id", pa.string()),
                required("entity_type", pa.string()),
                required("name", pa.string()),
                column("alternate_names", pa.list_(pa.string())),
                column("year", pa.int32()),
                column("end_year", pa.int32()),
                column("date", pa.date32()),
                column("runtime_minutes", pa.float64()),
                column("season", pa.int32()),
                column("episode", pa.int32()),
                column("genres", pa.list_(pa.string())),
                column("countries", pa.list_(pa.string())),
                column("languages", pa.list_(pa.string())),
                column("professions", pa.list_(pa.string())),
                column("birth_year", pa.int32()),
                column("death_year", pa.int32()),
                column("rating", pa.float64()),
                column("votes", pa.int64()),
                column("description", pa.string()),
                column("url", pa.string()),
                required("records", pa.int64()),
                required("sources", pa.list_(pa.string())),
            ]
        ),
        key=("entity_id",),
        description="One row an entity: its lasting id and its golden record, each attribute "
        "chosen by a declared rule.",
    )


def entity_members(entity_type: str) -> Table:
    """Which records an entity holds."""
    return Table(
        name=f"{entity_type}/entity_members",
        schema=pa.schema(
            [
                required("entity_id", pa.string()),
                required("entity_type", pa.string()),
                required("source", pa.string()),
                required("source_id", pa.string()),
            ]
        ),
        key=("source", "source_id"),
        description="Which records an entity holds; each record is in exactly one entity.",
    )


def identity_events(entity_type: str) -> Table:
    """What happened to ids, from the first version on."""
    return Table(
        name=f"{entity_type}/identity_events",
        schema=pa.schema(
            [
                required("generation", pa.int64()),
                required("event", pa.string()),
                required("entity_id", pa.string()),
                required("other_id", pa.string()),
                required("members", pa.int64()),
            ]
        ),
        key=("generation", "entity_id", "event", "other_id"),
        description="What was born, merged, split or retired, one generation for each change "
        "since the first version. other_id is where a merged or split id leads, else empty. A "
        "version in which nothing changed adds nothing.",
    )


def doubtful_pairs(entity_type: str) -> Table:
    """All pairs that a person could be asked about."""
    return Table(
        name=f"{entity_type}/doubtful_pairs",
        schema=pa.schema(
            [
                required("record_l", pa.string()),
                required("record_r", pa.string()),
                required("entity_l", pa.string()),
                required("entity_r", pa.string()),
                required("match_weight", pa.float64()),
                required("match_probability", pa.float64()),
                described("kind", pa.string(), "kept apart, veto or threshold."),
                required("reason", pa.string()),
                described("above", pa.float64(), "Bits of its match weight above the threshold."),
            ]
        ),
        key=("record_l", "record_r"),
        description="All pairs that the review queue chooses from. Those that are kept apart say "
        "which entities hang together by accepted edges.",
    )


def cluster_quality(entity_type: str) -> Table:
    """How well each cluster hangs together."""
    return Table(
        name=f"{entity_type}/cluster_quality",
        schema=pa.schema(
            [
                required("entity_id", pa.string()),
                required("records", pa.int64()),
                described("scored_pairs", pa.int64(), "Pairs of its records that were scored."),
                described("edges", pa.int64(), "Accepted pairs inside, also those of people."),
                described("density", pa.float64(), "Share of all pairs that are edges."),
                described("denied_pairs", pa.int64(), "Scored pairs inside that are no edges."),
                described(
                    "weakest_edge", pa.float64(), "Least bits of an edge above its threshold.", True
                ),
                described("bridges", pa.int64(), "Edges whose removal parts the cluster."),
                described(
                    "score",
                    pa.float64(),
                    "Pairs of records that are to be expected to be joined falsely.",
                ),
                described(
                    "record_l", pa.string(), "Of the pair to ask for; none where none is.", True
                ),
                described("record_r", pa.string(), "The other record of that pair.", True),
                described("match_probability", pa.float64(), "The match probability of it.", True),
                described("reason", pa.string(), "Why it should be asked for.", True),
            ]
        ),
        key=("entity_id",),
        description="One row for each entity of two records or more: how dense its edges are, how "
        "many bridges it hangs by, how many pairs inside were denied, and the pair on which a "
        "judgement would change most. The score ranks the clusters.",
    )


def review_queue(entity_type: str) -> Table:
    """Pairs that a person should look at."""
    return Table(
        name=f"{entity_type}/review_queue",
        schema=pa.schema(
            [
                required("record_l", pa.string()),
                required("record_r", pa.string()),
                required("match_probability", pa.float64()),
                described("kind", pa.string(), "kept apart, cluster, veto or threshold."),
                required("reason", pa.string()),
                described(
                    "change",
                    pa.float64(),
                    "Pairs of records that a judgement is to be expected to join or to part; none "
                    "where an earlier version of the program made the queue.",
                    True,
                ),
                described("turn", pa.int32(), "Place in the order of change in this queue."),
            ]
        ),
        key=("record_l", "record_r"),
        description="Pairs on which a judgement would change most: joined by score but kept apart "
        "by a constraint, by which a doubtful cluster hangs, vetoed, or near the threshold.",
    )


JUDGEMENTS = Table(
    name="judgements",
    schema=pa.schema(
        [
            described("id", pa.string(), "Hash of the judgement, by which it is taken back."),
            required("entity_type", pa.string()),
            required("record_l", pa.string()),
            required("record_r", pa.string()),
            described("verdict", pa.string(), "same, different or unsure."),
            described("who", pa.string(), "Who judged."),
            described("time", pa.string(), "When, in UTC, ISO 8601 with microseconds."),
            described("why", pa.string(), "The reason in words, else empty."),
            described(
                "undoes", pa.string(), "The earlier judgement that this row takes back.", True
            ),
        ]
    ),
    key=("record_l", "record_r", "time", "id"),
    description="What people said of pairs of records: same, different or unsure. Only ever "
    "added to, by `kg review` and `kg judge import`; the newest standing judgement of a pair "
    "counts, above the model and its vetoes.",
)
"""People's judgements, a partition for each entity type."""
