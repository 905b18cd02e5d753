"""What a namespace keeps, and what it goes on from, when it moves to another production."""

import pytest

from kg_assets.judging.log import add
from kg_assets.matching.judgement_log import PAIRS
from kg_assets.matching.judgement_values import judgement
from kg_assets.matching.judgements import ContradictionError
from kg_assets.matching.tables import JUDGEMENTS
from kg_assets.promotion import promoting
from resources import namespaces, production
from resources.errors import PromotionError
from resources.lake import Lake
from resources.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, threads=1)


def judge(settings, namespace, left, right, verdict="same"):
    lake = Lake(settings.in_namespace(namespace))
    add(lake, PAIRS, [judgement("film", left, right, verdict, who=namespace)])
    return lake


def judged(settings, namespace):
    with Lake(settings.in_namespace(namespace)).step("look") as step:
        rows = step.read(JUDGEMENTS, tracked=False).project("record_l, record_r, who")
        return sorted(rows.fetchall())


def test_judgements_of_production_and_ones_own_are_kept_both(settings):
    Lake(settings.in_namespace("bob"))
    ann = judge(settings, "ann", "a:1", "b:1")
    judge(settings, "bob", "a:2", "b:2")
    production.promote(ann.catalog, "ann")
    moved = promoting.rebase(settings, "bob")
    assert moved.judgements == 1
    assert judged(settings, "bob") == [("a:1", "b:1", "ann"), ("a:2", "b:2", "bob")]
    production.promote(ann.catalog, "bob")
    assert judged(settings, "prod") == judged(settings, "bob")


def test_judgements_that_contradict_productions_keep_a_namespace_where_it_is(settings):
    bob = judge(settings, "bob", "a:1", "c:1", "different")
    ann = judge(settings, "ann", "a:1", "b:1")
    judge(settings, "ann", "b:1", "c:1")
    production.promote(ann.catalog, "ann")
    pin = bob.catalog.pin("bob")
    with pytest.raises(ContradictionError):
        promoting.rebase(settings, "bob")
    assert bob.catalog.pin("bob") == pin
    assert judged(settings, "bob") == [("a:1", "c:1", "bob")]


def test_what_is_given_up_is_productions(settings):
    ann = judge(settings, "ann", "a:1", "b:1")
    judge(settings, "bob", "a:2", "b:2")
    production.promote(ann.catalog, "ann")
    promoting.rebase(settings, "bob", release=["all"])
    assert judged(settings, "bob") == [("a:1", "b:1", "ann")]
    with pytest.raises(PromotionError, match="has not built judgements itself"):
        promoting.rebase(settings, "bob", release=[JUDGEMENTS.name])


def test_a_namespace_that_does_not_exist_is_not_made_by_looking_at_it(settings):
    judge(settings, "ann", "a:1", "b:1")
    for act in (promoting.preview, promoting.promote, promoting.rebase):
        with pytest.raises(PromotionError, match=r"no namespace 'nan'; there are ann"):
            act(settings, "nan")
    assert [one.name for one in namespaces.namespaces(Lake(settings).catalog)] == ["ann", "dev"]
