"""A lake of films to which deliveries come, and which is brought up to date step by step."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from kg_assets.judging.log import add
from kg_assets.judging.values import ContradictionError
from kg_assets.matching import tables
from kg_assets.matching.affected import applied_judgements
from kg_assets.matching.block_keys import run_block_keys
from kg_assets.matching.blocking import run_blocked_pairs
from kg_assets.matching.component_scores import component_scores
from kg_assets.matching.entities import run_resolved_entities
from kg_assets.matching.frozen import run_match_thresholds
from kg_assets.matching.judgement_log import PAIRS
from kg_assets.matching.judgement_values import judgement
from kg_assets.matching.model import (
    BlockingRule,
    Comparison,
    Feature,
    Level,
    MatchSpec,
    TermFrequency,
    Veto,
)
from kg_assets.matching.record_counts import record_counts
from kg_assets.matching.records import records, run_records
from kg_assets.matching.scoring import run_match_scores
from kg_assets.matching.training import run_match_model
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings
from tests.homes import copy_home
from tests.matching.match_worlds import film, table_of

SPEC = MatchSpec(
    entity_type="film",
    features=(
        Feature("title", "lower(name)", pa.string()),
        Feature("words", "string_split(lower(name), ' ')", pa.list_(pa.string())),
        Feature("year_of", "year", pa.int32()),
    ),
    blocking=(
        BlockingRule("title", "[title]", "[year_of::VARCHAR]"),
        BlockingRule("word", "words", "[title]", across_sources=True),
        BlockingRule("year", "[year_of::VARCHAR]", "words"),
    ),
    comparisons=(
        Comparison(
            "title",
            "title_l IS NULL OR title_r IS NULL",
            (
                Level("same", "title_l = title_r", 0.8, 0.05),
                Level("a word", "list_has_any(words_l, words_r)", 0.15, 0.2),
                Level("other", "ELSE", 0.05, 0.75),
            ),
            train="",
        ),
        Comparison(
            "year",
            "year_of_l IS NULL OR year_of_r IS NULL",
            (
                Level("same", "year_of_l = year_of_r", 0.8, 0.1),
                Level("near", "abs(year_of_l - year_of_r) <= 1", 0.15, 0.2),
                Level("far", "ELSE", 0.05, 0.7),
            ),
            train="",
        ),
    ),
    vetoes=(Veto("years", "abs(l.year_of - r.year_of) > 3", "The years are too far apart."),),
    term_frequencies=(TermFrequency("title", distinct="record_id"),),
    prior=0.2,
    threshold=0.5,
    shards=2,
    block_cap=3,
)
SHARDS = ("00", "01")
COMPARED = (
    records(SPEC),
    *(
        make("film")
        for make in (
            tables.block_keys,
            tables.cut_blocks,
            tables.blocked_pairs,
            tables.match_scores,
            tables.score_counts,
            record_counts,
            tables.resolved_entities,
            tables.entity_members,
            tables.identity_events,
            tables.doubtful_pairs,
            tables.cluster_quality,
            tables.review_queue,
            applied_judgements,
            component_scores,
        )
    ),
)

WHOLE = {"layer_share": 1e-9}
"""Settings with which every change makes everything again."""

LAYERS: dict[str, Any] = {"layer_share": 1e9, "layers": 64, "copied_rows": 1}
"""Settings with which layers hold whatever changes."""


RED = {"id": "1", "name": "Red", "year": 2000}
BLUE = {"id": "2", "name": "Blue Moon", "year": 2005}


def assert_equal(found, expected):
    for name, rows in expected.items():
        assert found[name] == rows, name


class World:
    """A lake to which deliveries come and which is brought up to date after them.

    Args:
        home: Its folder.
        spec: The match model.
        code: Version of the steps' code: where it is another than before, all is made again.
        options: Settings.
    """

    def __init__(self, home, spec=SPEC, code="0", **options):
        self.lake = Lake(Settings(home=Path(home), **{"threads": 1} | options))
        self.spec = spec
        self.code = code
        self.shards = SHARDS if spec.shards > 1 else (None,)
        self.delivered = 0
        self.place = None

    def copy(self, home, **changed):
        """What is there now, in another folder, where other options may hold."""
        copy_home(self.lake.settings.home, home)
        kept = self.lake.settings.model_dump(include={"layer_share", "layers", "copied_rows"})
        made = World(home, **{"spec": self.spec, "code": self.code} | kept | changed)
        made.delivered = self.delivered
        return made

    def deliver(self, source, films, mode="partial", free=None):
        self.deliver_all([{"source": source, "films": films, "mode": mode, "free": free}])

    def deliver_all(self, deliveries):
        """Deliver one after the other, and commit them together."""
        with self.lake.step("source_records") as step:
            for one in deliveries:
                self.delivered += 1
                source, name = one["source"], f"d{self.delivered:03}"
                rows = [
                    film(source, each["id"], each["name"])
                    | {key: value for key, value in each.items() if key != "id"}
                    | {"position": place}
                    for place, each in enumerate(one["films"])
                ]
                table = table_of(sorted(rows, key=lambda row: row["source_id"]))
                step.write(SOURCE_RECORDS, table, f"{source}|{name}")
                row = {
                    "source": source,
                    "delivery": name,
                    "sequence": self.place or self.delivered,
                    "mode": one["mode"],
                    "duplicate_free": one["free"],
                    "files": 1,
                    "blobs": len(rows),
                    "bytes": 0,
                    "fingerprint": name,
                }
                table = pa.Table.from_pylist([row], schema=DELIVERIES.schema)
                step.write(DELIVERIES, table, f"{source}|{name}")

    def judge(self, left, right, verdict):
        """Add a judgement, and say whether it could be."""
        return self.judge_all([(left, right, verdict)]) == 1

    def judge_all(self, judged):
        """Add judgements, as many of them as contradict none before, and say how many."""
        said = [judgement("film", *one, who="ann") for one in judged]
        try:
            add(self.lake, PAIRS, said)
        except ContradictionError:
            if len(said) == 1:
                return 0
            return sum(self.judge_all([one]) for one in judged)
        return len(said)

    def steps(self):
        """The steps of an update in order: each a function and its partition."""
        pairs = [
            (function, shard)
            for shard in self.shards
            for function in (run_blocked_pairs, run_match_scores)
        ]
        before = [(one, None) for one in (run_records, run_match_model, run_block_keys)]
        return [*before, *pairs, (run_match_thresholds, None), (run_resolved_entities, None)]

    def update(self, *, but=0):
        """Run all steps, but so many at the end; gives the figures of the last."""
        steps = self.steps()
        for function, partition in steps[: len(steps) - but]:
            figures = self.run(function, partition)
        return figures

    def run(self, function, partition=None):
        name = function.__name__
        with self.lake.step(name, partition=partition, code_version=self.code) as step:
            function(step, self.spec)
            return dict(step.figures)

    def content(self, compared=COMPARED):
        found = {}
        with self.lake.step("look") as step:
            for table in compared:
                # Of tables with a part for each shard the key is that of a part.
                everything = ", ".join(dict.fromkeys((*table.key, *table.schema.names)))
                rows = step.read(table, tracked=False).order(everything).to_arrow_table()
                found[table.name] = rows.select(table.schema.names).to_pylist()
        return found

    def members(self):
        rows = self.content()["film/entity_members"]
        return {f"{row['source']}:{row['source_id']}": row["entity_id"] for row in rows}

    def versions(self):
        return {
            (table.name, partition): head.file.version
            for table in COMPARED
            for partition, head in self.lake.heads(table).items()
        }

    def layered(self):
        return {
            table.name
            for table in COMPARED
            for head in self.lake.heads(table).values()
            if head.below
        }
