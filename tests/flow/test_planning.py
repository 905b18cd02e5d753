"""What counts as current: also what it was made into has to be there."""

from kg_assets.building import build
from kg_assets.sources.landing import land
from resources.lake import Lake
from tests.flow.conftest import lines
from tests.flow.graph import content


def labels(summary):
    assert [(result.task.label, result.error) for result in summary.failed] == []
    return [result.task.label for result in summary.results]


def test_a_published_file_that_is_gone_is_made_again_and_nothing_else(built):
    before = content(built)
    heads = {key: head.commit_id for key, head in Lake(built).catalog.all_heads("dev").items()}
    built.published.unlink()
    assert labels(build(built)) == ["graph"]
    assert content(built) == before
    after = {key: head.commit_id for key, head in Lake(built).catalog.all_heads("dev").items()}
    assert after == heads
    assert labels(build(built)) == []


def test_a_lake_file_that_is_gone_is_made_again(built):
    (head,) = _heads(built, "film/records")
    path = built.lake_path / head.file.path
    content_before = path.read_bytes()
    path.unlink()
    assert "film" in labels(build(built, types=["film"]))[0]
    (mended,) = _heads(built, "film/records")
    assert (built.lake_path / mended.file.path).read_bytes() == content_before
    assert labels(build(built, types=["film"])) == []


def test_the_command_that_a_damaged_file_names_mends_it(built):
    (head,) = [h for h in _heads(built, "source_records") if h.partition == "alpha|first"]
    path = built.lake_path / head.file.path
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    (failed,) = build(built, only=["inferred_types"]).failed
    assert failed.damaged == ("source_records", "alpha|first")
    assert "kg build --only 'source_records@alpha|first'" in failed.error
    assert labels(build(built, only=["source_records@alpha|first"])) == ["sources@alpha|first"]
    assert labels(build(built, only=["inferred_types"])) == ["types"]
    assert labels(build(built, types=["film"])) == []


def test_an_empty_folder_that_claims_to_be_a_full_delivery_retires_nothing(built):
    before = content(built)
    folder = built.landing_path / "alpha" / "zero"
    folder.mkdir()
    (folder / "delivery.json").write_text('{"mode": "full"}')
    summary = build(built, types=["film"])
    assert labels(summary) == []
    assert [name for name, _ in summary.refused] == ["alpha/zero"]
    assert content(built) == before


def test_a_model_that_lacks_data_is_looked_at_after_each_delivery_and_only_then(built, tmp_path):
    added = [{"entity_type": "film", "source_id": "4", "name": "Paprika", "year": 2006}]
    land(built.landing_path, "alpha", [lines(tmp_path / "more.jsonl", added)], "second")
    summary = build(built, types=["film"])
    labels(summary)
    ran = {step for result in summary.results for step in result.task.steps}
    assert "film/match_model" in ran
    assert labels(build(built, types=["film"])) == []


def _heads(settings, table):
    return [
        head for (name, _), head in Lake(settings).catalog.all_heads("dev").items() if name == table
    ]
