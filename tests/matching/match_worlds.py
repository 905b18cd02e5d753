"""Tiny worlds of records for the tests of matching."""

import json

import duckdb
import pyarrow as pa

from kg_assets.matching.block_keys import make_keys
from kg_assets.matching.blocking import pairs_of_shard
from kg_assets.matching.clustering import cluster
from kg_assets.matching.features import add_features
from kg_assets.matching.models import MODELS
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.records import make_current
from kg_assets.matching.scoring import score_pairs
from kg_assets.matching.tables import entity_members
from kg_assets.matching.training import train
from kg_assets.matching.vetoes import veto_pairs
from kg_assets.sources.tables import SOURCE_RECORDS

PLACE = {"file": "f.jsonl", "table": None, "sha256": "0" * 64}


def film(source, source_id, name, year=None, directors=(), **more):
    credits = [
        {
            "name": person,
            "person_id": f"{source_id}/{person.lower()}",
            "role": "director",
            "character": None,
            "position": place,
        }
        for place, person in enumerate(directors, 1)
    ]
    return {
        "entity_type": "film",
        "source": source,
        "source_id": source_id,
        "name": name,
        "year": year,
        "credits": credits or None,
        **more,
    }


def people_of(films):
    return [
        {
            "entity_type": "person",
            "source": one["source"],
            "source_id": credit["person_id"],
            "name": credit["name"],
            "professions": [credit["role"]],
            "position": one.get("position"),
        }
        for one in films
        for credit in one["credits"] or []
    ]


def table_of(rows):
    return pa.Table.from_pylist(
        [
            PLACE | row | {"position": place if row.get("position") is None else row["position"]}
            for place, row in enumerate(rows)
        ],
        schema=SOURCE_RECORDS.schema,
    )


def world(spec, rows, members=(), duplicate_free=None):
    """A connection with the table ``record``: the records of the model's type with features."""
    con = duckdb.connect(config={"threads": 1})
    create_macros(con)
    con.register("given", table_of(rows))
    sources = sorted({row["source"] for row in rows}) or ["nobody"]
    con.register(
        "delivery",
        pa.table(
            {
                "number": list(range(1, len(sources) + 1)),
                "source": sources,
                "delivery": ["one"] * len(sources),
                "mode": ["partial"] * len(sources),
                "duplicate_free": pa.array([duplicate_free] * len(sources), pa.bool_()),
            }
        ),
    )
    con.execute(
        "CREATE VIEW delivered AS SELECT number, given.* FROM given JOIN delivery USING (source)"
    )
    con.register(
        "entity_member", pa.Table.from_pylist(list(members), schema=entity_members("film").schema)
    )
    make_current(con, spec, "delivered", "delivery", "current_record")
    add_features(con, spec, "current_record", "entity_member").create_view("found")
    con.execute("CREATE TABLE record AS SELECT * FROM found ORDER BY record_id")
    return con


def trained(con, spec):
    return train(con, spec, "record").to_pylist()[0]


def clustered(con, spec):
    """Which records of a world are one thing, by a model trained on it: record_id, cluster."""
    settings = json.loads(trained(con, spec)["settings"])
    make_keys(con, spec, "record")
    con.from_arrow(pairs_of_shard(con, spec, 0, 1)).create("candidate")

    def cannot_link(pairs):
        pairs.create_view("asked", replace=True)
        return veto_pairs(con, spec, "asked", "record")

    return cluster(
        con,
        con.sql("SELECT record_id, source FROM record"),
        score_pairs(con, spec, settings, "candidate", "record", "counted_term"),
        threshold=spec.threshold,
        cannot_link=cannot_link,
    ).assignment


def things(kind, rows, members=()):
    """The records of a type as groups of source ids, one a thing, by the shipped model."""
    spec = MODELS[kind]
    con = world(spec, rows, members)
    con.register("assignment", clustered(con, spec))
    groups = con.sql(
        """
        SELECT list(source_id ORDER BY source_id)
        FROM assignment
        JOIN record USING (record_id)
        GROUP BY cluster
        """
    ).fetchall()
    con.close()
    return {tuple(group) for (group,) in groups}


def apart(*ids):
    return {(one,) for one in ids}
