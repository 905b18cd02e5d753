"""Training the filter: what counts as a negative, and equal weights from equal labels."""

from __future__ import annotations

import json
from pathlib import Path

from kg_assets.inference.reading.filter import Filter
from kg_assets.inference.reading.train import Labelled, examples, read_labels, save, train

CAST = Labelled("Red Moon stars Ann Lee and Bo Ek.", "Red Moon", (("has_performer", "Bo Ek"),))


def learnt(sentence: Labelled) -> list[tuple[str, bool]]:
    return [(each.name, true) for each, true, _ in examples(sentence)]


def test_a_name_beside_a_labelled_one_in_its_list_is_no_negative() -> None:
    assert learnt(CAST) == [("Bo Ek", True)]


def test_a_name_that_is_labelled_with_other_bounds_is_a_negative() -> None:
    sentence = Labelled(
        "Red Moon was directed by Ann Lee Show.", "Red Moon", (("directed_by", "Ann Lee"),)
    )
    assert ("Ann Lee Show", False) in learnt(sentence)


def test_what_is_labelled_in_a_relation_that_excludes_another_is_a_negative_of_that() -> None:
    sentence = Labelled("Red Moon stars Vienna.", "Red Moon", (("filming_location", "Vienna"),))
    assert learnt(sentence) == [("Vienna", False)]


def test_the_same_labels_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(train([CAST] * 5), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    content = json.loads((tmp_path / "a").read_text())
    assert Filter(content["weights"]).probability(["pattern starring"]) > 0.5


def test_sentences_of_the_validation_part_are_not_learnt_from(tmp_path: Path) -> None:
    rows = [
        {"sent": sent, "sub_label": "Red Moon", "rel": "P57", "obj_label": "Ann Lee"}
        for sent in ("Ann Lee made it.", "It is hers.")
    ]
    lines = [json.dumps(row) for row in rows]
    (tmp_path / "train.jsonl").write_text("\n".join(lines))
    (tmp_path / "validation.jsonl").write_text(lines[1])
    assert [each.text for each in read_labels(tmp_path)] == ["Ann Lee made it."]
