"""The score of the default extractor on the example source `stories`, with the subject given.

Run as ``python -m benchmarks.stories``. Each record is taken as an entity of its own, so that the
score is that of extraction and linking alone. Precision and recall are over the pairs (subject,
object) of each labelled relation; main_subject is labelled only in part, so its precision is a
lower bound. The texts of this source are known to those who write the rules: a score on texts
that they have not seen is the one to believe.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from kg_assets.inference.contexts import contexts, creators, gather, read_contexts
from kg_assets.inference.evidence import Document, judge
from kg_assets.inference.extractors import Context, Extractor
from kg_assets.inference.rules import Rules
from kg_assets.inference.tables import DOCUMENTS, GAZETTEER_TYPES, INFERENCE_TYPES
from kg_assets.sources.record import RECORD_SCHEMA
from ontology.schema import load_ontology

STORIES = Path(__file__).parents[1] / "examples" / "stories"

Label = tuple[str, str, str]
"""Subject, relation and object."""


def labels(path: Path, *, negated: bool = False) -> set[Label]:
    """Read what the documents state, or what they deny."""
    with path.open(encoding="utf-8", newline="") as stream:
        return {
            (row["subject_source_id"], row["relation"], row["object"])
            for row in csv.DictReader(stream, delimiter="\t")
            if row["status"] == ("negated" if negated else "stated")
        }


def read_records(path: Path) -> list[dict[str, Any]]:
    """Read canonical records."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def all_contexts(records: list[dict[str, Any]]) -> Iterator[Context]:
    """Make the contexts of the records as the pipeline does, each record an entity."""
    import hashlib

    for entity_type in INFERENCE_TYPES:
        con = duckdb.connect()
        rows = [
            {
                **dict.fromkeys(RECORD_SCHEMA.names),
                **{key: value for key, value in each.items() if key != "date"},
                "source": "stories",
                "entity_id": each["source_id"],
            }
            for each in records
            if each["entity_type"] in GAZETTEER_TYPES
        ]
        schema = pa.schema([*RECORD_SCHEMA, pa.field("entity_id", pa.string())])
        con.register("given", pa.Table.from_pylist(rows, schema=schema))
        texts = [
            {
                **dict.fromkeys(DOCUMENTS.schema.names),
                "document_id": each["source_id"],
                "entity_id": each["source_id"],
                "entity_type": entity_type,
                "source": "stories",
                "source_id": each["source_id"],
                "title": each["name"],
                "text": each["description"],
                "sha256": hashlib.sha256(each["description"].encode()).hexdigest(),
                "characters": len(each["description"]),
            }
            for each in records
            if each["entity_type"] == entity_type and each.get("description")
        ]
        con.register("texts", pa.Table.from_pylist(texts, schema=DOCUMENTS.schema))
        con.execute("CREATE TABLE nameable AS FROM given")
        con.execute("CREATE TABLE documents AS FROM texts")
        con.execute(
            "CREATE VIEW all_members AS "
            "SELECT entity_id, entity_type, source, source_id FROM nameable"
        )
        con.execute(
            "CREATE VIEW all_records AS "
            "SELECT entity_type, source, source_id, credits FROM nameable"
        )
        con.execute(
            "CREATE TABLE entities AS SELECT entity_id, name, alternate_names, year FROM nameable "
            "WHERE entity_type = $kind",
            {"kind": entity_type},
        )
        con.execute("CREATE TABLE eligible AS SELECT entity_id, name FROM entities")
        gather(con, [])
        creators(con).create("makers")
        for batch in contexts(con, entity_type).order("context_id").to_arrow_reader():
            yield from read_contexts(batch)


def answers(given: Iterable[Context], extractor: Extractor) -> list[tuple[Label, str | None, str]]:
    """Extract facts and let the gate judge them.

    Returns:
        Subject, relation and object (its name where it is not linked) of each fact, the reason
        of a rejected one, and the quote.
    """
    ontology = load_ontology()
    found = []
    for context in given:
        document = Document(context.text, context.document_sha256)
        for fact in extractor.extract(context):
            label = (context.entity_id, fact.relation, fact.object_id or fact.object_name)
            found.append((label, judge(context, fact, document, ontology), fact.quote))
    return found


def main() -> None:
    """Print precision, recall and F1 for each relation, and the errors if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=Path, default=STORIES, help="folder of the source")
    parser.add_argument("--errors", action="store_true", help="print what was missed or is wrong")
    options = parser.parse_args()
    records = read_records(options.stories / "records.jsonl")
    wanted = labels(options.stories / "labels.tsv")
    inferable = {each["source_id"] for each in records if each["entity_type"] in INFERENCE_TYPES}
    known = {each["source_id"] for each in records}
    found = answers(all_contexts(records), Rules(load_ontology()))
    kept = {label for label, reason, _ in found if reason is None}
    right: Counter[str] = Counter()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for kind, group in (("wanted", wanted), ("kept", kept), ("right", wanted & kept)):
        for label in group:
            counts[label[1]][kind] += 1
            counts["all"][kind] += 1
    print(f"{'relation':20} {'labels':>6} {'found':>6} {'right':>6}  precision  recall    F1")
    for relation in sorted(counts, key=lambda name: (name == "all", name)):
        right = counts[relation]
        precision = right["right"] / right["kept"] if right["kept"] else 0.0
        recall = right["right"] / right["wanted"] if right["wanted"] else 0.0
        score = 2 * precision * recall / (precision + recall) if right["right"] else 0.0
        print(
            f"{relation:20} {right['wanted']:6} {right['kept']:6} {right['right']:6}"
            f"  {precision:9.3f}  {recall:6.3f}  {score:.3f}"
        )
    unreachable = {label for label in wanted if label[0] not in inferable or label[2] not in known}
    print(f"{len(unreachable)} labels have no inference chain or an object that is no record")
    denied = labels(options.stories / "labels.tsv", negated=True)
    refused = {label for label, reason, _ in found if reason == "negated"}
    print(
        f"{len(denied & refused)} of {len(denied)} labelled denials were read as denials, "
        f"{len(denied & kept)} were taken as facts"
    )
    if options.errors:
        _print_errors(records, wanted, kept, found)


def _print_errors(
    records: list[dict[str, Any]],
    wanted: set[Label],
    kept: set[Label],
    found: list[tuple[Label, str | None, str]],
) -> None:
    texts = {each["source_id"]: each.get("description") for each in records}
    for label in sorted(wanted - kept):
        reasons = [
            f"{other[2]}: {reason}"
            for other, reason, _ in found
            if other[:2] == label[:2] and reason
        ]
        print(f"\nmissed {label} {reasons}\n  {texts.get(label[0])}")
    for label, reason, quote in sorted(found, key=lambda each: each[0]):
        if reason is None and label not in wanted:
            print(f"\nwrong {label}\n  {quote}")


if __name__ == "__main__":
    main()
