"""Made-up films and people of several sources with planted truth, for the thresholds."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

SEED = 20_261_124


_SYLLABLES = (
    *("ka", "ro", "mi", "ten", "sha", "lu", "vor", "del", "an", "bre"),
    *("quo", "sti", "fa", "nor", "gi", "wel", "ot", "ur", "pa", "zin"),
)


_GENERIC = ("Mother", "Home", "The Visit", "Night", "Alone", "The Return", "Summer", "Blue")


_COUNTRIES = ("US", "US", "US", "FR", "GB", "IT", "JP", "DE", "IN")


@dataclass(frozen=True)
class World:
    """A made-up world.

    Attributes:
        name: What it is like.
        films: How many films there are.
        cover: Share of them in each of the three sources; the third has duplicates.
        errors: How likely each error is, 1 for the usual.
    """

    name: str
    films: int
    cover: tuple[float, float, float]
    errors: float


WORLDS = (
    World("half in common", 3_000, (0.7, 0.7, 0.3), 1.0),
    World("little in common", 6_000, (0.3, 0.2, 0.1), 1.0),
    World("nearly all in common", 1_500, (0.95, 0.95, 0.5), 1.0),
    World("many errors", 3_000, (0.7, 0.7, 0.3), 2.5),
    World("few records", 150, (0.7, 0.7, 0.3), 1.0),
)


def made_up(world: World) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Records of a world, and which thing each record is, people included."""
    dice = random.Random(f"{SEED} {world.name}")
    words = ["".join(dice.choices(_SYLLABLES, k=dice.randint(1, 3))).title() for _ in range(1_200)]
    common = [1 / (place + 3) for place in range(len(words))]
    # A name, and the first year of a career.
    people = [
        (f"{dice.choice(words[:80])} {dice.choice(words[:700])}", dice.randint(1905, 2020))
        for _ in range(world.films)
    ]
    famous = list(accumulate(1 / (place + 8) ** 0.8 for place in range(len(people))))

    def active(year: int) -> int:
        """Someone whose career holds the year, the famous more often."""
        for _ in range(200):
            person = dice.choices(range(len(people)), cum_weights=famous)[0]
            if people[person][1] <= year <= people[person][1] + 35:
                return person
        return person

    films: list[dict[str, Any]] = []
    while len(films) < world.films:
        kind, year = dice.random(), dice.randint(1930, 2024)
        film: dict[str, Any] = {
            "name": dice.choice(_GENERIC)
            if dice.random() < 0.06
            else " ".join(dict.fromkeys(dice.choices(words, common, k=dice.randint(1, 4)))),
            "year": year,
            "director": active(year),
            "cast": list(dict.fromkeys(active(year) for _ in range(5))),
            "runtime": round(dice.gauss(100, 16)),
            "country": dice.choice(_COUNTRIES),
        }
        if films and kind < 0.16:
            earlier = dice.choice(films)
            film["name"] = earlier["name"]
            if kind < 0.05:
                film["name"] += " 2"
                film |= {"director": earlier["director"], "country": earlier["country"]}
                film["cast"] = earlier["cast"][:3] + film["cast"][:2]
                film["year"] = earlier["year"] + dice.randint(1, 4)
            elif kind < 0.08:
                film["year"] = min(2024, earlier["year"] + dice.randint(0, 3))
            elif kind < 0.11:
                # A maker's own second version soon after.
                film["name"] = earlier["name"]
                film |= {"director": earlier["director"], "year": earlier["year"] + 2}
        films.append(film)
    rows: list[dict[str, Any]] = []
    truth: dict[str, str] = {}
    for source, cover in zip(("alpha", "beta", "gamma"), world.cover, strict=True):
        for number, film in enumerate(films):
            if dice.random() >= cover:
                continue
            for copy in range(2 if source == "gamma" and dice.random() < 0.15 else 1):
                row = _seen(dice, film, people, world.errors)
                row |= {"source": source, "source_id": f"{number}-{copy}"}
                rows.append(row)
                truth[f"{source}:{number}-{copy}"] = f"film {number}"
                for credit, person in zip(row["credits"], row.pop("who"), strict=True):
                    credit["person_id"] = f"{number}-{copy}/{credit['position']}"
                    rows.append(
                        {
                            "entity_type": "person",
                            "source": source,
                            "source_id": credit["person_id"],
                            "name": credit["name"],
                            "professions": [credit["role"]],
                        }
                    )
                    truth[f"{source}:{credit['person_id']}"] = f"person {person}"
    return rows, truth


def _seen(
    dice: random.Random, film: dict[str, Any], people: list[tuple[str, int]], errors: float
) -> dict[str, Any]:
    """What a source says of a film."""

    def happens(chance: float) -> bool:
        return dice.random() < chance * errors

    def misspelt(text: str) -> str:
        place = dice.randrange(len(text))
        return text[:place] + dice.choice("aeiourstn") + text[place + 1 :]

    def named(person: int) -> str:
        name, _ = people[person]
        first, _, last = name.partition(" ")
        if happens(0.03):
            return f"{first[0]}. {last}"
        return misspelt(name) if happens(0.02) else name

    title = film["name"]
    if happens(0.08):
        title = misspelt(title)
    if happens(0.08):
        title = "The " + title
    if happens(0.05):
        title = " ".join(title.split()[:-1]) or title
    who = ([film["director"]] if not happens(0.1) else []) + [
        person for person in film["cast"] if not happens(0.3)
    ]
    roles = ["director" if person == film["director"] else "actor" for person in who]
    return {
        "entity_type": "film",
        "name": title,
        "year": None
        if happens(0.05)
        else film["year"] + (dice.choice((-1, 1)) if happens(0.15) else 0),
        "runtime_minutes": None
        if happens(0.2)
        else float(film["runtime"] + (dice.choice((-6, -2, 1, 3, 9)) if happens(0.3) else 0)),
        "countries": None if happens(0.1) else [film["country"]],
        "credits": [
            {"name": named(person), "role": role, "character": None, "position": place}
            for place, (person, role) in enumerate(zip(who, roles, strict=True), 1)
        ],
        "who": who,
    }
