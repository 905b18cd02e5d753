"""What benchmarks.scoring runs: data sets, plain Splink and this project, Parquet to Parquet."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from benchmarks.people_and_films import World, featured, generate
from kg_assets.matching.block_index import BlockIndex
from kg_assets.matching.block_keys import make_keys
from kg_assets.matching.blocking import pairs_of_shard
from kg_assets.matching.clustering import cluster, threshold_weight
from kg_assets.matching.frequencies import lookup_tables
from kg_assets.matching.models import MODELS
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.scorers import scorer
from kg_assets.matching.scorers.interface import Scoring
from kg_assets.matching.scoring import exact_from, scored_pairs
from kg_assets.matching.settings import columns_for_scoring, make_linker
from kg_assets.matching.telling import tell
from kg_assets.matching.training import train
from resources.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kg_assets.matching.model import MatchSpec
    from kg_assets.matching.scorers.interface import Shared


@dataclass(frozen=True)
class DataSet:
    """Files of one type: records with features, frequencies, the trained model and truth.

    There is a second file of the same records, in which lists say what their names tell: plain
    Splink reads that one, since the model's conditions ask for it and Splink has no step for it.

    Attributes:
        folder: Where they lie.
        kind: Entity type.
    """

    folder: Path
    kind: str

    @property
    def spec(self) -> MatchSpec:
        """The shipped model; both sides use its scorer's settings."""
        return MODELS[self.kind]

    @property
    def settings(self) -> dict[str, Any]:
        """The trained Splink settings."""
        found: dict[str, Any] = json.loads(self.file("model", "json").read_text())
        return found

    def file(self, name: str, suffix: str = "parquet") -> Path:
        """One of its files."""
        return self.folder / f"{self.kind}_{name}.{suffix}"


@dataclass(frozen=True)
class Cost:
    """What a run took.

    Attributes:
        wall: Seconds.
        cpu: Processor seconds of the process.
        memory: Peak resident memory of the process in MB, of its whole life.
    """

    wall: float
    cpu: float
    memory: float


class Timer:
    """Measures a run."""

    def __init__(self) -> None:
        self._started = time.perf_counter(), time.process_time()

    def stop(self) -> Cost:
        """What it took until now."""
        # ru_maxrss would count what the parent held when it started this process.
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
        return Cost(
            time.perf_counter() - self._started[0], time.process_time() - self._started[1], peak
        )


def connection(
    threads: int, memory: str | None = None, spill: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection as a step's session is, with the macros."""
    con = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
    con.execute("SET enable_progress_bar = false")
    if memory is not None:
        con.execute("SET memory_limit = $memory", {"memory": memory})
    if spill is not None:
        con.execute("SET temp_directory = $spill", {"spill": str(spill)})
    create_macros(con)
    return con


def _copy(con: duckdb.DuckDBPyConnection, statement: str, path: Path) -> None:
    """Write a file with groups of rows as large as those of the lake."""
    con.execute(f"COPY ({statement}) TO '{quoted(path)}' (FORMAT parquet, ROW_GROUP_SIZE 65536)")


def _write(rows: pa.RecordBatchReader, path: Path, without: Sequence[str] = ()) -> int:
    """Write rows in their order, as a step writes those to the lake; returns how many there are."""
    import pyarrow.parquet as pq

    count, schema = 0, pa.schema([one for one in rows.schema if one.name not in without])
    with pq.ParquetWriter(path, schema, compression="zstd") as written:
        for batch in rows:
            written.write_batch(batch.select(schema.names))
            count += batch.num_rows
    return count


def quoted(path: Path) -> str:
    """A path for a text in SQL."""
    return str(path).replace("'", "''")


def prepare(folder: Path, world: World, threads: int) -> dict[str, DataSet]:
    """Generate a world and train the shipped film and person models on it."""
    con = connection(threads)
    generate(con, world)
    made = {}
    for kind in ("film", "person"):
        data = made[kind] = DataSet(folder, kind)
        featured(con, kind).create_view("made", replace=True)
        _copy(con, "FROM made ORDER BY record_id", data.file("records"))
        truth = f"SELECT record_id, thing FROM truth WHERE entity_type = '{kind}'"
        _copy(con, truth, data.file("truth"))
        con.execute(f"CREATE OR REPLACE TEMP TABLE record AS FROM '{quoted(data.file('records'))}'")
        row = train(con, data.spec, "record").to_pylist()[0]
        data.file("model", "json").write_text(row["settings"])
        _copy(con, "FROM counted_term", data.file("frequencies"))
        _write_told(con, data)
    con.close()
    return made


def _write_told(con: duckdb.DuckDBPyConnection, data: DataSet) -> None:
    """Write ``record`` with what names tell put into its lists, for plain Splink."""
    lists = [one.column for one in data.spec.telling]
    columns = ", ".join(("record_id", *lists))
    con.execute(f"CREATE OR REPLACE TEMP TABLE told AS SELECT {columns} FROM record")
    tell(con, data.spec, "told", "counted_term")
    replaced = ", ".join(f"told.{one} AS {one}" for one in lists)
    _copy(
        con,
        f"""
        SELECT record.*{f" REPLACE ({replaced})" if lists else ""}
        FROM record
        JOIN told USING (record_id)
        ORDER BY record_id
        """,
        data.file("told"),
    )


def block(data: DataSet, shards: int, threads: int, target: Path | None = None) -> tuple[Cost, int]:
    """Make all candidate pairs, shard by shard, of keys that lie sorted in a file as in the lake.

    Returns:
        The cost, and the number of pairs.
    """
    con = connection(threads)
    con.execute(f"CREATE VIEW record AS FROM '{quoted(data.file('records'))}'")
    timer = Timer()
    make_keys(con, data.spec, "record")
    _copy(con, "FROM block_key ORDER BY block, rule_number, record_id", data.file("keys"))
    con.execute("DROP VIEW block_key; DROP TABLE block_key_number; DROP TABLE block_key_record")
    con.execute(f"CREATE VIEW block_key AS FROM '{quoted(data.file('keys'))}'")
    index = None
    if shards > 1:
        # As on a machine that makes several shards.
        with tempfile.TemporaryDirectory(dir=data.folder) as name:
            BlockIndex.of(con, "block_key", Path(name))
            index = BlockIndex.mapped(Path(name))
    pairs = 0
    for shard in range(shards):
        found = pairs_of_shard(con, data.spec, shard, shards, index=index)
        path = (target or data.folder) / f"{data.kind}_pairs_{shards}_{shard}.parquet"
        pairs += _write(found, path)
    return timer.stop(), pairs


def _views(
    con: duckdb.DuckDBPyConnection, data: DataSet, pairs: Path, records: str = "records"
) -> None:
    for name, path in (
        ("record", data.file(records)),
        ("frequency", data.file("frequencies")),
        ("pair", pairs),
    ):
        con.execute(f"CREATE VIEW {name} AS FROM '{quoted(path)}'")


def score_ours(
    data: DataSet,
    pairs: Path,
    target: Path,
    threads: int,
    *,
    every_pair: bool = True,
    memory: str | None = None,
) -> Cost:
    """Score by this project; all rows of match_scores, or those above the threshold."""
    con = connection(threads, memory)
    _views(con, data, pairs)
    timer = Timer()
    limit = exact_from(data.spec.threshold) if every_pair else threshold_weight(data.spec.threshold)
    # Rounding must not lose a pair that stands at the threshold.
    asked = Scoring(
        data.spec, data.settings, "pair", "record", "frequency", limit - 1e-6, every_pair
    )
    wanted = "FROM scored_pair"
    if not every_pair:
        # What Splink's side writes, and the vetoes.
        wanted = "SELECT record_l, record_r, match_weight, match_probability, veto " + wanted
        wanted += f" WHERE match_probability >= {data.spec.threshold!r}"
    with scorer("compiled").scored(con, asked) as rows:
        con.register("scored_pair", rows)
        _copy(con, wanted, target)
    cost = timer.stop()
    con.close()
    return cost


def splink_settings(data: DataSet) -> dict[str, Any]:
    """The baseline's settings: the trained model, without columns that nobody asks for."""
    return data.settings | {"retain_matching_columns": False}


def score_splink(data: DataSet, pairs: Path, target: Path, threads: int) -> tuple[Cost, Cost]:
    """Score by plain Splink: cost of everything, and of ``predict`` alone."""
    con = connection(threads)
    _views(con, data, pairs, "told")
    timer = Timer()
    con.execute(
        "CREATE TEMP TABLE blocked AS "
        "SELECT record_l AS join_key_l, record_r AS join_key_r, '0' AS match_key FROM pair"
    )
    columns = ", ".join(("record_id", *columns_for_scoring(data.spec)))
    con.execute(f"CREATE TEMP TABLE compared AS SELECT {columns} FROM record")
    lookups = lookup_tables(con, data.spec, "compared", "frequency")
    linker = make_linker(con, splink_settings(data), "compared", lookups)
    linker.table_management.register_blocked_pairs_for_predict(linker._db_api.register("blocked"))
    only = Timer()
    found = linker.inference.predict(
        threshold_match_probability=data.spec.threshold, warning_mode="never"
    )
    predict = only.stop()
    _copy(
        con,
        "SELECT record_id_l AS record_l, record_id_r AS record_r, match_weight "
        f"FROM {found.physical_name}",
        target,
    )
    cost = timer.stop()
    con.close()
    return cost, predict


def mixed(data: DataSet, scored: Path, share: float, most: int) -> tuple[Path, int]:
    """A file of pairs of which a share is above the threshold, and how many there are."""
    con = connection(1)
    above, below = (
        con.sql(
            f"SELECT count(*) FROM '{quoted(scored)}' WHERE match_probability {sign} "
            f"{data.spec.threshold!r}"
        ).fetchall()[0][0]
        for sign in (">=", "<")
    )
    size = int(min(most, above / share, below / (1 - share)))
    path = data.folder / f"{data.kind}_mix_{int(share * 100)}.parquet"
    _copy(
        con,
        f"""
        SELECT record_l, record_r, rule
        FROM '{quoted(scored)}'
        QUALIFY row_number() OVER (
            PARTITION BY match_probability >= {data.spec.threshold!r}
            ORDER BY hash(record_l, record_r)
        ) <= CASE WHEN match_probability >= {data.spec.threshold!r}
                  THEN {int(size * share)} ELSE {size - int(size * share)} END
        ORDER BY record_l, record_r
        """,
        path,
    )
    return path, size


def score_to(
    con: duckdb.DuckDBPyConnection,
    data: DataSet,
    path: Path,
    without: Sequence[str] = (),
    shared: Shared | None = None,
) -> None:
    """Score the view ``pair`` as a build does; write the scores without some columns."""
    views = "pair", "record", "frequency"
    exact = exact_from(data.spec.threshold)
    with scored_pairs(con, data.spec, data.settings, *views, exact=exact, shared=shared) as rows:
        _write(
            rows.to_arrow_reader() if isinstance(rows, duckdb.DuckDBPyRelation) else rows,
            path,
            without,
        )


def resolve_ours(data: DataSet, target: Path, threads: int, shards: int) -> Cost:
    """Records to clusters by this project, shard by shard, from Parquet to Parquet.

    With the memory that a step has by default; what is more is spilled.
    """
    import pyarrow.parquet as pq

    memory, spill = Settings().memory_limit, data.folder / "spill"

    def session() -> duckdb.DuckDBPyConnection:
        # Each step of a build has a session of its own.
        con = connection(threads, memory, spill)
        con.execute(f"CREATE VIEW record AS FROM '{quoted(data.file('records'))}'")
        con.execute(f"CREATE VIEW frequency AS FROM '{quoted(data.file('frequencies'))}'")
        return con

    timer = Timer()
    blocked = [target.with_suffix(f".pairs_{shard}.parquet") for shard in range(shards)]
    with session() as con:
        make_keys(con, data.spec, "record")
        index = BlockIndex.of(con, "block_key", records="block_key_record")
        for shard, path in enumerate(blocked):
            _write(pairs_of_shard(con, data.spec, shard, shards, index=index), path)
        del index
    scores = [str(path.with_suffix(".scores.parquet")) for path in blocked]
    for path, scored in zip(blocked, scores, strict=True):
        with session() as con:
            con.execute(f"CREATE VIEW pair AS FROM '{quoted(path)}'")
            score_to(con, data, Path(scored), ("levels", "rule"))
    con = session()
    found = cluster(
        con,
        con.sql(f"SELECT record_id, source FROM '{quoted(data.file('records'))}'"),
        con.read_parquet(scores),
        threshold=data.spec.threshold,
        duplicate_free=(),
    )
    pq.write_table(found.assignment, target)
    return timer.stop()


def resolve_splink(data: DataSet, target: Path, threads: int) -> Cost:
    """Records to clusters by plain Splink: its blocking, predict and clustering."""
    con = connection(threads)
    con.execute(f"CREATE VIEW record AS FROM '{quoted(data.file('told'))}'")
    con.execute(f"CREATE VIEW frequency AS FROM '{quoted(data.file('frequencies'))}'")
    timer = Timer()
    rules = data.spec.blocking
    keys = "".join(f", {rule.keys} AS keys_{place}" for place, rule in enumerate(rules))
    columns = ", ".join(("record_id", *dict.fromkeys(("source", *columns_for_scoring(data.spec)))))
    con.execute(f"CREATE TEMP TABLE compared AS SELECT {columns}{keys} FROM record")
    settings = splink_settings(data) | {
        "blocking_rules_to_generate_predictions": [
            {
                "blocking_rule": f"l.keys_{place} = r.keys_{place}"
                + (" AND l.source <> r.source" if rule.across_sources else ""),
                "sql_dialect": "duckdb",
                "arrays_to_explode": [f"keys_{place}"],
            }
            for place, rule in enumerate(rules)
        ]
    }
    lookups = lookup_tables(con, data.spec, "compared", "frequency")
    linker = make_linker(con, settings, "compared", lookups)
    found = linker.inference.predict(
        threshold_match_probability=data.spec.threshold, warning_mode="never"
    )
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        found, threshold_match_probability=data.spec.threshold
    )
    _copy(con, f"SELECT cluster_id AS cluster, record_id FROM {clusters.physical_name}", target)
    return timer.stop()
