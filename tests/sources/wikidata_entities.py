"""Entities of Wikidata in the form in which its dumps have them, for tests."""

from __future__ import annotations

import json
from typing import Any


def item(name: str) -> dict[str, Any]:
    number = int(name[1:])
    value = {"entity-type": "item", "numeric-id": number, "id": name}
    return {"value": value, "type": "wikibase-entityid"}


def text(value: str) -> dict[str, Any]:
    return {"value": value, "type": "string"}


def time(value: str, precision: int = 11) -> dict[str, Any]:
    return {
        "value": {
            "time": value,
            "timezone": 0,
            "before": 0,
            "after": 0,
            "precision": precision,
            "calendarmodel": "http://www.wikidata.org/entity/Q1985727",
        },
        "type": "time",
    }


def amount(value: str, unit: str) -> dict[str, Any]:
    address = f"http://www.wikidata.org/entity/{unit}"
    return {"value": {"amount": value, "unit": address}, "type": "quantity"}


def phrase(value: str, language: str) -> dict[str, Any]:
    return {"value": {"text": value, "language": language}, "type": "monolingualtext"}


def snak(name: str, value: dict[str, Any] | str) -> dict[str, Any]:
    """A snak; ``somevalue`` and ``novalue`` stand for themselves."""
    if isinstance(value, str):
        return {"snaktype": value, "property": name, "hash": "0" * 40, "datatype": "x"}
    kind = {"snaktype": "value", "property": name, "datavalue": value, "datatype": "x"}
    return kind


def statement(
    name: str, value: dict[str, Any] | str, rank: str = "normal", **qualifiers: dict[str, Any]
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "mainsnak": snak(name, value),
        "type": "statement",
        "id": "Q1$0",
        "rank": rank,
        "references": [{"hash": "0" * 40, "snaks": {"P248": [snak("P248", item("Q37312"))]}}],
    }
    if qualifiers:
        made["qualifiers"] = {key: [snak(key, given)] for key, given in qualifiers.items()}
        made["qualifiers-order"] = list(qualifiers)
    return made


def claims(**given: Any) -> dict[str, Any]:
    """Claims: a value, a list of values, or whole statements."""
    made = {}
    for name, values in given.items():
        listed = values if isinstance(values, list) else [values]
        made[name] = [
            one if isinstance(one, dict) and "rank" in one else statement(name, one)
            for one in listed
        ]
    return made


def entity(
    name: str,
    label: str | dict[str, str] | None = None,
    *,
    aliases: dict[str, list[str]] | None = None,
    description: str | None = None,
    **given: Any,
) -> dict[str, Any]:
    """An entity; what is empty is written as PHP writes it."""
    labels = {"en": label} if isinstance(label, str) else label or {}
    described = {"en": {"language": "en", "value": description}} if description else []
    return {
        "type": "item",
        "id": name,
        "labels": {key: {"language": key, "value": one} for key, one in labels.items()} or [],
        "descriptions": described,
        "aliases": {
            key: [{"language": key, "value": one} for one in found]
            for key, found in (aliases or {}).items()
        }
        or [],
        "claims": claims(**given) or [],
        "sitelinks": {"enwiki": {"site": "enwiki", "title": "X", "badges": []}},
        "pageid": 129,
        "ns": 0,
        "title": name,
        "lastrevid": 1,
        "modified": "2026-11-01T00:00:00Z",
    }


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def dump(*entities: dict[str, Any]) -> str:
    """A dump: a bracket, an entity a line with a comma behind it, a bracket."""
    return "[\n" + ",\n".join(compact(one) for one in entities) + "\n]\n"
