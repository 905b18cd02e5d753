"""How well relations are read from sentences: Text2KGBench's movies, in which labels are partial.

    python -m benchmarks.extraction [--errors 50] [--cross-validate] [--against llm]

The data lie in KG_TEXT2KG_DIR, by default ../shared/data/text2kg-movie. `complete.jsonl` holds
sentences of the validation part that were labelled whole by reading; `validation.jsonl` and
`train.jsonl` have one fact a sentence. The filter has learnt from no sentence that is measured.

See https://arxiv.org/abs/2308.02357 for the benchmark and its own score.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg_assets.inference.choice import named
from kg_assets.inference.composed import ComposedRules
from kg_assets.inference.extractors import Extraction, Extractor
from kg_assets.inference.paired import Counts, compare, dollars_for_each, scores, total
from kg_assets.inference.peoples import COUNTRIES
from kg_assets.inference.reading.repair import repair
from kg_assets.inference.reading.train import WIKIDATA, names_of, read_labels, same_name, train
from kg_assets.inference.text_file import Text, context_of, stated
from ontology.schema import Ontology, load_ontology
from resources.settings import Settings

FOLDER = Path(os.environ.get("KG_TEXT2KG_DIR", "../shared/data/text2kg-movie"))
RELATIONS = frozenset(WIKIDATA.values())

Fact = tuple[str, str, str]
"""(subject, relation, object), names as `same_name` writes them."""


@dataclass(frozen=True)
class Sentence:
    """A sentence that is labelled whole.

    Attributes:
        text: The sentence.
        subject: Its subject.
        required: Facts that it states, each with the names under which its object counts.
        optional: Facts that may be said and need not be.
    """

    text: str
    subject: str
    required: tuple[tuple[str, frozenset[str]], ...]
    optional: tuple[tuple[str, frozenset[str]], ...]


def main() -> None:
    """Print every measure."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--errors", type=int, default=0, help="print so many errors, by chance")
    options.add_argument(
        "--cross-validate", action="store_true", help="also the filter over the training part"
    )
    options.add_argument(
        "--against",
        help="only compare the rules with another extractor: precise, or as KG_EXTRACTORS has it",
    )
    chosen = options.parse_args()
    if not (FOLDER / "complete.jsonl").is_file():
        raise SystemExit(f"{FOLDER} has no complete.jsonl: set KG_TEXT2KG_DIR to the data's folder")
    ontology = load_ontology()
    rules = ComposedRules(ontology)
    whole = read_complete()
    if chosen.against:
        against(whole, rules, second_extractor(ontology, chosen.against))
        return
    print(f"{len(whole)} sentences that are labelled whole")
    print("                     precision  recall      F1  (95 % interval of F1)")
    for name, extractor, given in (
        ("subject given", rules, True),
        ("subject found", rules, False),
        ("precise setting", ComposedRules(ontology, precise=True), True),
    ):
        found = [read(extractor, each.text, each.subject if given else None) for each in whole]
        _print_scores(name, [judge(each, facts) for each, facts in zip(whole, found, strict=True)])
        if not given:
            placed = [_of(each.subject, facts) for each, facts in zip(whole, found, strict=True)]
            pairs = zip(whole, placed, strict=True)
            _print_scores("  subject not judged", [judge(each, facts) for each, facts in pairs])
    found = [read(rules, each.text, each.subject) for each in whole]
    _print_by_relation(whole, found)
    rows = read_rows("validation.jsonl")
    _print_labelled(rules, rows)
    _print_benchmark(whole, found)
    _print_speed(rules, rows)
    if chosen.cross_validate:
        cross_validate()
    if chosen.errors:
        _print_errors(whole, found, chosen.errors)


def second_extractor(ontology: Ontology, name: str) -> Extractor:
    """Make the extractor that the rules are compared with."""
    if name == "precise":
        return ComposedRules(ontology, precise=True)
    return named(Settings(), ontology, name, "film")


def against(whole: Sequence[Sentence], first: Extractor, second: Extractor) -> None:
    """Print what two extractors score on the same sentences, and what each fact costs."""
    both = []
    print("                     precision  recall      F1  (95 % interval of F1)")
    for name, extractor in (("first", first), ("second", second)):
        counts, facts, dollars = [], 0, 0.0
        for sentence in whole:
            context = context_of(Text("", sentence.text, sentence.subject, "film"))
            found = list(extractor.extract_many([context]))
            dollars += sum(each.cost for each in found)
            kept = _facts(context.name, found)
            facts += len(kept)
            counts.append(judge(sentence, kept))
        _print_scores(f"{name}: {extractor.name}", counts)
        print(f"  dollars for each fact: {dollars_for_each(dollars, facts)}")
        both.append(counts)
    found_difference = compare(*both).difference
    print("second less first, with 95 % intervals of the paired difference:")
    for name in ("precision", "recall", "f1"):
        print(f"  {name:<10} {getattr(found_difference, name)}")


def read(extractor: Extractor, text: str, subject: str | None) -> dict[Fact, str]:
    """Run an extractor as `kg extract` does; the benchmark's facts, with objects as said."""
    context = context_of(Text("", text, subject, "film"))
    return _facts(context.name, extractor.extract_many([context]))


def _facts(name: str, read_by: Iterable[Extraction]) -> dict[Fact, str]:
    return {
        (same_name(name), fact.relation, same_name(fact.object_name)): fact.object_name
        for found in read_by
        for fact in stated(found.facts)
        if fact.relation in RELATIONS
    }


def judge(sentence: Sentence, found: Iterable[Fact]) -> Counts:
    """Compare what was found in a sentence with its labels; optional facts count neither way."""
    subject = same_name(sentence.subject)
    left = set(found)
    right = 0
    for relation, names in sentence.required:
        hits = {each for each in left if each[0] == subject and _is(each, relation, names)}
        right += bool(hits)
        left -= hits
    wrong = sum(
        not (each[0] == subject and any(_is(each, *label) for label in sentence.optional))
        for each in left
    )
    return Counts(right, wrong, len(sentence.required) - right)


def read_complete() -> list[Sentence]:
    """Read the sentences that are labelled whole."""
    relations = {row["rel_label"]: WIKIDATA[row["rel"]] for row in read_rows("train.jsonl")}
    relations["cost"] = WIKIDATA["P2130"]
    sentences = []
    for row in read_rows("complete.jsonl"):
        labels: dict[bool, list[tuple[str, frozenset[str]]]] = {True: [], False: []}
        for fact in row["facts"]:
            names = {fact["object"], fact.get("canonical", fact["object"])}
            forms = frozenset(same_name(repair(name).text) for name in names)
            labels[bool(fact.get("optional"))].append((relations[fact["relation"]], forms))
        sentences.append(
            Sentence(row["sent"], row["subject"], tuple(labels[False]), tuple(labels[True]))
        )
    return sentences


def cross_validate(folds: int = 5) -> None:
    """Print how the labels of training sentences are found by filters that have not seen them."""
    ontology, labelled = load_ontology(), read_labels(FOLDER)
    hits: Counter[str] = Counter()
    kept = 0
    for fold in range(folds):
        weights = train([each for at, each in enumerate(labelled) if at % folds != fold])
        extractor = ComposedRules(ontology, weights=weights)
        for sentence in labelled[fold::folds]:
            facts = read(extractor, sentence.text, sentence.subject)
            kept += len(facts)
            for relation, name in sentence.labels:
                hits["labels"] += 1
                hits["found"] += _finds(facts, relation, name)
    print(f"\ncross-validated over {len(labelled)} training sentences, {folds} folds:")
    print(f"  {hits['found']} of {hits['labels']} labels found, {kept} facts kept")


def _of(subject: str, facts: Iterable[Fact]) -> set[Fact]:
    """The same facts of another subject."""
    return {(same_name(subject), relation, name) for _, relation, name in facts}


def _is(fact: Fact, relation: str, names: frozenset[str]) -> bool:
    return fact[1] == relation and fact[2] in names


def _finds(facts: Iterable[Fact], relation: str, label: str) -> bool:
    names = names_of(relation, repair(label).text)
    return any(_is(each, relation, names) for each in facts)


def _print_scores(name: str, counts: Sequence[Counts]) -> None:
    of = scores(counts)
    print(
        f"{name:<20} {of.precision.value:9.3f} {of.recall.value:7.3f} {of.f1.value:7.3f}  "
        f"({of.f1.low:.3f} to {of.f1.high:.3f})"
    )


def _print_by_relation(whole: Sequence[Sentence], found: Sequence[Mapping[Fact, str]]) -> None:
    print("\nby relation          right  wrong  missing")
    for relation in sorted(RELATIONS):
        counts = []
        for sentence, facts in zip(whole, found, strict=True):
            own = Sentence(
                sentence.text,
                sentence.subject,
                tuple(each for each in sentence.required if each[0] == relation),
                tuple(each for each in sentence.optional if each[0] == relation),
            )
            counts.append(judge(own, [fact for fact in facts if fact[1] == relation]))
        of = total(counts)
        print(f"  {relation:<18} {of.right:5} {of.wrong:6} {of.missing:8}")


def _print_labelled(extractor: Extractor, rows: Sequence[Mapping[str, Any]]) -> None:
    found: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        facts = read(extractor, row["sent"], row["sub_label"])
        relation = WIKIDATA[row["rel"]]
        found[relation].append(_finds(facts, relation, row["obj_label"]))
    hits_in_all = sum(map(sum, found.values()))
    print(f"\nlabelled recall on {len(rows)} validation rows: {hits_in_all / len(rows):.3f}")
    for relation in sorted(found):
        hits = found[relation]
        print(f"  {relation:<20} {sum(hits):4} of {len(hits):3}  {sum(hits) / len(hits):.2f}")


def _print_benchmark(whole: Sequence[Sentence], found: Sequence[Mapping[Fact, str]]) -> None:
    """Print Text2KGBench's score and its measures of conformance and of unfounded names.

    Its score is the mean over sentences of precision, recall and F1 of the facts whose relation is
    labelled in the sentence.
    """
    each_sentence, conform, facts_read = [], 0, 0
    unfounded: Counter[str] = Counter()
    for sentence, facts in zip(whole, found, strict=True):
        labelled = {relation for relation, _ in (*sentence.required, *sentence.optional)}
        if sentence.required:
            kept = [fact for fact in facts if fact[1] in labelled]
            each_sentence.append(judge(sentence, kept).scores)
        text = same_name(repair(sentence.text).text)
        for (subject, relation, _), name in facts.items():
            facts_read += 1
            conform += relation in RELATIONS
            unfounded["subjects"] += subject not in text and subject != same_name(sentence.subject)
            unfounded["relations"] += relation not in RELATIONS
            unfounded["objects"] += not _founded(name, text)
    columns = zip(*each_sentence, strict=True)
    precision, recall, f1 = (sum(each) / len(each_sentence) for each in columns)
    print(f"\nthe benchmark's own score: P {precision:.3f} R {recall:.3f} F1 {f1:.3f}")
    print(f"ontology conformance: {conform / max(1, facts_read):.3f}")
    shares = ", ".join(
        f"{kind} {unfounded[kind] / max(1, facts_read):.3f}"
        for kind in ("subjects", "relations", "objects")
    )
    print(f"unfounded: {shares}")


def _founded(name: str, text: str) -> bool:
    """Whether the words of an object are the sentence's, or those of which it is a normal form."""
    if same_name(name) in text:
        return True
    adjectives = {word for word, country in COUNTRIES.items() if country == name}
    if any(same_name(word) in text for word in adjectives):
        return True
    words = [word.lstrip("0") for word in same_name(name).split()]
    return all(re.search(rf"\b{re.escape(word)}s?\b", text) for word in words)


def _print_speed(extractor: Extractor, rows: Sequence[Mapping[str, Any]]) -> None:
    seconds = []
    for _ in range(3):
        started = time.process_time()
        for row in rows:
            read(extractor, row["sent"], row["sub_label"])
        seconds.append(time.process_time() - started)
    rate = len(rows) / min(seconds)
    print(f"\n{rate:,.0f} sentences a second of processor time, on one core, best of three")


def _print_errors(
    whole: Sequence[Sentence], found: Sequence[Mapping[Fact, str]], number: int
) -> None:
    errors = []
    for sentence, facts in zip(whole, found, strict=True):
        labels = (*sentence.required, *sentence.optional)
        for fact in facts:
            if not any(_is(fact, *label) for label in labels):
                errors.append(("wrong  ", fact[1], fact[2], sentence))
        for relation, names in sentence.required:
            if not any(_is(fact, relation, names) for fact in facts):
                errors.append(("missing", relation, min(names), sentence))
    chance = random.Random(0)
    for kind, relation, name, sentence in chance.sample(errors, min(number, len(errors))):
        print(f"\n{kind} {relation} = {name}\n  [{sentence.subject}] {sentence.text}")


def read_rows(name: str) -> list[dict[str, Any]]:
    """Read the lines of a file of the data."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line]


if __name__ == "__main__":
    main()
