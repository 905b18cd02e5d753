"""A home of its own for each test, and two small sources to land in it."""

import json

import pytest

from kg_assets.building import build
from kg_assets.sources.landing import land
from tests.homes import copy_home, enter, home_at, once

ALPHA = [
    {
        "entity_type": "film",
        "source_id": "1",
        "name": "Knives Out",
        "year": 2019,
        "runtime_minutes": 130,
        "countries": ["US"],
        "languages": ["en"],
        "genres": ["mystery"],
        "credits": [
            {"name": "Rian Johnson", "role": "director", "position": 1},
            {"name": "Ana de Armas", "role": "actor", "character": "Marta", "position": 2},
        ],
    },
    {
        "entity_type": "film",
        "source_id": "2",
        "name": "Glass Onion",
        "alternate_names": ["Knives Out 2"],
        "year": 2022,
        "credits": [{"name": "Rian Johnson", "role": "director", "position": 1}],
        "description": "Glass Onion is a sequel to Knives Out. It is not based on a book.",
    },
    {"entity_type": "film", "source_id": "3", "name": "Mother", "year": 1996},
]
BETA = [
    {
        "entity_type": "film",
        "source_id": "a",
        "name": "Knives Out",
        "year": 2019,
        "runtime_minutes": 131,
        "countries": ["United States"],
        "credits": [{"name": "Johnson Rian", "role": "director", "position": 1}],
    },
    {"entity_type": "film", "source_id": "b", "name": "Mother", "year": 2009},
    {"entity_type": "series", "source_id": "s", "name": "Rounds", "year": 2001},
    {
        "entity_type": "episode",
        "source_id": "e",
        "name": "Pilot",
        "parent_id": "s",
        "season": 1,
        "episode": 1,
    },
]


def lines(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Settings of an empty home with one worker and one shard a type."""
    return enter(monkeypatch, tmp_path / "home")


def land_both(settings, folder):
    for source, records in (("alpha", ALPHA), ("beta", BETA)):
        file = lines(folder / f"{source}.jsonl", records)
        land(settings.landing_path, source, [file], "first")


@pytest.fixture
def landed(home, tmp_path):
    """A home in which both sources have been landed."""
    land_both(home, tmp_path)
    return home


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A home that was built once, for all processes that run tests."""
    return once(tmp_path_factory, "template", _build_template) / "home"


def _build_template(folder):
    with home_at(folder / "home") as settings:
        land_both(settings, folder)
        summary = build(settings)
    assert [result.error for result in summary.failed] == []


@pytest.fixture
def built(home, template):
    """A copy of the home that was built once: a home can be copied."""
    copy_home(template, home.home)
    return home
