"""The commands around production: what they print, and how they end."""

import json

import pytest
from typer.testing import CliRunner

from kg_assets.cli.main import app
from kg_assets.graph.tables import NODES
from kg_assets.inference.tables import DOCUMENT_INDEX
from resources import production
from resources.lake import Lake
from resources.settings import Settings
from tests.graph.small_lake import write


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KG_HOME", str(tmp_path))
    monkeypatch.setenv("KG_NAMESPACE", "ann")
    monkeypatch.setenv("KG_USER", "ann")
    return Settings()


def kg(*arguments):
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def node(lake, name):
    entity = {"node_id": name, "node_type": "film", "name": name}
    defaults = {field.name: None for field in NODES.schema if field.nullable}
    lists = {f.name: [] for f in NODES.schema if not f.nullable and str(f.type).startswith("list")}
    counts = {f.name: 0 for f in NODES.schema if not f.nullable and str(f.type).startswith("int")}
    write(lake, NODES, [defaults | lists | counts | entity])


def index(lake, namespace):
    row = {"lance_table": f"{namespace}/film", "lance_version": 1, "rows": 0, "embedding": "x"}
    write(lake, DOCUMENT_INDEX, [{"entity_type": "film", "content_sha256": "", **row}], "film")


def vectors(settings, namespace):
    folder = settings.in_namespace(namespace).vectors / "film.lance"
    folder.mkdir(parents=True)
    return folder


def test_history_says_who_made_a_table_with_what_also_after_it_was_promoted(home, monkeypatch):
    lake = Lake(home)
    node(lake, "Her")
    production.promote(lake.catalog, "ann")
    monkeypatch.setenv("KG_NAMESPACE", "prod")
    found = kg("history", "nodes", "--json")
    assert found.exit_code == 0, found.output
    (told,) = json.loads(found.stdout)
    assert (told["by"], told["made"]["namespace"]) == ("promote ann", "ann")
    assert told["settings"]["user"] == "ann"
    assert told["ontology"]
    assert "ann" in kg("history", "nodes@all").stdout
    assert kg("history", "nothing").exit_code == 1


def test_namespaces_are_listed_with_how_far_production_has_moved_on(home):
    ann, bob = Lake(home), Lake(home.in_namespace("bob"))
    node(ann, "Her")
    production.promote(ann.catalog, "ann")
    found = json.loads(kg("namespace", "list", "--json").stdout)
    assert [(one["name"], one["behind"], one["tables"]) for one in found] == [
        ("ann", 0, 1),
        (bob.namespace, 1, 0),
    ]
    assert "bob" in kg("namespace", "list").stdout


def test_a_removed_namespace_takes_along_what_nobody_else_reads(home):
    ann, bob = Lake(home), Lake(home.in_namespace("bob"))
    index(ann, "ann")
    production.promote(ann.catalog, "ann")
    index(bob, "bob")
    read, own = vectors(home, "ann"), vectors(home, "bob")
    home.published.parent.mkdir(parents=True)
    removed = kg("namespace", "remove", "ann")
    assert removed.exit_code == 0, removed.output
    assert "ann/film" in removed.stdout
    assert kg("namespace", "remove", "bob").exit_code == 0
    assert (read.exists(), own.exists()) == (True, False)
    assert not home.published.parent.exists()
    assert json.loads(kg("namespace", "list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("promote", "nan"), 1, "no namespace 'nan'"),
        (("promote", "nan", "--dry-run"), 1, "no namespace 'nan'"),
        (("promote", "ann", "--types", "opera"), 2, "no such entity type: opera"),
        (("promote", "prod"), 1, "only changed by promotion"),
        (("rebase", "prod"), 1, "only changed by promotion"),
        (("rebase", "nan"), 1, "no namespace 'nan'"),
        (("namespace", "remove", "prod"), 1, "only changed by promotion"),
        (("namespace", "remove", "nan"), 1, "no namespace 'nan'"),
        (("rollback",), 1, "ever promoted"),
        (("promotions",), 1, "nothing was promoted yet"),
    ],
)
def test_what_cannot_be_done_ends_in_a_message(home, arguments, code, said):
    Lake(home)
    found = kg(*arguments)
    assert (found.exit_code, said in found.stderr) == (code, True), found.output


def test_a_rebase_says_what_it_makes_stale(home):
    lake = Lake(home)
    node(lake, "Her")
    found = kg("rebase", "ann")
    assert found.exit_code == 0, found.output
    assert "edges" in json.loads(kg("rebase", "ann", "--json").stdout)["stale"]
    assert "kg build" in found.stdout
