"""`kg extract`: run an extractor over a file of texts."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from kg_assets.cli.render import fail
from kg_assets.inference.choice import ExtractorsError, named
from kg_assets.inference.extractors import FAILED
from kg_assets.inference.text_file import extract_file
from ontology.schema import load_ontology

if TYPE_CHECKING:
    from kg_assets.inference.extractors import Extractor
    from resources.settings import Settings


def extract(settings: Settings, name: str, source: Path, target: Path, *, precise: bool) -> int:
    """Write the facts that an extractor finds in a file of texts.

    Args:
        settings: How a language model is reached.
        name: The extractor.
        source: JSON lines with id, text and perhaps a subject.
        target: JSON lines with id, status and facts.
        precise: Whether it shall keep only what it is surer of.

    Returns:
        Exit code: 1 where no line could be read, else 0.
    """
    ontology = load_ontology()

    @cache
    def extractor_for(entity_type: str) -> Extractor:
        return named(settings, ontology, name, entity_type, precise=precise)

    try:
        extractor_for("film")
    except ExtractorsError as error:
        fail(str(error))
    if not source.is_file():
        fail(f"there is no file {source}")
    if not target.parent.is_dir():
        fail(f"there is no folder {target.parent} to write to")
    if target.exists() and target.samefile(source):
        fail("the output would replace the input; name another file")
    counts = extract_file(extractor_for, ontology, source, target, _say)
    read = sum(count for status, count in counts.items() if status != "facts")
    failed = counts.get(FAILED, 0)
    _say(
        f"{read:,} texts, {counts.get('facts', 0):,} facts, {counts.get('empty', 0):,} without a "
        f"fact, {failed:,} failed: {target}"
    )
    return 1 if read and failed == read else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
