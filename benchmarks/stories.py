"""The score of the default extractor on the example source `stories`, with the subject given.

Run as ``python -m benchmarks.stories``. Each record is taken as an entity of its own, so that the
score is that of extraction and linking alone. Three sets of texts are read: the developed
documents, which those who write the rules know; the held-out documents, which were written before
the rules and of which only the score is printed; and introductions in the style of an
encyclopedia. Documents are read with candidates, as the pipeline does, and without any: then the
object is the name that the text gives, and names are compared without case, accents, leading
articles and words such as "series". Introductions have no candidates.

Precision and recall are over the pairs (subject, object) of the labelled relations. In the older
developed documents main_subject and prequel_of are labelled only in part, so that their precision
is a lower bound. The interval is a bootstrap over documents (Efron and Tibshirani 1993).
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from benchmarks.extraction import second_extractor
from kg_assets.inference.chunking import sentences
from kg_assets.inference.composed import ComposedRules
from kg_assets.inference.contexts import contexts, creators, gather, read_contexts
from kg_assets.inference.evidence import Document, judge
from kg_assets.inference.extractors import UNLINKED, Context, Extractor, OneByOne
from kg_assets.inference.gazetteer import name_keys
from kg_assets.inference.paired import Counts, compare, scores, tally
from kg_assets.inference.tables import DOCUMENTS, GAZETTEER_TYPES, INFERENCE_TYPES
from kg_assets.sources.record import RECORD_SCHEMA
from ontology.schema import load_ontology

STORIES = Path(__file__).parents[1] / "examples" / "stories"
HELD_OUT = STORIES / "held_out"
INTRODUCTIONS = STORIES / "introductions"

RELATIONS = frozenset(
    [
        "based_on",
        "sequel_of",
        "prequel_of",
        "remake_of",
        "spin_off_of",
        "part_of_franchise",
        "main_subject",
    ]
)
"""What is labelled; facts of other relations are not counted."""

Label = tuple[str, str, str]
"""Subject, relation and object."""

Answer = tuple[Label, str | None, str]
"""A fact, why it is not kept, and its quote."""


@dataclass(frozen=True)
class Texts:
    """A set of labelled texts.

    Attributes:
        stated: What they state.
        denied: What they deny.
        hedged: What they only report.
        texts: Each text by its subject.
    """

    stated: frozenset[Label]
    denied: frozenset[Label]
    hedged: frozenset[Label]
    texts: Mapping[str, str]


def labels(path: Path, status: str = "stated") -> frozenset[Label]:
    """Read what the texts state, deny (``negated``) or only report (``hedged``)."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, delimiter="\t")
        subject = (reader.fieldnames or ["id"])[0]
        return frozenset(
            (row[subject], row["relation"], row["object"])
            for row in reader
            if row["status"] == status
        )


def read_records(path: Path) -> list[dict[str, Any]]:
    """Read JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def labelled(folder: Path, texts: Mapping[str, str]) -> Texts:
    """Read the labels of texts."""
    path = folder / "labels.tsv"
    return Texts(labels(path), labels(path, "negated"), labels(path, "hedged"), texts)


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


def introductions() -> list[Context]:
    """Make contexts of the introductions, which have neither candidates nor years."""
    return [
        Context(
            each["id"],
            each["id"],
            each["subject"]["type"],
            each["subject"]["name"],
            each["id"],
            "",
            each["text"],
        )
        for each in read_records(INTRODUCTIONS / "texts.jsonl")
    ]


def answers(given: Iterable[Context], extractor: Extractor) -> list[Answer]:
    """Extract facts and let the gate judge them.

    Returns:
        Subject, relation and object (its name where it is not linked) of each fact, the reason
        of a rejected one, and the quote.
    """
    ontology = load_ontology()
    found = []
    for read in extractor.extract_many(given):
        context = read.context
        document = Document(context.text, context.document_sha256)
        for fact in read.facts:
            label = (context.entity_id, fact.relation, fact.object_id or fact.object_name)
            found.append((label, judge(context, fact, document, ontology), fact.quote))
    return found


def named_answers(
    given: Iterable[Context], extractor: OneByOne, texts: Texts, names: Mapping[str, list[str]]
) -> list[Answer]:
    """Extract facts without candidates and bring their objects to the labels'.

    Args:
        given: Contexts; their candidates, years and the subjects' other names are taken away.
        extractor: The extractor.
        texts: The labels. An object is the label's of the same subject and relation that has its
            name, or else the name itself.
        names: Names of the objects of labels, where a label has an id.
    """
    keys: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for subject, relation, object_ in sorted(texts.stated | texts.denied | texts.hedged):
        for name in names.get(object_, [object_]):
            keys[subject, relation][plain(name)] = object_
    found = []
    for context in given:
        bare = replace(context, candidates=(), year=None, alternate_names=())
        for fact in extractor.extract(bare):
            known = keys[context.entity_id, fact.relation]
            object_ = known.get(plain(fact.object_name), fact.object_name)
            unlinked = fact.problem == UNLINKED
            reason = "negated" if fact.negated else None if unlinked else fact.problem
            found.append(((context.entity_id, fact.relation, object_), reason, fact.quote))
    return found


def plain(name: str) -> str:
    """Bring a name to what is compared: no case, accents, article or word such as "series"."""
    return min(name_keys("franchise", [name]), key=lambda key: (len(key), key), default="")


def counts(pairs: Iterable[tuple[str, Label]]) -> dict[str, Counter[str]]:
    """Count by relation, and in all, what is wanted, found and right."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for kind, label in pairs:
        found[label[1]][kind] += 1
        found["all"][kind] += 1
    return found


def by_document(texts: Texts, found: Iterable[Answer]) -> list[Counts]:
    """Count what is right, wrong and missing in each text, in the order of their ids."""
    kept: dict[str, set[Label]] = defaultdict(set)
    wanted: dict[str, set[Label]] = defaultdict(set)
    for label in texts.stated:
        wanted[label[0]].add(label)
    for label, reason, _ in found:
        if reason is None and label[1] in RELATIONS:
            kept[label[0]].add(label)
    subjects = sorted(set(texts.texts) | set(wanted) | set(kept))
    return [tally(wanted[subject], kept[subject]) for subject in subjects]


def report(title: str, texts: Texts, found: list[Answer], *, errors: bool) -> None:
    """Print the score by relation, the interval, and what became of denials and hedges."""
    kept = {label for label, reason, _ in found if reason is None and label[1] in RELATIONS}
    groups = (("wanted", texts.stated), ("found", kept), ("right", texts.stated & kept))
    pairs = [(kind, label) for kind, group in groups for label in sorted(group)]
    print(f"\n{title}: {len(texts.texts)} texts")
    print(f"{'relation':20} {'labels':>6} {'found':>6} {'right':>6}  precision  recall    F1")
    counted = counts(pairs)
    for relation in sorted(counted, key=lambda name: (name == "all", name)):
        row = counted[relation]
        right = row["right"]
        precision, recall, together = Counts(
            right, row["found"] - right, row["wanted"] - right
        ).scores
        print(
            f"{relation:20} {row['wanted']:6} {row['found']:6} {row['right']:6}"
            f"  {precision:9.3f}  {recall:6.3f}  {together:.3f}"
        )
    f1 = scores(by_document(texts, found)).f1
    print(f"F1, 95 % interval: {f1.low:.3f} to {f1.high:.3f}")
    refused = {label for label, reason, _ in found if reason is not None}
    for name, group in (("denials", texts.denied), ("hedges", texts.hedged)):
        print(
            f"{len(group & refused - kept)} of {len(group)} labelled {name} were read and not "
            f"kept, {len(group & kept)} were taken as facts"
        )
    if errors:
        _print_errors(texts, kept, found)


def _print_errors(texts: Texts, kept: set[Label], found: list[Answer]) -> None:
    for label in sorted(texts.stated - kept):
        reasons = [f"{each[2]}: {why}" for each, why, _ in found if each[:2] == label[:2] and why]
        print(f"\nmissed {label} {reasons}\n  {texts.texts.get(label[0])}")
    for label, reason, quote in sorted(found, key=lambda each: each[0]):
        if reason is None and label not in texts.stated and label[1] in RELATIONS:
            print(f"\nwrong {label}\n  {quote}")


def speed(given: list[Context], seconds: float = 2.0) -> tuple[int, float]:
    """Read contexts again and again.

    Args:
        given: The contexts.
        seconds: Processor time to spend at least.

    Returns:
        Sentences read, and sentences for each second of processor time on one core.
    """
    rules = ComposedRules(load_ontology())
    each_round = sum(len(sentences(context.text)) for context in given)
    read, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        for context in given:
            rules.extract(context)
        read += each_round
    return read, read / (time.process_time() - start)


def main() -> None:
    """Print the scores, the speed, and the errors if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--errors",
        action="store_true",
        help="print what was missed or is wrong, but never of the held-out documents",
    )
    parser.add_argument(
        "--against", help="also how another extractor differs: precise, or as KG_EXTRACTORS has it"
    )
    options = parser.parse_args()
    errors = options.errors
    ontology = load_ontology()
    rules = ComposedRules(ontology)
    everything: list[Context] = []
    for title, folder in (("developed", STORIES), ("held out", HELD_OUT)):
        records = read_records(folder / "records.jsonl")
        given = list(all_contexts(records))
        everything += given
        names = {
            each["source_id"]: [each["name"], *(each.get("alternate_names") or [])]
            for each in records
        }
        texts = labelled(folder, {context.entity_id: context.text for context in given})
        shown = errors and folder != HELD_OUT
        read_by_rules = answers(given, rules)
        report(f"{title}, with candidates", texts, read_by_rules, errors=shown)
        if options.against:
            read_by_other = answers(given, second_extractor(ontology, options.against))
            sides = (by_document(texts, each) for each in (read_by_rules, read_by_other))
            difference = compare(*sides).difference
            print(f"F1 of {options.against} less that of the rules: {difference.f1}")
        found = named_answers(given, rules, texts, names)
        report(f"{title}, without candidates", texts, found, errors=shown)
    given = introductions()
    everything += given
    texts = labelled(INTRODUCTIONS, {context.entity_id: context.text for context in given})
    found = named_answers(given, rules, texts, {})
    report("introductions, without candidates", texts, found, errors=errors)
    read, rate = speed(everything)
    print(f"\n{read:,} sentences, {rate:,.0f} for each second of processor time on one core")


if __name__ == "__main__":
    main()
