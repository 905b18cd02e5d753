"""The tables of the matching stage; a function of the entity type gives each its own."""

from __future__ import annotations

import pyarrow as pa

from resources.table import Table

_MEANINGS = {
    "entity_type": "The entity type.",
    "version": "Hash of the model's declaration.",
    "settings": "Splink settings as JSON, with the trained m and u probabilities.",
    "threshold": "Match probability from which a pair is an edge.",
    "source_l": "A source, the smaller name of the two.",
    "source_r": "The other source, or the same.",
    "method": "How the threshold was found: calibrated, one_to_one, declared or configured.",
    "measured": "The threshold without what is configured.",
    "measured_method": "How that one was found.",
    "model_version": "Version of the match model that this is frozen with.",
    "kind": "What is counted: level, weight or term.",
    "item": "The comparison, or the column.",
    "bucket": "The level, the bin of match weight in bits, or the term.",
    "count": "How many pairs, or records of the sample.",
    "file": "Path in the folder of reports of the namespace.",
    "sha256": "SHA-256 of the file.",
    "bytes": "Its size.",
    "trained": "Whether training changed what was declared.",
    "untrained": "Each level that training never saw: comparison, level, m or u.",
    "notes": "What could not be trained, and why.",
    "column_name": "The feature.",
    "value": "One of its values.",
    "frequency": "Share of distinct things that have the value, 0 to 1.",
    "record_l": "source:source_id, the smaller of the two.",
    "record_r": "source:source_id, the greater of the two.",
    "block": "Hash of rule and key; a shard is a range of it.",
    "rule_number": "Place of the blocking rule in the model, from 0.",
    "record_id": "source:source_id.",
    "record": "Hash of record_id.",
    "duplicate_free": "Whether the source is declared free of duplicates.",
    "origin": "Hash of rule and key of the block over the cap that this one was cut from.",
    "block_key": "The key that the records share.",
    "block_records": "How many records share it.",
    "largest": "Records of the largest block that it was cut into.",
    "neighbourhoods": "Blocks that were still over the cap and are joined in sorted windows.",
    "rule": "The first blocking rule that holds for the pair.",
    "match_weight": "Sum of the evidence in bits; 0 is even odds.",
    "match_probability": "The same as a probability.",
    "levels": "Level reached in each comparison, in the model order; -1: a value is missing; -2: "
    "not needed, the pair cannot reach the weight from which weights are exact.",
    "veto": "Name of the veto that forbids the match, if any.",
    "entity_id": "Lasting id of the entity.",
    "name": "The chosen name.",
    "alternate_names": "All other names.",
    "year": "First year.",
    "end_year": "Last year.",
    "date": "Day of release or first broadcast.",
    "runtime_minutes": "Running time in minutes.",
    "season": "Season of an episode.",
    "episode": "Number of an episode in its season.",
    "genres": "Genres of all records.",
    "countries": "Countries of origin, ISO 3166-1 alpha-2.",
    "languages": "Original languages, ISO 639.",
    "professions": "What a person does.",
    "birth_year": "Year of birth.",
    "death_year": "Year of death.",
    "description": "The longest prose of its records.",
    "url": "A page about the entity.",
    "records": "How many records it holds.",
    "sources": "The sources of its records.",
    "source": "Who delivered the record.",
    "source_id": "The source's own identifier.",
    "generation": "Number of the change, from 1.",
    "event": "born, merged, split or retired.",
    "other_id": "Where a merged or split id leads, else empty.",
    "members": "How many records it concerned.",
    "entity_l": "Entity of record_l.",
    "entity_r": "Entity of record_r.",
    "reason": "Why a person should look.",
    "figure": "What is compared: a figure of all pairs, or pair, for one that differs most.",
    "place": "Rank among the pairs that differ most, from 1; 0 for a figure.",
    "pinned": "Of the scorer that decides: the figure, or the pair's match weight.",
    "shadow": "The same of the scorer that runs beside it.",
}
"""What each column holds; a name means the same in every table."""


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return _column(name, kind).with_nullable(False)


def _described(name: str, kind: pa.DataType, text: str, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"description": text})


def _column(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, metadata={"description": _MEANINGS[name]})


def match_model(entity_type: str) -> Table:
    """The frozen model of an entity type, one row; its threshold is the declared one."""
    return Table(
        name=f"{entity_type}/match_model",
        schema=pa.schema(
            [
                _required("entity_type", pa.string()),
                _required("version", pa.string()),
                _required("settings", pa.string()),
                _required("threshold", pa.float64()),
                _required("trained", pa.bool_()),
                _required("untrained", pa.list_(pa.string())),
                _column("notes", pa.string()),
            ]
        ),
        key=("entity_type",),
        description="The trained Splink settings as JSON with the threshold: one frozen version, "
        "retrained on request.",
    )


def term_frequencies(entity_type: str) -> Table:
    """How common each value of a term-frequency column is among distinct things."""
    return Table(
        name=f"{entity_type}/term_frequencies",
        schema=pa.schema(
            [
                _required("column_name", pa.string()),
                _required("value", pa.string()),
                _required("frequency", pa.float64()),
            ]
        ),
        key=("column_name", "value"),
        description="Relative frequency of a value, counted over distinct things and frozen with "
        "the model.",
    )


def block_keys(entity_type: str) -> Table:
    """The blocks that each record is in."""
    return Table(
        name=f"{entity_type}/block_keys",
        schema=pa.schema(
            [
                _required("block", pa.uint64()),
                _required("rule_number", pa.uint8()),
                _required("record_id", pa.string()),
                _required("record", pa.uint64()),
                _required("source", pa.string()),
                _required("duplicate_free", pa.bool_()),
                _column("origin", pa.uint64()),
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
                _required("rule", pa.string()),
                _required("block_key", pa.string()),
                _required("rule_number", pa.uint8()),
                _required("origin", pa.uint64()),
                _required("block_records", pa.int64()),
                _required("largest", pa.int64()),
                _required("neighbourhoods", pa.int64()),
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
                _required("record_l", pa.string()),
                _required("record_r", pa.string()),
                _required("rule", pa.string()),
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
                _required("record_l", pa.string()),
                _required("record_r", pa.string()),
                _required("rule", pa.string()),
                _required("match_weight", pa.float64()),
                _required("match_probability", pa.float64()),
                _required("levels", pa.list_(pa.int8())),
                _column("veto", pa.string()),
            ]
        ),
        key=("record_l", "record_r"),
        description="Match weight and probability of each candidate pair, the comparison levels "
        "that explain it (in the order of the model's comparisons), and the veto, if any, that "
        "no score may overrule. Of a pair that cannot come near the threshold the weight is an "
        "upper bound, its levels are -2, and vetoes are not asked.",
    )


def scorer_comparison(entity_type: str) -> Table:
    """How a second scorer would have decided."""
    return Table(
        name=f"{entity_type}/scorer_comparison",
        schema=pa.schema(
            [
                _required("figure", pa.string()),
                _required("place", pa.int32()),
                _column("record_l", pa.string()),
                _column("record_r", pa.string()),
                _column("pinned", pa.float64()),
                _column("shadow", pa.float64()),
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
                _required("source_l", pa.string()),
                _required("source_r", pa.string()),
                _required("threshold", pa.float64()),
                _required("method", pa.string()),
                _column("notes", pa.string()),
                _required("measured", pa.float64()),
                _required("measured_method", pa.string()),
                _required("model_version", pa.string()),
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
                _required("kind", pa.string()),
                _required("item", pa.string()),
                _required("bucket", pa.string()),
                _required("count", pa.int64()),
                _required("model_version", pa.string()),
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
                _required("entity_id", pa.string()),
                _required("entity_type", pa.string()),
                _required("name", pa.string()),
                _column("alternate_names", pa.list_(pa.string())),
                _column("year", pa.int32()),
                _column("end_year", pa.int32()),
                _column("date", pa.date32()),
                _column("runtime_minutes", pa.float64()),
                _column("season", pa.int32()),
                _column("episode", pa.int32()),
                _column("genres", pa.list_(pa.string())),
                _column("countries", pa.list_(pa.string())),
                _column("languages", pa.list_(pa.string())),
                _column("professions", pa.list_(pa.string())),
                _column("birth_year", pa.int32()),
                _column("death_year", pa.int32()),
                _column("description", pa.string()),
                _column("url", pa.string()),
                _required("records", pa.int64()),
                _required("sources", pa.list_(pa.string())),
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
                _required("entity_id", pa.string()),
                _required("entity_type", pa.string()),
                _required("source", pa.string()),
                _required("source_id", pa.string()),
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
                _required("generation", pa.int64()),
                _required("event", pa.string()),
                _required("entity_id", pa.string()),
                _required("other_id", pa.string()),
                _required("members", pa.int64()),
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
                _required("record_l", pa.string()),
                _required("record_r", pa.string()),
                _required("entity_l", pa.string()),
                _required("entity_r", pa.string()),
                _required("match_weight", pa.float64()),
                _required("match_probability", pa.float64()),
                _described("kind", pa.string(), "kept apart, veto or threshold."),
                _required("reason", pa.string()),
                _described(
                    "distance",
                    pa.float64(),
                    "Bits by which a pair is less telling than others of its kind.",
                ),
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
                _required("entity_id", pa.string()),
                _required("records", pa.int64()),
                _described("scored_pairs", pa.int64(), "Pairs of its records that were scored."),
                _described("edges", pa.int64(), "Accepted pairs inside, also those of people."),
                _described("density", pa.float64(), "Share of all pairs that are edges."),
                _described("denied_pairs", pa.int64(), "Scored pairs inside that are no edges."),
                _described(
                    "weakest_edge", pa.float64(), "Least bits of an edge above its threshold.", True
                ),
                _described("bridges", pa.int64(), "Edges whose removal parts the cluster."),
                _described(
                    "score",
                    pa.float64(),
                    "Pairs of records that are to be expected to be joined falsely.",
                ),
                _described(
                    "record_l", pa.string(), "Of the pair to ask for; none where none is.", True
                ),
                _described("record_r", pa.string(), "The other record of that pair.", True),
                _described("match_probability", pa.float64(), "The match probability of it.", True),
                _described("reason", pa.string(), "Why it should be asked for.", True),
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
                _required("record_l", pa.string()),
                _required("record_r", pa.string()),
                _required("match_probability", pa.float64()),
                _described("kind", pa.string(), "kept apart, cluster, veto or threshold."),
                _required("reason", pa.string()),
                _described("turn", pa.int32(), "Place in the order in which pairs are asked for."),
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
            _described("id", pa.string(), "Hash of the judgement, by which it is taken back."),
            _required("entity_type", pa.string()),
            _required("record_l", pa.string()),
            _required("record_r", pa.string()),
            _described("verdict", pa.string(), "same, different or unsure."),
            _described("who", pa.string(), "Who judged."),
            _described("time", pa.string(), "When, in UTC, ISO 8601 with microseconds."),
            _described("why", pa.string(), "The reason in words, else empty."),
            _described(
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


def match_report(entity_type: str) -> Table:
    """Files of the report on the match model."""
    return Table(
        name=f"{entity_type}/match_report",
        schema=pa.schema(
            [
                _required("file", pa.string()),
                _required("sha256", pa.string()),
                _required("bytes", pa.int64()),
            ]
        ),
        key=("file",),
        description="The report on the match model, a page and a picture: match weights, m and u, "
        "score histograms with thresholds, unlinkable records, blocking, sizes and quality of "
        "clusters.",
    )
