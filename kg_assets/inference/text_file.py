"""Extraction from files: lines of texts in, lines of facts out, one for each, none lost."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from kg_assets.inference.extractors import CandidateFact, Context, ExtractionError, Extractor
from kg_assets.inference.reading.extractor import NOT_LINKED
from kg_assets.inference.reading.subject import find_subject
from ontology.schema import Ontology

DONE, EMPTY, FAILED = "done", "empty", "failed"
"""States of a text: facts were found, none were, or it could not be read."""

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes above which a line is refused; a book has about one million characters."""

_DEFAULT_TYPE = "film"
_PROGRESS_EVERY = 10_000


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
    extractor: Extractor,
    ontology: Ontology,
    source: Path,
    target: Path,
    progress: Callable[[str], None],
) -> Mapping[str, int]:
    """Run an extractor over a file of JSON lines.

    A line has `id`, `text` and perhaps `subject` with `name` and `type`. For each there is a line
    with `id`, `status` and `facts`, and `reason` and `line` where the status is failed. Lines are
    read one at a time; the result gets its name when it is whole.

    Args:
        extractor: Reads the texts.
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
            for number, line in _lines(lines):
                answer = _answer(extractor, ontology, wikidata, number, line)
                counts[answer["status"]] += 1
                counts["facts"] += len(answer["facts"])
                # Lone surrogates are legal in JSON and cannot be written as UTF-8.
                out.write(json.dumps(answer, ensure_ascii=not _writable(answer)) + "\n")
                if number % _PROGRESS_EVERY == 0:
                    progress(f"{number:,} lines, {counts['facts']:,} facts")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return dict(counts)


def properties(ontology: Ontology) -> dict[str, str | None]:
    """Return all relations and attributes, each with its property of Wikidata or None."""
    found = {each.name: each.wikidata for each in ontology.relations.values()}
    return found | {each.name: each.wikidata for each in ontology.attributes.values()}


def facts_of(extractor: Extractor, text: Text) -> tuple[str | None, list[CandidateFact]]:
    """Read one text: the subject's name, given or found, and the facts that hold.

    Raises:
        ExtractionError: The text could not be read.
    """
    subject = text.subject or find_subject(text.text)
    digest = hashlib.sha256(text.text.encode("utf-8", "surrogatepass")).hexdigest()
    context = Context(
        context_id=digest,
        entity_id="",
        entity_type=text.entity_type,
        name=subject or "",
        document_id=digest,
        document_sha256=digest,
        text=text.text,
    )
    return subject, [
        fact
        for fact in extractor.extract(context)
        if not fact.negated and fact.problem in (None, NOT_LINKED)
    ]


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


def _answer(
    extractor: Extractor,
    ontology: Ontology,
    wikidata: Mapping[str, str | None],
    number: int,
    line: bytes,
) -> dict[str, Any]:
    text_id: str | int | None = None
    try:
        if len(line) > LONGEST_LINE:
            raise LineError(f"longer than {LONGEST_LINE} bytes")
        text = parse_line(line, ontology)
        text_id = text.text_id
        subject, facts = facts_of(extractor, text)
    except (LineError, ExtractionError) as error:
        text_id = _id_of(line) if text_id is None else text_id
        return {"id": text_id, "status": FAILED, "reason": str(error), "line": number, "facts": []}
    rows = [_row(fact, subject, wikidata[fact.relation]) for fact in facts]
    return {"id": text_id, "status": DONE if rows else EMPTY, "facts": rows}


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
