"""Recall of retrieval: passages about labelled objects, and candidates by name, on labelled data.

Run as ``python -m benchmarks.retrieval``. For each label (subject, object) whose object has a text
the passages for the subject's text are searched; recall@k says how often one of the first k is
about the object: by full text (the name of the subject as a phrase, and LanceDB's BM25 of the
text), by vectors, and by the ranking of both that a build uses. Candidate recall says how often the
labelled object is among the entities that a context offers, by relation.

Where Text2KGBench's movies lie in KG_TEXT2KG_DIR, the same is said of its validation sentences: how
many of a subject's sentences its name alone finds; whether a sentence finds a passage about another
film that holds the name of a labelled object; and whether the object is among the candidates, given
a gazetteer of all labelled names. Labels are used for scoring, and their names for the gazetteer.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from benchmarks.extraction import FOLDER, read_rows
from benchmarks.stories import STORIES, all_contexts, labels, read_records
from kg_assets.inference.contexts import fill
from kg_assets.inference.embeddings import Embedding, configured_embedding
from kg_assets.inference.gazetteer import NAMES_SCHEMA, mentions, name_batches, name_key
from kg_assets.inference.index import open_index, passages, write_index
from kg_assets.inference.reading.train import WIKIDATA
from kg_assets.inference.tables import GAZETTEER_TYPES
from ontology.schema import load_ontology
from resources.settings import Settings
from resources.vectors import Found, VectorStore

DEPTHS = (1, 3, 5, 10, 20)


def main() -> None:
    """Print recall at several depths, and candidate recall by relation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedding", default="hashed-words", help="as KG_EMBEDDING")
    options = parser.parse_args()
    embedding = configured_embedding(options.embedding)
    stories(embedding)
    if (FOLDER / "validation.jsonl").is_file():
        sentences(embedding)


def stories(embedding: Embedding) -> None:
    """Print recall on the example source."""
    records = {each["source_id"]: each for each in read_records(STORIES / "records.jsonl")}
    told = labels(STORIES / "labels.tsv")
    rows = [
        (key, each["name"], each["description"])
        for key, each in records.items()
        if each.get("description")
    ]
    with tempfile.TemporaryDirectory() as folder:
        searches = _searches(Path(folder), rows, embedding)
        wanted = [
            (subject, relation, object_)
            for subject, relation, object_ in sorted(told)
            if records.get(subject, {}).get("description")
            and records.get(object_, {}).get("description")
        ]
        print(f"{len(wanted)} labels with a text of both ends, {len(rows)} documents")
        _print_head()
        for title, search in searches.items():
            hits: Counter[int] = Counter()
            for subject, _, object_ in wanted:
                given = records[subject]
                found = search(given["name"], given["description"], DEPTHS[-1] + 1)
                ranked = [each.entity_id for each in found if each.entity_id != subject]
                for depth in DEPTHS:
                    hits[depth] += object_ in ranked[:depth]
            _print_recall(title, hits, len(wanted))
    offered: dict[str, set[str]] = defaultdict(set)
    subjects = set()
    for context in all_contexts(list(records.values())):
        subjects.add(context.entity_id)
        offered[context.entity_id] |= {each.entity_id for each in context.candidates}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for subject, relation, object_ in told:
        if subject in subjects and object_ in records:
            for name in (relation, "all"):
                counts[name]["labels"] += 1
                counts[name]["offered"] += object_ in offered[subject]
    _print_candidates(counts)


def sentences(embedding: Embedding) -> None:
    """Print recall on the validation sentences of Text2KGBench."""
    given = read_rows("validation.jsonl")
    texts = {(each["sub_label"], each["sent"]) for each in given}
    rows = [(name, name, text) for name, text in sorted(texts)]
    about: dict[str, set[str]] = defaultdict(set)
    for name, text in texts:
        about[name].add(text)
    print(f"\n{len(rows)} sentences about {len(about)} subjects")
    with tempfile.TemporaryDirectory() as folder:
        searches = _searches(Path(folder), rows, embedding)
        print("sentences about the subject, by its name")
        _print_head()
        for title, search in searches.items():
            hits: Counter[int] = Counter()
            for name in sorted(about):
                texts_found = [each.text for each in search(name, name, DEPTHS[-1])]
                for depth in DEPTHS:
                    hits[depth] += len(about[name] & set(texts_found[:depth]))
            _print_recall(title, hits, len(texts))
        keys = [(name, f" {name_key(text)} ") for name, text in sorted(texts)]
        elsewhere = []
        for each in given:
            wanted = f" {name_key(each['obj_label'])} "
            if any(name != each["sub_label"] and wanted in key for name, key in keys):
                elsewhere.append((each["sub_label"], each["sent"], each["obj_label"]))
        print(f"passages elsewhere that name a labelled object ({len(elsewhere)} labels)")
        _print_head()
        for title, search in searches.items():
            hits = Counter()
            for name, text, object_ in elsewhere:
                found = search(name, text, DEPTHS[-1] + len(about[name]))
                ranked = [_holds(each.text, object_) for each in found if each.entity_id != name]
                for depth in DEPTHS:
                    hits[depth] += any(ranked[:depth])
            _print_recall(title, hits, len(elsewhere))
    _print_named(given)


def _holds(text: str, name: str) -> bool:
    return f" {name_key(name)} " in f" {name_key(text)} "


def _print_named(given: Sequence[Mapping[str, Any]]) -> None:
    """Print how often the labelled object is among the entities that the gazetteer finds."""
    relations = load_ontology().relations
    kinds: dict[str, str] = {}
    for row in [*read_rows("train.jsonl"), *given]:
        kinds[row["sub_label"]] = "film"
        relation = relations.get(WIKIDATA[row["rel"]])
        range_ = relation.range if relation else ()
        allowed = [kind for kind in GAZETTEER_TYPES if kind in range_]
        if allowed:
            kinds.setdefault(row["obj_label"], allowed[0])
    con = duckdb.connect()
    entities = [
        {"entity_id": name, "entity_type": kind, "name": name}
        for name, kind in sorted(kinds.items())
    ]
    schema = pa.schema(
        [
            ("entity_id", pa.string()),
            ("entity_type", pa.string()),
            ("name", pa.string()),
            ("alternate_names", pa.list_(pa.string())),
            ("year", pa.int32()),
        ]
    )
    con.register("given", pa.Table.from_pylist(entities, schema=schema))
    con.execute("CREATE TABLE nameable AS FROM given")
    fill(con, "name", NAMES_SCHEMA, name_batches(con.cursor().sql("SELECT * FROM nameable")))
    rows = [(str(number), each["sent"]) for number, each in enumerate(given)]
    offered = {
        number: {hit.entity_id for hit in hits}
        for number, hits in mentions(con.cursor(), "name", iter(rows))
    }
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for number, each in enumerate(given):
        if each["obj_label"] in kinds:
            for name in (WIKIDATA[each["rel"]], "all"):
                counts[name]["labels"] += 1
                counts[name]["offered"] += each["obj_label"] in offered.get(str(number), ())
    _print_candidates(counts)


def _searches(
    folder: Path, texts: Sequence[tuple[str, str, str]], embedding: Embedding
) -> dict[str, Callable[[str, str, int], list[Found]]]:
    """Index texts (entity, title, text) and give the searches, called with name, text and limit."""
    vectors = VectorStore(Settings(home=folder))
    con = duckdb.connect()
    rows = [
        {
            "chunk_id": f"{number:032x}",
            "document_id": f"{number:032x}",
            "entity_id": key,
            "title": title,
            "text": text,
            "sha256": f"{number:064x}",
        }
        for number, (key, title, text) in enumerate(texts)
    ]
    con.register("documents", pa.Table.from_pylist(rows).select(["document_id", "title"]))
    con.register("chunks", pa.Table.from_pylist(rows).drop_columns(["title"]))
    reader = open_index(vectors, write_index(con, vectors, "all", embedding), embedding)
    return {
        "full text": lambda name, text, limit: reader.full_text(f"{name} {text}", limit),
        "vectors": lambda _, text, limit: reader.nearest(embedding.embed([text])[0], limit),
        "hybrid": lambda name, text, limit: passages(
            [reader], name, text, limit=limit, embedding=embedding
        ),
    }


def _print_head() -> None:
    print(f"{'search':12}" + "".join(f"  recall@{depth:<3}" for depth in DEPTHS))


def _print_recall(title: str, hits: Mapping[int, int], wanted: int) -> None:
    print(f"{title:12}" + "".join(f"  {hits[depth] / wanted:10.3f}" for depth in DEPTHS))


def _print_candidates(counts: Mapping[str, Counter[str]]) -> None:
    print(f"\n{'candidates by name':20} labels  recall")
    for name in sorted(counts, key=lambda each: (each == "all", each)):
        group = counts[name]
        print(f"{name:20} {group['labels']:6}  {group['offered'] / group['labels']:.3f}")


if __name__ == "__main__":
    main()
