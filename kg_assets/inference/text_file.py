"""Extraction from files: lines of texts in, lines of facts out, one for each, none lost."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from kg_assets.inference.extractors import (
    ANSWERED,
    EMPTY,
    FAILED,
    UNLINKED,
    CandidateFact,
    Context,
    Extraction,
    Extractor,
)
from kg_assets.inference.reading.subject import find_subject
from ontology.schema import Ontology

DONE = "done"
"""State of a text in which facts were found; the other states are those of extractions."""

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes above which a line is refused; a book has about one million characters."""

_DEFAULT_TYPE = "film"
_PROGRESS_EVERY = 10_000
_AT_ONCE = 256
"""Lines that are read before their answers are written: a language model reads many at a time."""


class LineError(ValueError):
    """A line is not a text that can be read; the message says why."""


@dataclass(frozen=True)
class Text:
    """A text with what is said of its subject.

    Attributes:
        text_id: The caller's id of it.
        text: The text.
        subject: The subject's name, or None where none is given.
        entity_type: The subject's type.
    """

    text_id: str | int
    text: str
    subject: str | None
    entity_type: str


def extract_file(
    extractor_for: Callable[[str], Extractor],
    ontology: Ontology,
    source: Path,
    target: Path,
    progress: Callable[[str], None],
) -> Mapping[str, int]:
    """Run an extractor over a file of JSON lines.

    A line has `id`, `text` and perhaps `subject` with `name` and `type`. For each there is one with
    `id`, `status` and `facts`, in the same order, and `reason` and `line` where it was not read:
    the status is then failed, refused or not tried. The result gets its name when it is whole.

    Args:
        extractor_for: Gives the extractor that reads the texts about an entity type.
        ontology: Names the properties of Wikidata, and the types that a subject can have.
        source: The file to read.
        target: The file to write; one that is there is replaced.
        progress: Is told how far it is.

    Returns:
        How many lines have each status, and how many `facts` there are.

    Raises:
        OSError: A file cannot be read or written.
    """
    counts: Counter[str] = Counter()
    wikidata = properties(ontology)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with source.open("rb") as lines, partial.open("w", encoding="utf-8") as out:
            numbered = _lines(lines)
            while some := list(islice(numbered, _AT_ONCE)):
                for answer in _answers(extractor_for, ontology, wikidata, some):
                    counts[answer["status"]] += 1
                    counts["facts"] += len(answer["facts"])
                    # Lone surrogates are legal in JSON and cannot be written as UTF-8.
                    out.write(json.dumps(answer, ensure_ascii=not _writable(answer)) + "\n")
                last = some[-1][0]
                if last // _PROGRESS_EVERY > some[0][0] // _PROGRESS_EVERY:
                    progress(f"{last:,} lines, {counts['facts']:,} facts")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return dict(counts)


def properties(ontology: Ontology) -> dict[str, str | None]:
    """Return all relations and attributes, each with its property of Wikidata or None."""
    found = {each.name: each.wikidata for each in ontology.relations.values()}
    return found | {each.name: each.wikidata for each in ontology.attributes.values()}


def context_of(text: Text, number: int = 0) -> Context:
    """Make what an extractor is given of a text; its subject is found where none is given.

    Args:
        text: The text.
        number: What tells it from others of a file.
    """
    digest = hashlib.sha256(text.text.encode("utf-8", "surrogatepass")).hexdigest()
    return Context(
        context_id=str(number),
        entity_id="",
        entity_type=text.entity_type,
        name=text.subject or find_subject(text.text) or "",
        document_id=digest,
        document_sha256=digest,
        text=text.text,
    )


def stated(facts: Sequence[CandidateFact]) -> list[CandidateFact]:
    """Choose the facts that hold, linked or not."""
    return [fact for fact in facts if not fact.negated and fact.problem in (None, UNLINKED)]


def parse_line(line: bytes, ontology: Ontology) -> Text:
    """Read a line.

    Raises:
        LineError: It is no text that can be read.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LineError(f"not JSON in UTF-8: {error}") from error
    if not isinstance(row, dict):
        raise LineError("not a JSON object")
    text_id, text, subject = row.get("id"), row.get("text"), row.get("subject")
    if not isinstance(text_id, str | int) or isinstance(text_id, bool):
        raise LineError("id is missing, or neither text nor a whole number")
    if not isinstance(text, str):
        raise LineError("text is missing or no text")
    if subject is not None and not isinstance(subject, dict):
        raise LineError("subject is not an object with name and type")
    name, kind = (subject or {}).get("name"), (subject or {}).get("type")
    if name is not None and not isinstance(name, str):
        raise LineError("the subject's name is no text")
    kind = _DEFAULT_TYPE if kind is None else kind
    if not isinstance(kind, str) or kind not in ontology.entity_types:
        raise LineError(f"the subject's type is none of {', '.join(ontology.entity_types)}")
    return Text(text_id, text, (name or "").strip() or None, kind)


def _answers(
    extractor_for: Callable[[str], Extractor],
    ontology: Ontology,
    wikidata: Mapping[str, str | None],
    lines: Sequence[tuple[int, bytes]],
) -> list[dict[str, Any]]:
    """The answers to some lines, in their order."""
    texts: dict[str, Text] = {}
    answers: dict[int, dict[str, Any]] = {}
    by_type: dict[str, list[Context]] = defaultdict(list)
    for number, line in lines:
        try:
            if len(line) > LONGEST_LINE:
                raise LineError(f"longer than {LONGEST_LINE} bytes")
            text = parse_line(line, ontology)
        except LineError as error:
            answers[number] = _unread(_id_of(line), FAILED, str(error), number)
            continue
        texts[str(number)] = text
        by_type[text.entity_type].append(context_of(text, number))
    for entity_type, contexts in by_type.items():
        for found in extractor_for(entity_type).extract_many(contexts):
            # Where several extractors are asked, what the last of them says counts.
            number = int(found.context.context_id)
            answers[number] = _answer(found, texts[str(number)], wikidata, number)
    return [answers[number] for number, _ in lines]


def _answer(
    found: Extraction, text: Text, wikidata: Mapping[str, str | None], number: int
) -> dict[str, Any]:
    if found.state not in (ANSWERED, EMPTY):
        return _unread(text.text_id, found.state, found.detail or "", number)
    subject = found.context.name or None
    rows = [_row(fact, subject, wikidata[fact.relation]) for fact in stated(found.facts)]
    return {"id": text.text_id, "status": DONE if rows else EMPTY, "facts": rows}


def _unread(text_id: str | int | None, status: str, reason: str, number: int) -> dict[str, Any]:
    return {"id": text_id, "status": status, "reason": reason, "line": number, "facts": []}


def _row(fact: CandidateFact, subject: str | None, wikidata: str | None) -> dict[str, Any]:
    return {
        "subject": subject,
        "relation": fact.relation,
        "wikidata": wikidata,
        "object": fact.object_name,
        "object_id": fact.object_id,
        "quote": fact.quote,
        "start": fact.start,
        "end": fact.end,
        "confidence": fact.confidence,
    }


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Read lines, of which none is held beyond the longest; empty ones are passed over."""
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        whole = line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE + 1)
        if whole.strip():
            yield number, whole


def _id_of(line: bytes) -> str | int | None:
    """The id of a line that cannot be read otherwise, if it has one."""
    try:
        found = json.loads(line).get("id") if len(line) <= LONGEST_LINE else None
    except (ValueError, RecursionError, AttributeError):
        return None
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None


def _writable(answer: object) -> bool:
    try:
        json.dumps(answer, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
