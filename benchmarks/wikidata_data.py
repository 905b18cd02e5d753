"""Made-up entities of Wikidata for the measurement of the door, as its dumps write them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from benchmarks.door_data import person_name, words

_LABELS = ["en", "fr", "de", "es", "it", "ja", "ru", "arz", "nl", "pt", "sv", "zh", "pl", "tr"]
_PEOPLE = {"P57": 1, "P58": 2, "P161": 12, "P162": 2, "P86": 1, "P344": 1}
_IDS = ["P345", "P4947", "P214", "P646", "P1258", "P1712", "P480", "P2603", "P3302", "P905"]
_OTHER_ITEMS = ["P136", "P495", "P364", "P840", "P272", "P462", "P750", "P437", "P166", "P1411"]


def _snak(name: str, kind: str, datatype: str, value: Any) -> dict[str, Any]:
    datavalue = {"value": value, "type": kind}
    return {"snaktype": "value", "property": name, "datavalue": datavalue, "datatype": datatype}


def _item(name: str, number: int) -> dict[str, Any]:
    value = {"entity-type": "item", "numeric-id": number, "id": f"Q{number}"}
    return _snak(name, "wikibase-entityid", "wikibase-item", value)


def _time(name: str, chance: random.Random) -> dict[str, Any]:
    value = {
        "time": f"+{chance.randint(1920, 2025)}-{chance.randint(1, 12):02d}-07T00:00:00Z",
        "timezone": 0,
        "before": 0,
        "after": 0,
        "precision": 11,
        "calendarmodel": "http://www.wikidata.org/entity/Q1985727",
    }
    return _snak(name, "time", "time", value)


def _statement(
    number: int, snak: dict[str, Any], chance: random.Random, *qualifiers: dict[str, Any]
) -> dict[str, Any]:
    made: dict[str, Any] = {"mainsnak": snak, "type": "statement"}
    if qualifiers:
        made["qualifiers"] = {
            one["property"]: [one | {"hash": f"{chance.getrandbits(160):040x}"}]
            for one in qualifiers
        }
        made["qualifiers-order"] = [one["property"] for one in qualifiers]
    made["id"] = f"Q{number}${chance.getrandbits(128):032x}"
    made["rank"] = "normal" if chance.random() < 0.95 else "preferred"
    if chance.random() < 0.6:
        made["references"] = [
            {
                "hash": f"{chance.getrandbits(160):040x}",
                "snaks": {"P248": [_item("P248", 37312)], "P813": [_time("P813", chance)]},
                "snaks-order": ["P248", "P813"],
            }
        ]
    return made


def film_entity(number: int, chance: random.Random) -> dict[str, Any]:
    """Returns a film of Wikidata of 15 to 30 KB as JSON."""
    claims: dict[str, Any] = {
        "P31": [_statement(number, _item("P31", 11424), chance)],
        "P577": [_statement(number, _time("P577", chance), chance) for _ in range(2)],
    }
    for name, most in _PEOPLE.items():
        claims[name] = [
            _statement(
                number,
                _item(name, chance.randint(1, 10**6)),
                chance,
                *(
                    (
                        _item("P453", chance.randint(1, 10**6)),
                        _snak("P1545", "string", "string", str(place)),
                    )
                    if name == "P161"
                    else ()
                ),
            )
            for place in range(1, chance.randint(1, most) + 1)
        ]
    for name in _OTHER_ITEMS:
        claims[name] = [
            _statement(number, _item(name, chance.randint(1, 10**6)), chance)
            for _ in range(chance.randint(1, 3))
        ]
    for name in _IDS:
        value = f"tt{chance.randint(1, 10**7):07d}"
        claims[name] = [_statement(number, _snak(name, "string", "external-id", value), chance)]
    length = {
        "amount": f"+{chance.randint(60, 200)}",
        "unit": "http://www.wikidata.org/entity/Q7727",
    }
    claims["P2047"] = [_statement(number, _snak("P2047", "quantity", "quantity", length), chance)]
    languages = chance.sample(_LABELS, chance.randint(3, len(_LABELS)))
    return {
        "type": "item",
        "id": f"Q{number}",
        "labels": {one: {"language": one, "value": words(chance, 3)} for one in languages},
        "descriptions": {one: {"language": one, "value": words(chance, 6)} for one in languages},
        "aliases": {one: [{"language": one, "value": words(chance, 3)}] for one in languages[::3]},
        "claims": claims,
        "sitelinks": {
            f"{one}wiki": {"site": f"{one}wiki", "title": words(chance, 3), "badges": []}
            for one in languages
        },
        "pageid": number,
        "ns": 0,
        "title": f"Q{number}",
        "lastrevid": number,
        "modified": "2026-11-01T00:00:00Z",
    }


def person_entity(number: int, chance: random.Random) -> dict[str, Any]:
    """Returns a person of Wikidata of 5 to 10 KB as JSON."""
    film = film_entity(number, chance)
    claims = {name: film["claims"][name] for name in ("P345", "P214", "P646")}
    claims["P31"] = [_statement(number, _item("P31", 5), chance)]
    claims["P569"] = [_statement(number, _time("P569", chance), chance)]
    claims["P106"] = [_statement(number, _item("P106", 33999), chance)]
    name = person_name(chance)
    labels = {one: {"language": one, "value": name} for one in film["labels"]}
    # What is empty is written as PHP does.
    aliases = film["aliases"] if chance.random() < 0.5 else []
    return film | {"claims": claims, "labels": labels, "aliases": aliases}


def _spoiled(entity: dict[str, Any], kind: int) -> bytes:
    """Returns the entity as a line that must be refused, in one of six ways."""
    line = _line(entity)
    if kind == 0:
        return line[: len(line) // 2]
    if kind == 1:
        return _line({**entity, "id": 7})
    if kind == 2:
        wrong = [{"mainsnak": {"datavalue": {"value": "Ann Lee"}}}]
        return _line({**entity, "claims": {"P57": wrong}})
    if kind == 3:
        return line.replace(b'":"', b'":"\xff', 1)
    if kind == 4:
        return line + line
    return line.removesuffix(b"}") + b',"id":"Q1"}'


def _line(entity: dict[str, Any]) -> bytes:
    return json.dumps(entity, ensure_ascii=False, separators=(",", ":")).encode()


def write_dump(path: Path, megabytes: int, bad_share: float = 0.001) -> int:
    """Writes a dump of films and people of which some lines are bad.

    Args:
        path: The file to write.
        megabytes: About how many million bytes to write.
        bad_share: The share of lines that must be refused.

    Returns:
        How many lines are bad.
    """
    chance = random.Random(7)
    number = bad = 0
    with path.open("wb", buffering=1 << 20) as out:
        written = out.write(b"[\n")
        while written < megabytes * 1_000_000:
            number += 1
            make = film_entity if chance.random() < 0.3 else person_entity
            line = make(number, chance)
            if chance.random() < bad_share:
                written += out.write(_spoiled(line, bad % 6) + b",\n")
                bad += 1
            else:
                written += out.write(_line(line) + b",\n")
        out.write(_line(person_entity(number + 1, chance)) + b"\n]\n")
    return bad
