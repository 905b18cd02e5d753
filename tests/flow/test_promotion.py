"""Two people and production on one lake: what one tried is promoted alone, and taken back."""

import os
import subprocess
import sys

import pytest

from kg_assets.building import build
from kg_assets.judging.log import add
from kg_assets.matching.judgement_log import PAIRS
from kg_assets.matching.judgement_values import judgement
from kg_assets.promotion.promoting import (
    NothingNewError,
    RefusedError,
    promote,
    promote_types,
    rebase,
    roll_back,
)
from kg_assets.promotion.readiness import readiness
from resources.errors import PromotionError
from resources.lake import Lake
from tests.flow.graph import content


def counts(settings):
    kinds = [row[1] for row in content(settings)["nodes"]]
    return kinds.count("film"), kinds.count("person")


def start(settings, *arguments):
    command = [sys.executable, "-W", "ignore", "-m", "kg_assets.cli.main", "build", *arguments]
    namespace = {"KG_HOME": str(settings.home), "KG_NAMESPACE": settings.namespace}
    return subprocess.Popen(
        command,
        env=os.environ | namespace,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_people_work_side_by_side_and_one_type_of_one_becomes_production(built, monkeypatch):
    prod, ann, bob = (built.in_namespace(name) for name in ("prod", "ann", "bob"))
    prospect, first = promote(built, "dev")
    assert prospect.comparison.types["film"].gained == prospect.comparison.types["film"].after > 0
    assert content(prod) == content(built)
    report = "film/report.html"
    assert (prod.reports / report).read_bytes() == (built.reports / report).read_bytes()
    with pytest.raises(NothingNewError):
        promote(built, "dev")
    before = content(prod)
    films, people = counts(prod)

    # Ann joins two films, Bob parts two people; both build at once.
    add(Lake(ann), PAIRS, [judgement("film", "alpha:3", "beta:b", "same", who="ann")])
    assert Lake(bob).catalog.own_tables("bob") == set()
    rians = ["alpha:1/rian johnson", "alpha:2/rian johnson"]
    add(Lake(bob), PAIRS, [judgement("person", *rians, "different", who="bob")])
    with pytest.raises(RefusedError, match="film/resolved_entities"):
        promote(built, "ann")
    running = start(ann, "--types", "film")
    monkeypatch.setenv("KG_NAMESPACE", "bob")
    assert build(bob, types=["person"]).failed == []
    output, _ = running.communicate(timeout=900)
    assert running.returncode == 0, output
    assert counts(ann) == (films - 1, people)
    assert counts(bob) == (films, people + 1)
    assert content(prod) == before
    assert {folder.name for folder in (built.home / "dagster").iterdir()} == {"ann", "bob", "dev"}

    # What Ann made of films becomes production with all that follows, if she says why.
    strict = type(built)(**(built.model_dump() | {"gates": {"fewest": 1}}))
    with pytest.raises(RefusedError, match="entities merged of film"):
        promote_types(strict, "ann", ["film"])
    prospect, done = promote(strict, "prod-next", accept="they are one film")
    assert (done.namespace, done.reason) == ("prod-next", "they are one film")
    assert [found["gate"] for found in done.figures["refused_by"]] == ["entities_merged"]
    change = prospect.comparison.types["film"]
    assert (change.merged, change.gained, change.lost, change.renamed) == (1, 0, 0, 0)
    assert prospect.cost.seconds > 0
    assert counts(prod) == (films - 1, people)
    assert readiness(Lake(built.in_namespace("prod-next"))).stale == ()

    # Bob is behind now; back again, entities are who they were.
    with pytest.raises(PromotionError, match="kg rebase bob"):
        promote(built, "bob")
    changes, back = roll_back(built, reason="they are two films")
    assert changes.types["film"].split == 1
    assert (back.back_to, back.files) == (first.id, first.files)
    assert content(prod) == before
    assert rebase(built, "bob").moved.followed == ()
    moved = rebase(built, "prod-next")
    assert "film/entity_members" in moved.moved.followed
    assert moved.stale
    assert members(built.in_namespace("prod-next"), "film") == members(prod, "film")


def members(settings, kind):
    from kg_assets.matching.tables import entity_members

    with Lake(settings).step("look") as step:
        return sorted(step.read(entity_members(kind), tracked=False).fetchall())
