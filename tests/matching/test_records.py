"""Current records: the order and mode of deliveries, contexts, and what features cannot see."""

import json

import pyarrow as pa
import pytest

from kg_assets.matching.block_keys import run_block_keys
from kg_assets.matching.blocking import run_blocked_pairs
from kg_assets.matching.features import add_features
from kg_assets.matching.models import MODELS
from kg_assets.matching.records import records, run_records
from kg_assets.matching.scoring import run_match_scores
from kg_assets.matching.tables import blocked_pairs, entity_members, match_model, match_scores
from kg_assets.matching.training import run_match_model
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings
from tests.matching.match_worlds import film, people_of, table_of, world

FILM, PERSON = MODELS["film"], MODELS["person"]


@pytest.fixture
def lake(tmp_path):
    return Lake(Settings(home=tmp_path))


def deliver(lake, name, rows, mode="partial", sequence=0, duplicate_free=None):
    source = rows[0]["source"]
    with lake.step("deliver", partition=f"{source}|{name}") as step:
        step.write(SOURCE_RECORDS, table_of(rows))
    say(lake, name, source, mode, sequence, duplicate_free)


def say(lake, name, source, mode="partial", sequence=0, duplicate_free=None):
    """Enter a delivery among the deliveries, whether its records are there or not."""
    row = {
        "source": source,
        "delivery": name,
        "sequence": sequence,
        "mode": mode,
        "duplicate_free": duplicate_free,
        "files": 1,
        "blobs": 1,
        "bytes": 1,
        "fingerprint": "",
    }
    with lake.step("say", partition=f"{source}|{name}") as step:
        step.write(DELIVERIES, pa.Table.from_pylist([row], schema=DELIVERIES.schema))


def run(lake, spec, function, partition=None, **options):
    with lake.step(function.__name__, partition=partition, options=options) as step:
        function(step, spec=spec)
        return dict(step.figures)


def rows(lake, table):
    with lake.step("look") as step:
        return step.read(table).order(", ".join(table.key)).to_arrow_table().to_pylist()


def names(lake, spec=FILM):
    run(lake, spec, run_records)
    return {row["record_id"]: row["name"] for row in rows(lake, records(spec))}


def test_the_later_delivery_wins_by_sequence_and_then_by_name(lake):
    deliver(lake, "b", [film("s", "1", "Second by name"), film("s", "2", "Only here")])
    deliver(lake, "a", [film("s", "1", "First by name")])
    assert names(lake) == {"s:1": "Second by name", "s:2": "Only here"}
    deliver(lake, "0", [film("s", "1", "Highest sequence")], sequence=5)
    assert names(lake)["s:1"] == "Highest sequence"


def test_a_full_delivery_replaces_what_its_source_delivered_before(lake):
    deliver(lake, "1", [film("s", "1", "Old"), film("s", "2", "Gone")])
    deliver(lake, "1", [film("t", "1", "Of another source")])
    deliver(lake, "2", [film("s", "1", "New")], mode="full")
    deliver(lake, "3", [film("s", "3", "Added")])
    assert names(lake) == {"s:1": "New", "s:3": "Added", "t:1": "Of another source"}


def test_a_deleted_record_is_gone_until_it_is_delivered_again(lake):
    deliver(lake, "1", [film("s", "1", "Up"), film("s", "2", "Her")])
    deliver(lake, "2", [film("s", "1", "Up")], mode="delete")
    assert names(lake) == {"s:2": "Her"}
    deliver(lake, "3", [film("s", "1", "Up again")])
    assert names(lake) == {"s:1": "Up again", "s:2": "Her"}


def test_a_person_that_no_current_work_credits_is_gone(lake):
    before = [film("s", "1", "Up", directors=["Pete Docter", "Bob Peterson"], position=3)]
    after = [film("s", "1", "Up", directors=["Pete Docter"], position=4)]
    deliver(lake, "1", before + people_of(before))
    assert set(names(lake, PERSON)) == {"s:1/pete docter", "s:1/bob peterson"}
    deliver(lake, "2", after + people_of(after))
    assert set(names(lake, PERSON)) == {"s:1/pete docter"}


def person(source_id, name, **more):
    return {
        "entity_type": "person",
        "source": "s",
        "source_id": source_id,
        "name": name,
        "position": 50,
    } | more


def crediting(number, source_id, name):
    """A film with a credit that names a person's id, and the person made from that credit."""
    work = film("s", str(number), f"Film {number}", position=number)
    credit = {"name": name, "person_id": source_id, "role": "director"}
    work["credits"] = [credit | {"character": None, "position": 1}]
    return [work, *people_of([work])]


@pytest.mark.parametrize("own_first", [True, False])
def test_a_persons_own_record_counts_before_one_made_from_a_credit(lake, own_first):
    own, made = [person("p1", "Ana de Armas", birth_year=1988)], crediting(1, "p1", "A. de Armas")
    for name, delivered in zip("12", (own, made) if own_first else (made, own), strict=True):
        deliver(lake, name, delivered)
    run(lake, PERSON, run_records)
    (found,) = rows(lake, records(PERSON))
    assert (found["name"], found["birth_year"]) == ("Ana de Armas", 1988)


def test_a_person_whose_own_record_is_deleted_is_known_from_credits(lake):
    deliver(lake, "1", [person("p1", "Ana de Armas")])
    deliver(lake, "2", crediting(1, "p1", "A. de Armas"))
    deliver(lake, "3", [person("p1", "p1")], mode="delete")
    assert names(lake, PERSON) == {"s:p1": "A. de Armas"}


def test_deleting_a_work_keeps_those_whom_another_work_credits(lake):
    deliver(lake, "1", crediting(1, "p1", "Ana de Armas") + crediting(2, "p2", "Pete Docter"))
    deliver(lake, "2", crediting(3, "p1", "Ana de Armas"))
    deliver(lake, "3", crediting(1, "p1", "Ana de Armas") + crediting(2, "p2", "x"), mode="delete")
    assert names(lake, PERSON) == {"s:p1": "Ana de Armas"}


def test_nothing_delivered_is_no_error(lake):
    assert names(lake) == {}
    run(lake, FILM, run_match_model)
    run(lake, FILM, run_block_keys)
    run(lake, FILM, run_blocked_pairs, "00")
    run(lake, FILM, run_match_scores, "00")
    assert rows(lake, match_scores("film")) == []


def test_a_source_that_is_declared_free_of_duplicates_is_checked(lake):
    deliver(lake, "1", [film("s", n, "Twin", 1990) for n in "12"], duplicate_free=True)
    assert run(lake, FILM, run_records)["doubtful_duplicates"] == {"s": 1}


def test_a_person_knows_the_entities_of_the_works_and_the_colleagues():
    films = [
        film("s", "1", "One", 1990, ["Ann Lee", "Bo Chu"], countries=["FR"]),
        film("s", "2", "Two", 1994, ["Ann Lee"]),
    ]
    con = world(
        PERSON,
        films + people_of(films),
        members=[
            {"entity_id": "film:aaaa", "entity_type": "film", "source": "s", "source_id": "1"}
        ],
    )
    ann, bo = ("s:1/ann lee", "s:1/bo chu")
    found = {row["record_id"]: row for row in con.table("record").to_arrow_table().to_pylist()}
    assert found[ann]["credited_works"] == ["film:aaaa"]
    assert found[ann]["sole_director_of"] == []
    assert found["s:2/ann lee"]["credited_works"] == ["s:2"]
    assert found["s:2/ann lee"]["sole_director_of"] == ["s:2"]
    assert found[ann]["active_countries"] == ["FR"]
    assert found[ann]["colleagues"] == found[bo]["colleagues"]
    assert len(found[bo]["colleagues"]) == 2


def chain(home, films):
    lake = Lake(Settings(home=home))
    for source in sorted({row["source"] for row in films}):
        deliver(lake, "1", [row for row in films if row["source"] == source])
    run(lake, FILM, run_records)
    run(lake, FILM, run_match_model)
    run(lake, FILM, run_block_keys)
    shards = [f"{shard:02}" for shard in range(FILM.shards)]
    for shard in shards:
        run(lake, FILM, run_blocked_pairs, shard)
        run(lake, FILM, run_match_scores, shard)
    return {
        table.name: [head.file.sha256 for _, head in sorted(lake.heads(table).items())]
        for table in (match_model("film"), blocked_pairs("film"), match_scores("film"))
    }


def test_ids_and_addresses_change_no_byte_of_pairs_model_and_scores(tmp_path):
    def films(ids):
        return [
            film(
                "ab"[n % 2],
                str(n),
                f"Story {n // 2}",
                1950 + n % 40,
                [f"Maker {n % 30}"],
                external_ids=[("imdb", ids(n))],
                url=f"https://example.org/{ids(n)}",
            )
            for n in range(80)
        ]

    right = chain(tmp_path / "right", films(lambda n: f"tt{n // 2}"))
    wrong = chain(tmp_path / "wrong", films(lambda n: f"tt{n * 7 % 11}"))
    assert right == wrong


@pytest.mark.parametrize("hidden", ["external_ids", "url"])
def test_no_model_can_name_a_hidden_column(hidden):
    for spec in MODELS.values():
        declared = [feature.sql for feature in spec.features]
        declared += [rule.keys + rule.refine for rule in spec.blocking]
        declared += [level.condition for one in spec.comparisons for level in one.levels]
        declared += [veto.condition for veto in spec.vetoes]
        assert hidden not in " ".join(declared).split()


def test_a_model_stays_until_it_is_retrained(lake):
    deliver(lake, "1", [film("s", str(n), f"Same {n % 3}", 1990) for n in range(60)])
    run(lake, FILM, run_records)
    figures = run(lake, FILM, run_match_model)
    assert (figures["kept"], figures["trained"]) == (False, True)
    first = rows(lake, match_model("film"))
    deliver(lake, "2", [film("s", str(n), f"Film {n}", 1990) for n in range(30)])
    run(lake, FILM, run_records)
    assert run(lake, FILM, run_match_model)["kept"] is True
    assert rows(lake, match_model("film")) == first
    run(lake, FILM, run_match_model, retrain=True)
    (again,) = rows(lake, match_model("film"))
    assert again["version"] != first[0]["version"]
    assert json.loads(again["settings"])["comparisons"]


def test_members_of_the_types_before_are_read(lake):
    films = [film("s", "1", "One", 1990, ["Ann Lee"])]
    deliver(lake, "1", films + people_of(films))
    with lake.step("members") as step:
        step.con.execute(
            "CREATE TABLE member AS SELECT 'film:x' AS entity_id, 'film' AS "
            "entity_type, 's' AS source, '1' AS source_id"
        )
        step.write(entity_members("film"), step.con.table("member"))
    run(lake, PERSON, run_records)
    (ann,) = rows(lake, records(PERSON))
    assert ann["credited_works"] == ["film:x"]


@pytest.mark.parametrize("part_records", [1, 3, 7])
def test_features_that_are_computed_in_parts_are_those_of_all_records_at_once(part_records):
    rows = [
        film("a", str(number), f"Rocky {number}", 1976 + number, ["Ida Lupino", f"Jo {number}"])
        for number in range(7)
    ]
    con = world(PERSON, rows + people_of(rows))
    whole = con.table("record").order("record_id").to_arrow_table()
    parts = add_features(con, PERSON, "current_record", "entity_member", part_records=part_records)
    found = parts.order("record_id").to_arrow_table()
    assert found.num_rows == 14
    assert found.to_pylist() == whole.to_pylist()


def test_a_full_delivery_whose_records_failed_is_passed_over_until_they_are_there(lake):
    deliver(lake, "1", [film("s", "1", "Up"), film("s", "2", "Her")])
    told = [film("s", "1", "Up again")]
    say(lake, "2", "s", mode="full")
    assert names(lake) == {"s:1": "Up", "s:2": "Her"}
    deliver(lake, "3", [film("s", "3", "It")])
    assert names(lake) == {"s:1": "Up", "s:2": "Her", "s:3": "It"}
    deliver(lake, "2", told, mode="full")
    assert names(lake) == {"s:1": "Up again", "s:3": "It"}
