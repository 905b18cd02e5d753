"""`kg infer --dry-run`: what a language model would cost, before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from kg_assets.cli.infer import infer
from kg_assets.cli.ontology import diff
from kg_assets.cli.why_read import why_read
from kg_assets.inference.llm.extractor import LanguageModelExtractor
from ontology.schema import ONTOLOGY_FILE, load_ontology
from tests.inference.conftest import World
from tests.llm_server import LlmServer, tool_use


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "home")
    for number in range(3):
        made.add("film", f"Harbour {number}", f"A film about harbour number {number}.")
    made.deliver()
    made.infer()
    return made


def told(world: World, capsys: pytest.CaptureFixture[str], **more: Any) -> dict[str, Any]:
    assert infer(world.settings.model_copy(update=more), ["film"], dry_run=True, json=True) == 0
    [found] = json.loads(capsys.readouterr().out)
    return dict(found)


def test_the_cost_is_told_without_a_key_and_nothing_is_sent(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with LlmServer(lambda body: tool_use({"facts": []})) as server:
        found = told(world, capsys, llm_base_url=server.url)
        assert server.received == []
    assert (found["documents"], found["contexts"], found["stored"]) == (3, 3, 0)
    assert 0 < found["dollars"][0] < found["dollars"][1] < 1
    assert 3_000 < found["input_tokens"][0] < found["input_tokens"][1]
    assert found["configured"] is False


def test_what_is_stored_costs_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with LlmServer(lambda body: tool_use({"facts": []})) as server:
        settings = world.settings.model_copy(
            update={"llm_base_url": server.url, "llm_key": SecretStr("test")}
        )
        world.infer(extractor=LanguageModelExtractor(settings, load_ontology(), "film"))
    found = told(world, capsys)
    assert (found["contexts"], found["stored"], found["dollars"]) == (3, 3, [0.0, 0.0])


def test_a_person_can_ask_why_an_entity_is_or_is_not_read(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.add("film", "Quiet")
    world.deliver()
    world.infer()
    assert why_read(world.settings, "tales:film-Harbour 1-None", json=True) == 0
    [read] = json.loads(capsys.readouterr().out)
    assert (read["decision"]["name"], read["decision"]["decision"]) == ("Harbour 1", "eligible")
    [context] = read["contexts"]
    assert (context["state"], context["facts"]) == ("empty", 0)
    assert context["read_because"] == "not read before"
    # These steps ran under another version of the code than the commands know.
    assert context["now"] == "the program or its configuration changed"

    assert why_read(world.settings, "quiet") == 0
    said = capsys.readouterr().out
    assert "Quiet (film film-Quiet-None): skipped, no text." in said
    assert "Missing: based_on" in said

    assert why_read(world.settings, "nobody") == 1
    assert "is known as 'nobody'" in capsys.readouterr().err


def test_a_dry_run_says_who_is_read_and_what_changed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(world, capsys, llm_model="claude-haiku-5-5")
    assert found["decisions"] == {"eligible": {"a relation is missing, and there is text": 3}}
    assert found["changes"] == {"the program or its configuration changed": 3}
    assert infer(world.settings, ["film"], dry_run=True, json=False) == 0
    assert "film, contexts: 3 the program" in capsys.readouterr().out


def test_a_type_without_inference_is_refused(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        infer(world.settings, ["person"], dry_run=True, json=False)
    assert "nothing is inferred of person; use film" in capsys.readouterr().err


def test_a_change_of_the_ontology_has_a_price(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older = ONTOLOGY_FILE.read_text(encoding="utf-8").replace("appears as a", "is a", 1)
    file = tmp_path / "older.yaml"
    file.write_text(older, encoding="utf-8")
    assert diff(world.settings, str(file), None, json=True) == 0
    again = {row["entity_type"]: row for row in json.loads(capsys.readouterr().out)["again"]}
    assert (again["film"]["contexts"], again["film"]["partitions"]) == (3, ["00"])
    assert again["film"]["dollars"][1] > 0
    assert again["book"]["dollars"] == [0.0, 0.0]
