"""Lines that sum up: a warning that many share is said once, and a queue says what waits in it."""

from kg_assets.cli.summing_up import queued, warned

FEW = "too few records to train with"


def test_a_warning_that_several_tables_share_is_one_line_that_names_them():
    places = [
        f"{kind}/match_model" for kind in ("book", "comic", "event", "game", "play", "series")
    ]
    found = [(one, "levels_trained", {"declared": FEW, "notes": one}) for one in places]
    film = ("film/match_model", "levels_trained", {"never_seen": ["year: m", "title: m"]})
    skew = ("film/blocked_pairs@03", "even_shards", {"key": "title: pilot", "share": 0.9})
    assert warned([*found[:2], film, skew, *found[2:]]) == [
        "book/match_model, comic/match_model, event/match_model, game/match_model and 2 more "
        f"levels_trained: declared {FEW}",
        "film/match_model levels_trained: never_seen year: m and 1 more",
        "film/blocked_pairs@03 even_shards: key title: pilot; share 0.9",
    ]


def test_a_line_on_a_warning_is_no_page():
    (line,) = warned([("a", "few_quarantined", {"found": "x" * 10_000})])
    assert len(line) == 300
    assert warned([("a", "even_shards", None)]) == ["a even_shards"]


def test_queues_say_whether_pairs_or_facts_wait():
    queues = {"film/fact_queue": 22, "film/review_queue": 12, "person/review_queue": 1_000}
    assert queued(queues) == (
        "pairs of film 12, person 1,000; facts of film 22; kg review asks for them"
    )
    assert queued({"film/review_queue": 0}) == "nothing"
