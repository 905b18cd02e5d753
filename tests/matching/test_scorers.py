"""Scorers: the compiled one gives Splink's answer, the classifier learns, a shadow is compared."""

import json
from dataclasses import replace
from datetime import date

import duckdb
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from benchmarks.people_and_films import World, featured, generate
from kg_assets.matching.block_keys import make_keys
from kg_assets.matching.blocking import pairs_of_shard
from kg_assets.matching.explain import explain_pairs
from kg_assets.matching.model import Comparison, Level, MatchSpec, Telling, TermFrequency
from kg_assets.matching.models import MODELS, configured_models
from kg_assets.matching.models.film import film_spec
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.scorers import SCORERS, scorer
from kg_assets.matching.scorers.classifier import (
    UntrainedClassifierError,
    train_classifier,
)
from kg_assets.matching.scorers.conditions import UncompilableError
from kg_assets.matching.scorers.interface import Scoring
from kg_assets.matching.scorers.shadow import compare_scorers
from kg_assets.matching.scorers.splink_predict import SplinkScorer
from kg_assets.matching.scoring import exact_from, score_pairs
from kg_assets.matching.settings import prior_settings
from kg_assets.matching.tables import JUDGEMENTS, match_thresholds
from resources.derived import derived
from resources.settings import Settings
from tests.matching.match_worlds import film, people_of, trained, world

TEXTS = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("record_id", pa.string()),
        ("source", pa.string()),
        ("word", pa.string()),
        ("number", pa.int32()),
        ("day", pa.date32()),
        ("words", TEXTS),
        ("more", TEXTS),
        ("names", pa.list_(pa.uint64())),
    ]
)
CONDITIONS = (
    "word_l = word_r",
    "word_l IS DISTINCT FROM word_r",
    "abs(number_l - number_r) <= 1",
    "greatest(number_l, number_r) - least(number_l, number_r) < 2",
    "words_l = words_r",
    "list_has_any(words_l, words_r)",
    "NOT list_has_any(words_l, more_r)",
    "shared(words_l, words_r) >= 2",
    "shared(words_l, words_r) - (CASE WHEN word_l = word_r THEN 1 ELSE 0 END) >= 1",
    "telling(names_l, names_r) >= 14",
    "telling(names_l, names_r) - number_l < 7",
    "best_similarity(words_l, words_r) >= 0.8",
    "jaro_winkler_similarity(word_l, word_r) >= 0.8",
    "jaro_winkler_similarity(word_l, word_r) >= 0.6",
    "levenshtein(word_l, word_r) <= 1",
    "len(words_l) > 1 AND len(words_r) > 1 AND list_has_any(words_l, words_r)",
    "NOT (shared(words_l, words_r) > 0 AND number_l = number_r)",
    "contains(word_l, word_r) OR number_l = number_r",
    "least(len(word_l), len(word_r)) >= 2 AND contains(word_l, word_r)",
    "starts_with(word_l, word_r) AND NOT number_l = number_r",
    "turned(word_l, word_r) OR short_form(word_l, word_r)",
    "slip(word_l, word_r)",
    "word_l[1] = word_r[1] AND word_l[-1] <> word_r[-1]",
    "coalesce(number_l = number_r, FALSE) OR NOT coalesce(word_l = word_r, TRUE)",
    "NOT coalesce(number_l > number_r OR word_l = word_r, TRUE)",
    "abs(date_diff('day', day_l, day_r)) <= 2",
    "day_l = day_r AND date_diff('day', day_l, day_r) >= -1",
    "number_l BETWEEN 1 AND number_r",
    "coalesce(number_l + number_r, 2) / greatest(number_l, 1) >= 1.5",
    "(number_l IS NULL) <> (number_r IS NULL) OR (number_l - number_r) IS NULL",
    "number_l * 1e-1 <= 0.5 * least(number_r, len(words_l), len(words_r))",
    "len(word_l) > 1 AND -number_l < number_r - 2",
    "words_l IS DISTINCT FROM words_r AND word_l IS NOT DISTINCT FROM word_r",
)
MISSING = (
    "word_l IS NULL OR word_r IS NULL",
    "len(words_l) = 0 OR len(words_r) = 0",
    "FALSE",
    "jaro_winkler_similarity(word_l, word_r) = -100 OR word_l IS NULL OR word_r IS NULL",
    "shared(words_l, words_r) = -100 OR words_l IS NULL OR list_has_any(more_l, more_r)",
)
WORDS = st.one_of(
    st.none(), st.sampled_from(["", "a", "ab", "abc", "abd", "xyz", "é", "bcabca", "bcadca"])
)
LISTS = st.one_of(
    st.none(), st.lists(st.one_of(st.none(), st.sampled_from(list("abcdefgh"))), max_size=6)
)
# Hashes, of which all but the low four bits are the name.
NAMES = st.one_of(
    st.none(), st.lists(st.one_of(st.none(), st.integers(1, 8).map(lambda n: n * 16 + n)))
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "word": WORDS,
            "number": st.one_of(st.none(), st.integers(0, 4)),
            "day": st.one_of(st.none(), st.dates(date(2026, 2, 27), date(2026, 3, 3))),
            "words": LISTS,
            "more": LISTS,
            "names": NAMES,
        }
    ),
    min_size=2,
    max_size=7,
)
CHANCES = st.floats(0.001, 0.9)
LEVELS = st.tuples(
    st.sampled_from(CONDITIONS), CHANCES, CHANCES, st.sampled_from([None, 0.0, 0.5, 1.0])
)
COMPARISONS = st.lists(
    st.tuples(st.sampled_from(MISSING), st.lists(LEVELS, min_size=1, max_size=4), CHANCES, CHANCES),
    min_size=1,
    max_size=3,
)


def random_spec(comparisons):
    return MatchSpec(
        entity_type="film",
        features=(),
        blocking=(),
        comparisons=tuple(
            Comparison(
                f"c{place}",
                missing,
                (
                    *(
                        Level(
                            f"level {number}",
                            condition,
                            m,
                            u,
                            term_frequency=None if weight is None else "word",
                            term_weight=1.0 if weight is None else weight,
                        )
                        for number, (condition, m, u, weight) in enumerate(levels)
                    ),
                    Level("else", "ELSE", m_else, u_else),
                ),
            )
            for place, (missing, levels, m_else, u_else) in enumerate(comparisons)
        ),
        term_frequencies=(TermFrequency("word", distinct="word", population=10),)
        if any(weight is not None for _, levels, *_ in comparisons for *_, weight in levels)
        else (),
        telling=(Telling("names", distinct="record_id"),),
        prior=0.1,
        threshold=0.6,
    )


def random_world(rows):
    con = duckdb.connect(config={"threads": 1})
    create_macros(con)
    filled = [row | {"record_id": f"x:{n}", "source": "x"} for n, row in enumerate(rows)]
    con.register("rows", pa.Table.from_pylist(filled, schema=SCHEMA))
    con.execute("CREATE TABLE record AS FROM rows")
    con.execute(
        "CREATE TABLE pair AS SELECT l.record_id AS record_l, r.record_id AS record_r, '' AS rule "
        "FROM record AS l JOIN record AS r ON l.record_id < r.record_id"
    )
    con.execute(
        "CREATE TABLE frequency AS SELECT * FROM (VALUES ('word', 'a', 0.4), ('word', 'ab', 0.01), "
        "('word', '', 0.1), ('names', '16', 0.02), ('names', '32', 0.9), ('names', '48', 0.05), "
        "('names', '', 0.01)) AS known(column_name, value, frequency)"
    )
    return con


def features_of(spec):
    # columns_for_scoring reads the features that a model declares.
    from kg_assets.matching.model import Feature

    return replace(
        spec,
        features=tuple(
            Feature(one.name, one.name, one.type) for one in SCHEMA if one.name[0] in "wnmd"
        ),
    )


VIEWS = ("pair", "record", "frequency")


def rows_by(con, spec, trained_settings, by, exact=None, views=VIEWS, **how):
    found = score_pairs(con, spec, trained_settings, *views, by=by, exact=exact, **how)
    return {(row["record_l"], row["record_r"]): row for row in found.to_arrow_table().to_pylist()}


def assert_same_answer(con, spec, trained_settings, views):
    limit = exact_from(spec.threshold)
    splink = rows_by(con, spec, trained_settings, "splink", views=views)
    whole = rows_by(con, spec, trained_settings, "compiled", views=views)
    pruned = rows_by(con, spec, trained_settings, "compiled", limit, views=views)
    assert splink.keys() == whole.keys() == pruned.keys()
    for pair, wanted in splink.items():
        assert whole[pair]["levels"] == wanted["levels"], pair
        assert whole[pair]["match_weight"] == pytest.approx(wanted["match_weight"], abs=1.1e-6)
        assert whole[pair]["veto"] == wanted["veto"]
        if wanted["match_weight"] >= limit + 1e-5:
            assert pruned[pair] == whole[pair]
        else:
            assert wanted["match_weight"] - 1e-5 <= pruned[pair]["match_weight"] <= limit + 1e-5


# A failing case is small as it is, and each try runs Splink once.
@settings(max_examples=40, deadline=None, derandomize=True, phases=[Phase.generate])
@given(ROWS, COMPARISONS)
def test_the_compiled_scorer_gives_splinks_answer_for_any_settings(rows, comparisons):
    spec = features_of(random_spec(comparisons))
    con = random_world(rows)
    assert_same_answer(con, spec, prior_settings(spec), ("pair", "record", "frequency"))


def generated(kind):
    con = duckdb.connect(config={"threads": 1})
    generate(con, World(films=120))
    featured(con, kind).create("record")
    return con


@pytest.mark.parametrize("kind", ["film", "person"])
def test_the_compiled_scorer_gives_splinks_answer_for_generated_records(kind):
    spec = MODELS[kind]
    con = generated(kind)
    row = trained(con, spec)
    make_keys(con, spec, "record")
    con.from_arrow(pairs_of_shard(con, spec, 0, 1)).create("pair")
    assert con.sql("SELECT count(*) > 200 FROM pair").fetchall()[0][0]
    assert_same_answer(con, spec, json.loads(row["settings"]), ("pair", "record", "counted_term"))


def in_folder(folder, made):
    """Keeps what follows from records in a folder, and notes what is made."""

    def shared(name, make):
        def making(place):
            made.append(name)
            make(place)

        return derived(folder, name, making, 1 << 30)

    return shared


def test_shards_map_what_one_of_them_has_read_and_give_the_same_answer(tmp_path):
    spec, con = MODELS["person"], generated("person")
    learnt = json.loads(trained(con, spec)["settings"])
    make_keys(con, spec, "record")
    con.from_arrow(pairs_of_shard(con, spec, 0, 1)).create("pair")
    con.execute(
        "CREATE TABLE rarer AS SELECT * REPLACE (frequency / 2 AS frequency) FROM counted_term"
    )
    made = []
    for frequencies in ("counted_term", "rarer"):
        wanted = rows_by(con, spec, learnt, "compiled", views=("pair", "record", frequencies))
        found = {}
        for shard in range(3):
            con.execute(
                f"CREATE OR REPLACE VIEW part AS FROM pair WHERE hash(record_l) % 3 = {shard}"
            )
            # Who names the folders says of which records and frequencies they are.
            shared = in_folder(tmp_path / frequencies, made)
            views = "part", "record", frequencies
            found |= rows_by(con, spec, learnt, "compiled", views=views, shared=shared)
        assert len(wanted) > 200
        assert found == wanted
    assert len(made) == 2


def test_records_without_a_single_value_can_be_mapped(tmp_path):
    spec = features_of(random_spec([(MISSING[1], [(CONDITIONS[9], 0.5, 0.1, 1.0)], 0.5, 0.9)]))
    nothing = dict.fromkeys(("word", "number", "day", "words", "more"))
    con = random_world([nothing, nothing])
    asked = con, spec, prior_settings(spec), "compiled"
    found = rows_by(*asked, shared=in_folder(tmp_path, []))
    assert found == rows_by(*asked)
    assert [row["levels"] for row in found.values()] == [[0]]


def test_splink_gives_one_answer_however_many_pairs_it_is_given_at_once():
    spec, con = MODELS["film"], generated("film")
    row = trained(con, spec)
    make_keys(con, spec, "record")
    con.from_arrow(pairs_of_shard(con, spec, 0, 1)).create("pair")
    asked = Scoring(spec, json.loads(row["settings"]), "pair", "record", "counted_term")
    found = []
    for at_once in (1_000_000, 100):
        with SplinkScorer(at_once).scored(con, asked) as rows:
            found.append(rows.order("record_l, record_r").to_arrow_table())
    assert len(found[0]) > 200
    assert found[0].equals(found[1])


TOLD = (
    "lantern", "harbour", "mountain", "captain", "daughter", "winter", "soldier", "village",
    "garden", "musician", "stranger", "railway", "orchard", "teacher",
)  # fmt: skip


@pytest.mark.parametrize("kind", MODELS)
def test_the_compiled_scorer_gives_splinks_answer_for_every_shipped_model(kind):
    spec = MODELS[kind]
    films = [
        film(
            source,
            str(n),
            f"{'The ' if n % 2 else ''}Film {n // 3} of {source * (n % 3)}"
            f"{' (Restored)' if n == 5 else ''}",
            1990 + n % 7 if n % 5 else None,
            [f"Person {n // 4}"],
            countries=[["FR"], ["FR", "US"], None][n % 3],
            languages=[["fr"], []][n % 2],
            runtime_minutes=90.0 + n,
            description=" ".join(f"{word} number" for word in TOLD[n : n + 7]) if n % 3 else None,
        )
        for n in range(7)
        for source in "ab"
    ]
    rows = (
        films
        + [
            one
            | {
                "birth_year": 1950 + place % 4 if place % 3 else None,
                "death_year": 1990 + place % 5 if place % 2 else None,
            }
            for place, one in enumerate(people_of(films))
        ]
        if kind == "person"
        else [
            one
            | {
                "entity_type": kind,
                "season": place % 2,
                "episode": place % 3,
                "parent_name": "Series",
                "parent_id": "s",
            }
            for place, one in enumerate(films)
        ]
    )
    con = world(spec, rows)
    row = trained(con, spec)
    con.execute(
        "CREATE TABLE pair AS SELECT l.record_id AS record_l, r.record_id AS record_r, '' AS rule "
        "FROM record AS l JOIN record AS r ON l.record_id < r.record_id"
    )
    assert_same_answer(con, spec, json.loads(row["settings"]), ("pair", "record", "counted_term"))


def test_settings_without_a_probability_are_refused_with_what_to_do():
    spec = features_of(random_spec([("FALSE", [("word_l = word_r", 0.5, 0.1, None)], 0.5, 0.9)]))
    con = random_world([{}, {}])
    incomplete = prior_settings(spec)
    incomplete["comparisons"][0]["comparison_levels"][1]["m_probability"] = None
    with pytest.raises(UncompilableError, match="has no m probability: train the model"):
        score_pairs(con, spec, incomplete, "pair", "record", "frequency", by="compiled")


@pytest.mark.parametrize(
    "condition",
    ["soundex(word_l) = soundex(word_r || word_l)", "0.1 * (number_l + number_r) >= number_l"],
)
def test_a_condition_that_cannot_be_compiled_is_refused_with_its_text(condition):
    spec = features_of(random_spec([("FALSE", [(condition, 0.5, 0.1, None)], 0.5, 0.9)]))
    con = random_world([{}, {}])
    with pytest.raises(UncompilableError, match=r"(?i)(soundex|0\.1 \*).*KG_SCORERS"):
        score_pairs(con, spec, prior_settings(spec), "pair", "record", "frequency", by="compiled")


def test_an_unknown_scorer_is_named_with_the_choices():
    with pytest.raises(ValueError, match=r"'magic'.*compiled, splink, classifier"):
        scorer("magic")
    assert {scorer(name).name for name in SCORERS} == set(SCORERS)


SPEC = film_spec()


def judged_world(verdicts):
    rows = [
        film(source, str(n), f"Lonely Film {n}", 2000 + (n % 3) * (source == "b"), [f"Maker {n}"])
        for n in range(60)
        for source in "ab"
    ]
    con = world(SPEC, rows)
    row = trained(con, SPEC)
    judgements = [
        {
            "id": f"{n:03}",
            "entity_type": "film",
            "record_l": f"a:{n}",
            "record_r": f"b:{n}",
            "verdict": verdicts(n),
            "who": "me",
            "why": "",
            "time": f"2026-01-01T00:00:{n:02}Z",
        }
        for n in range(60)
    ]
    con.register("judgement", pa.Table.from_pylist(judgements, schema=JUDGEMENTS.schema))
    con.execute(
        "CREATE TABLE pair AS SELECT 'a:' || n AS record_l, 'b:' || n AS record_r, '' AS rule "
        "FROM range(60) AS numbers(n)"
    )
    return con, row


def year_decides(n):
    return "same" if n % 3 == 0 else "different"


def learn(con, row):
    return train_classifier(
        con, SPEC, json.loads(row["settings"]), "judgement", "record", "counted_term"
    )


def test_the_classifier_learns_what_people_decide_by():
    con, row = judged_world(year_decides)
    learnt = learn(con, row)
    before, after = (
        rows_by(con, SPEC, learnt, by, views=("pair", "record", "counted_term"))
        for by in ("compiled", "classifier")
    )
    # Before, years that differ a little kept nothing apart.
    assert sum(one["match_probability"] >= SPEC.threshold for one in before.values()) > 20
    assert all(
        (after[f"a:{n}", f"b:{n}"]["match_probability"] >= SPEC.threshold)
        == (year_decides(n) == "same")
        for n in range(60)
    )
    assert learnt["classifier"]["judgements"] == {"same": 20, "different": 40}


def test_the_classifier_learns_the_same_from_the_same_judgements():
    first, second = (learn(*judged_world(year_decides)) for _ in range(2))
    assert json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


@pytest.mark.parametrize("only", ["same", "different", "unsure"])
def test_the_classifier_needs_judgements_of_both_verdicts(only):
    con, row = judged_world(lambda n: only)
    with pytest.raises(UntrainedClassifierError, match="needs 20 judgements of each verdict"):
        learn(con, row)


def test_a_judgement_that_was_taken_back_teaches_nothing():
    con, row = judged_world(year_decides)
    con.execute(
        """
        CREATE TABLE undone AS
        FROM judgement
        UNION ALL
        SELECT 'z', entity_type, record_l, record_r, 'unsure', who, '2026-02-01', why, id
        FROM judgement
        WHERE id = '000'
        """
    )
    with pytest.raises(UntrainedClassifierError, match="has 19 same"):
        train_classifier(con, SPEC, json.loads(row["settings"]), "undone", "record", "counted_term")


def test_the_classifier_without_training_says_what_to_do():
    con, row = judged_world(year_decides)
    with pytest.raises(UntrainedClassifierError, match="choose another scorer"):
        rows_by(
            con,
            SPEC,
            json.loads(row["settings"]),
            "classifier",
            views=("pair", "record", "counted_term"),
        )


def test_an_explanation_by_the_classifier_adds_up_to_its_score():
    con, row = judged_world(year_decides)
    row = row | {"settings": json.dumps(learn(con, row))}
    (found,) = explain_pairs(
        con,
        replace(SPEC, scorer="classifier"),
        row,
        [("a:1", "b:1")],
        records_view="record",
        frequencies_view="counted_term",
    )
    whole = found.prior_weight + sum(part.weight for part in found.comparisons)
    assert whole == pytest.approx(found.match_weight, abs=1e-5)
    assert found.match_probability < SPEC.threshold


def test_a_shadow_is_compared_and_its_largest_difference_named():
    con, row = judged_world(year_decides)
    learnt = learn(con, row)
    views = ("pair", "record", "counted_term")
    rows_by(con, SPEC, learnt, "classifier", views=views)
    con.execute("ALTER TABLE scored_pair RENAME TO other_pair")
    pinned = rows_by(con, SPEC, learnt, "compiled", views=views)
    alone = sum(one["match_probability"] >= SPEC.threshold for one in pinned.values())
    assert alone > 20
    spec = replace(SPEC, shadow="classifier")
    con.register("threshold", match_thresholds("film").schema.empty_table())
    compared, counts = compare_scorers(con, spec, "scored_pair", "other_pair", -6.0, "threshold")
    found = {(row["figure"], row["place"]): row for row in compared.to_pylist()}
    assert found["pairs", 0]["pinned"] == 60
    assert found["share above the threshold", 0]["pinned"] == pytest.approx(alone / 60)
    assert found["share above the threshold", 0]["shadow"] == pytest.approx(1 / 3)
    worst = found["pair", 1]
    assert abs(worst["pinned"] - worst["shadow"]) == pytest.approx(
        found["largest difference of weights", 0]["pinned"]
    )
    assert counts == {
        "pairs": 60, "above": alone, "shadow_above": 20, "alike": 60 - (alone - 20), "frozen": 0,
    }  # fmt: skip


def test_without_a_shadow_nothing_is_compared():
    compared, counts = compare_scorers(duckdb.connect(), SPEC, "no", "no", -6.0, "no")
    assert (compared.num_rows, counts) == (0, None)


def test_scorers_are_pinned_by_configuration_without_changing_the_models():
    models = configured_models(
        Settings(scorers={"film": "compiled"}, shadow_scorers={"film": "splink"})
    )
    assert (models["film"].scorer, models["film"].shadow) == ("compiled", "splink")
    assert models["film"].version == MODELS["film"].version
    assert models["person"] == MODELS["person"]


def test_a_scorer_for_a_type_without_a_model_is_an_error():
    with pytest.raises(ValueError, match="names ballet"):
        configured_models(Settings(scorers={"ballet": "splink"}))


def test_a_scorer_that_does_not_exist_is_refused_by_the_configuration():
    with pytest.raises(ValueError, match="'compiled', 'splink' or 'classifier'"):
        Settings(scorers={"film": "magic"})
