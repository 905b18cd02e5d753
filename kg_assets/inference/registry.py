"""The extractors by name, for those who choose one in a configuration or on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kg_assets.inference.composed import ComposedRules
from kg_assets.inference.extractors import Extractor
from ontology.schema import Ontology


class UnknownExtractorError(ValueError):
    """There is no extractor of that name; the message lists those that there are."""


def _rules(ontology: Ontology, precise: bool) -> Extractor:
    return ComposedRules(ontology, precise=precise)


_EXTRACTORS: Mapping[str, Callable[[Ontology, bool], Extractor]] = {"rules": _rules}


def make_extractor(name: str, ontology: Ontology, *, precise: bool = False) -> Extractor:
    """Make an extractor.

    Args:
        name: Its name.
        ontology: What it reads for.
        precise: Whether it shall keep only what it is surer of.

    Raises:
        UnknownExtractorError: There is none of that name.
    """
    make = _EXTRACTORS.get(name)
    if make is None:
        known = ", ".join(sorted(_EXTRACTORS))
        raise UnknownExtractorError(f"there is no extractor {name!r}; there are: {known}")
    return make(ontology, precise)
