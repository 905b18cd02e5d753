"""Which names can be those of new entities, and the ids that proposals have."""

from __future__ import annotations

import hashlib

from kg_assets.inference.gazetteer import COMMON_WORDS, name_key, words
from kg_assets.inference.kind_words import NO_NAMES

LONGEST_NAME = 120
"""Characters of a proposed name; a longer one is a clause that was taken for a name."""


def is_proposable(name: str) -> bool:
    """Whether a name can be that of an entity that nobody has: not a phrase such as "the novel"."""
    keys = words(name)
    telling = [word for word in keys if word not in COMMON_WORDS and word not in NO_NAMES]
    first = next((char for char in name if char.isalnum()), "")
    return bool(telling) and not first.islower() and len(name) <= LONGEST_NAME


def proposal_id(entity_type: str, name: str) -> str:
    """The source_id of a proposed entity: the same name and type are one proposal.

    It begins with a plus sign, which no name of a source does: ids of things begin with one.
    """
    return f"+{entity_type}:{hashlib.sha256(name_key(name).encode()).hexdigest()[:16]}"
