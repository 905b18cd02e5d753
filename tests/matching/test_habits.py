"""Habits of sources: how each writes titles and names, and what stays apart all the same.

All cases of a type lie in one small world, so that its model is trained and compiled once.
"""

import datetime as dt

import pytest

from kg_assets.matching.models import MODELS
from tests.matching.match_worlds import clustered, world

DIRECTED = {"directors": ["Ragnhild Ostvold"], "runtime_minutes": 121.0}
JAPANESE = {"runtime_minutes": 100.0, "countries": ["JP"], "languages": ["ja"]}
AMERICAN = {"countries": ["US"], "languages": ["en"], "directors": ["Anton Zuikerman"]}
DAY = dt.date(2004, 3, 2)

SAME = {
    "film": {
        "a title in capitals": ("THE GLASS HARBOUR", "The Glass Harbour", {}),
        "a year after the title": ("The Glass Lagoon (1932)", "The Glass Lagoon", {}),
        "a year in square brackets": ("The Glass Tundra [1934]", "Glass Tundra", {}),
        "a year in the title alone": (
            ("The Glass Meadow (1936)", {"year": None}),
            "The Glass Meadow",
            {},
        ),
        "an article after a comma": (
            "Glass Canyon, The (1938)",
            "The Glass Canyon",
            {},
        ),
        "a kind after the title": ("Coralwing (TV Movie)", "Coralwing", DIRECTED),
        "another title in brackets": ("Kupferstadt (aka Copper Town)", "Kupferstadt", DIRECTED),
        "a colon or a dash": ("Vermilion: Tide of Ash", "Vermilion - Tide of Ash", {}),
        "a sub-title left out": ("Umberland: The Long Night of Embers", "Umberland", DIRECTED),
        "two languages in one title": ("Der Berg / The Glass Mountain", "Glass Mountain", DIRECTED),
        "Cyrillic and Latin letters": (
            "Стеклянная гавань",
            "Steklyannaya gavan",
            {},
        ),
        "signs of HTML": ("Salt &amp; Ember Road", "Salt & Ember Road", {}),
        "and in two languages": ("Salz & Asche", "Salz und Asche", {}),
        "a number written out": ("Seven Lanterns of Jade", "7 Lanterns of Jade", {}),
        "Roman numbers inside": (
            "Thornwatch II: Ember Oath",
            "Thornwatch 2: Ember Oath",
            {},
        ),
        "umlauts written as two letters": (
            "Über den Bergen von Ürdingen",
            "Ueber den Bergen von Uerdingen",
            DIRECTED,
        ),
        "a hyphen or none": ("Spider-Woman of Oslo", "Spiderwoman of Oslo", DIRECTED),
        "makers in two scripts": (
            ("Garasu no Umi", {"directors": ["宮崎次郎"]}),
            ("Garasu no Umi", {"directors": ["Jiro Miyazaki"]}),
            JAPANESE,
        ),
    },
    "series": {
        "a day later by the clock of another country": (
            ("Harbour Bells", {"date": DAY, "year": 2004}),
            ("Harbour Bells", {"date": DAY + dt.timedelta(1), "year": 2004}),
            {},
        ),
        "a premiere half a year later elsewhere": (
            ("Harbour Saints", {"date": dt.date(2004, 9, 22), "year": 2004}),
            ("Harbour Saints", {"date": dt.date(2005, 2, 3), "year": 2005}),
            {},
        ),
        "a sub-title left out": (
            "Homestead",
            "Homestead: Life on the Range",
            {"countries": ["US"], "year": 2001, "date": dt.date(2001, 5, 6)},
        ),
    },
    "episode": {
        f"a title that only counts: {counting}": (counting, title, {"season": 1, "episode": 3})
        for counting, title in (
            ("Episode #1.3", "The Lantern Oath"),
            ("第3話", "The Lantern Hall"),
            ("Серия 3", "The Lantern Mill"),
            ("3. Bölüm", "The Lantern Bill"),
            ("S01E03", "The Lantern Keep"),
            ("Chapter Three", "The Lantern Pact"),
        )
    }
    | {
        "the first of two in any writing": (
            "The Lost Reef (1/2)",
            "The Lost Reef, Part 1",
            {"season": 1, "episode": 3},
        ),
        "a title in another language": (
            "The Lost Ferry",
            "Die verlorene Fähre",
            {"season": 1, "episode": 3},
        ),
    },
    "person": {
        "a family name in front": ("SKARSGAARDEN, TORVALD", "Torvald Skarsgaarden", {}),
        "a role after the name": ("Philomena Quarrington as Nurse", "Philomena Quarrington", {}),
        "a voice": ("Barnabas Quillfeather (voice)", "Barnabas Quillfeather", {}),
        "a middle initial": ("Leopold Q. Haverstrom", "Leopold Haverstrom", {}),
        "a middle name": ("Cary Yoshi Fukuyanaga", "Cary Fukuyanaga", {}),
        "a particle": ("Alejandra de la Fuentealba", "Alejandra Fuentealba", {}),
        "a short form": ("Alexander Quibblesworth", "Alex Quibblesworth", {}),
        "a nickname": ("William Throckmartin", "Bill Throckmartin", {}),
        "an umlaut written as two letters": ("Jürgen Mückenhaupt", "Juergen Mueckenhaupt", {}),
        "Cyrillic and Latin letters": ("Андрей Звягинский", "Andrei Zvyaginsky", {}),
        "Russian in several romanisations": (
            "Yevgeniy Tchaikovenko",
            "Evgeny Chaikovenko",
            {},
        ),
        "two transcriptions of Alexander": ("Aleksandr Sokurovich", "Alexander Sokurovich", {}),
        "signs without spaces": ("王家卫明", "王家卫明", {}),
        "a space between signs": ("黒澤 明子", "黒澤明子", {}),
        "a slip, and one year of birth": (
            "Tobias Wintersgard",
            "Tobias Wintersgord",
            {"birth_year": 1951},
        ),
    },
}
"""By type and habit: name and fields of one record, of the other, and the fields of both."""

OTHER = {
    "film": {
        "a short film made again as a long one": (
            ("Whipstitch", {"runtime_minutes": 18.0, "year": 2013}),
            ("Whipstitch", {"runtime_minutes": 106.0, "year": 2014}),
            {"directors": ["Damiano Chazelli"]},
        ),
        "a film and its making": (
            "Amberfall",
            "The Making of Amberfall",
            DIRECTED,
        ),
        "a gala of each year": (
            ("Academy Gala 2001", {"year": 2001}),
            ("Academy Gala 2002", {"year": 2002}),
            {"directors": ["Ragnhild Ostvold"], "runtime_minutes": 180.0},
        ),
        "a number one higher": (
            ("Ravens Eleven", {"year": 1990}),
            ("Ravens Twelve", {"year": 1992}),
            {"directors": ["Ragnhild Ostvold"], "runtime_minutes": 116.0},
        ),
        "a word for a number and the number alone": ("Nine", "9", {"year": 2009}),
        "the two halves": ("Thornmere (1/2)", "Thornmere (2/2)", DIRECTED),
        "years in the titles": (
            "The Glass Fjord (1959)",
            "The Glass Fjord (1999)",
            {"year": None},
        ),
        "signs that differ": ("玻璃山", "玻璃火", {}),
    },
    "series": {
        "a spin-off by the same makers": (
            ("Harbour Unit", {"year": 2000}),
            ("Harbour Unit: Miami", {"year": 2002}),
            AMERICAN,
        ),
        "one day and other titles": (
            "Das Nordlicht",
            "The Southern Cross",
            {"date": DAY, "year": 2004},
        ),
    },
    "episode": {
        f"numbers that are counted: {one}": (
            (one, {"season": 1, "episode": 3}),
            (other, {"season": 1, "episode": 4}),
            {"date": DAY},
        )
        for one, other in (("第3話", "第4話"), ("Серия 3", "Серия 4"), ("3. Bölüm", "4. Bölüm"))
    }
    | {
        f"a number and a title that only counts: {title}": (
            title,
            title,
            {"season": 1, "episode": 7, "parent_id": None, "parent_name": None},
        )
        for title in ("第7話", "Серия 7", "7. Bölüm", "Odcinek 7", "Week 7", "S01E07", "Part 7/9")
    }
    | {
        "an episode and its recap": (
            ("The Lost Knot", {"season": 1, "episode": 3}),
            ("The Lost Knot - Recap", {"season": 0, "episode": 1}),
            {"date": DAY},
        ),
        "the two halves on one day": (
            ("The Lost Cove (1/2)", {"season": 1, "episode": 3}),
            ("The Lost Cove (2/2)", {"season": 1, "episode": 4}),
            {"date": DAY},
        ),
    },
    "person": {
        "families that a letter tells apart": ("Tobias Hedleyworth", "Tobias Healeyworth", {}),
        "a nickname and another family": ("Jack Hedleyford", "John Healeyford", {}),
        "other middle initials": ("Leopold Q. Grenstrom", "Leopold B. Grenstrom", {}),
        "the younger": ("Efrem Zimbalistov Jr.", "Efrem Zimbalistov", {}),
        "man and woman": ("Martin Ashgrovian", "Martina Ashgrovian", {}),
        "two signs of which one differs": ("王伟", "王维", {}),
    },
}
"""What stays apart, as in `SAME`."""


def record_of(kind, source, number, habit, said, common):
    name, own = (said, {}) if isinstance(said, str) else said
    source_id = f"{number} {habit}"
    known = {
        # One year tells much where the things of a world are of many.
        "film": {"year": 1930 + 2 * number},
        "series": {"year": 1980 + number},
        "episode": {"parent_id": source_id, "parent_name": f"Serial {number}"},
        "person": {},
    }
    fields = known[kind] | common | own
    directors = fields.pop("directors", None)
    credits = [
        {"name": one, "person_id": None, "role": "director", "character": None, "position": 1}
        for one in directors or []
    ]
    return {
        "entity_type": kind,
        "source": source,
        "source_id": f"{source_id}/{source}",
        "name": name,
        "credits": credits or None,
        **fields,
    }


@pytest.fixture(scope="module")
def clusters():
    """The cluster of each record, by type."""
    found = {}
    for kind in SAME:
        spec = MODELS[kind]
        rows, members = [], []
        for number, (habit, (one, other, common)) in enumerate((SAME[kind] | OTHER[kind]).items()):
            for source, said in (("a", one), ("b", other)):
                rows.append(record_of(kind, source, number, habit, said, common))
                members.append(
                    {"entity_id": f"series:{number}", "entity_type": "series",
                     "source": source, "source_id": f"{number} {habit}"}
                )  # fmt: skip
        con = world(spec, rows, members)
        found[kind] = {}
        for row in clustered(con, spec).to_pylist():
            habit = row["record_id"].split(" ", 1)[1].rsplit("/", 1)[0]
            found[kind].setdefault(habit, []).append(row["cluster"])
        con.close()
    return found


@pytest.mark.parametrize(("kind", "habit"), [(kind, one) for kind in SAME for one in SAME[kind]])
def test_one_thing_is_found_though_sources_write_it_otherwise(clusters, kind, habit):
    one, other = clusters[kind][habit]
    assert one == other


@pytest.mark.parametrize(("kind", "habit"), [(kind, one) for kind in OTHER for one in OTHER[kind]])
def test_two_things_stay_apart_though_sources_write_them_alike(clusters, kind, habit):
    one, other = clusters[kind][habit]
    assert one != other
