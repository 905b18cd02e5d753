"""Recall of retrieval: passages about labelled objects, and candidates by name, on labelled data.

Run as ``python -m benchmarks.retrieval``. For each label (subject, object) whose object has a text
the passages for the subject's text are searched; recall@k says how often one of the first k is
about the object: by full text (the name of the subject as a phrase, and LanceDB's BM25 of the
text), by vectors, and by the ranking of both that a build uses. Candidate recall says how often the
labelled object is among the entities that a context offers, by relation.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.stories import STORIES, all_contexts, labels, read_records
from kg_assets.inference.embeddings import configured_embedding
from kg_assets.inference.index import open_index, passages, write_index
from resources.settings import Settings
from resources.vectors import Found, VectorStore

DEPTHS = (1, 3, 5, 10, 20)


def main() -> None:
    """Print recall at several depths, and candidate recall by relation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedding", default="hashed-words", help="as KG_EMBEDDING")
    options = parser.parse_args()
    embedding = configured_embedding(options.embedding)
    records = {each["source_id"]: each for each in read_records(STORIES / "records.jsonl")}
    told = labels(STORIES / "labels.tsv")
    with tempfile.TemporaryDirectory() as folder:
        vectors = VectorStore(Settings(home=Path(folder)))
        con = duckdb.connect()
        rows = [
            {
                "chunk_id": f"{number:032x}",
                "document_id": f"{number:032x}",
                "entity_id": key,
                "title": each["name"],
                "text": each["description"],
                "sha256": f"{number:064x}",
            }
            for number, (key, each) in enumerate(records.items())
            if each.get("description")
        ]
        con.register("documents", pa.Table.from_pylist(rows).select(["document_id", "title"]))
        con.register("chunks", pa.Table.from_pylist(rows).drop_columns(["title"]))
        reader = open_index(vectors, write_index(con, vectors, "all", embedding), embedding)
        searches: dict[str, Callable[[str, str, int], list[Found]]] = {
            "full text": lambda name, text, limit: reader.full_text(f"{name} {text}", limit),
            "vectors": lambda _, text, limit: reader.nearest(embedding.embed([text])[0], limit),
            "hybrid": lambda name, text, limit: passages(
                [reader], name, text, limit=limit, embedding=embedding
            ),
        }
        wanted = [
            (subject, relation, object_)
            for subject, relation, object_ in sorted(told)
            if records.get(subject, {}).get("description")
            and records.get(object_, {}).get("description")
        ]
        print(f"{len(wanted)} labels with a text of both ends, {len(rows)} documents")
        print(f"{'search':12}" + "".join(f"  recall@{depth:<3}" for depth in DEPTHS))
        for title, search in searches.items():
            hits: Counter[int] = Counter()
            for subject, _, object_ in wanted:
                given = records[subject]
                found = search(given["name"], given["description"], DEPTHS[-1] + 1)
                ranked = [each.entity_id for each in found if each.entity_id != subject]
                for depth in DEPTHS:
                    hits[depth] += object_ in ranked[:depth]
            print(f"{title:12}" + "".join(f"  {hits[d] / len(wanted):10.3f}" for d in DEPTHS))
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
    print(f"\n{'candidates by name':20} labels  recall")
    for name in sorted(counts, key=lambda each: (each == "all", each)):
        group = counts[name]
        print(f"{name:20} {group['labels']:6}  {group['offered'] / group['labels']:.3f}")


if __name__ == "__main__":
    main()
