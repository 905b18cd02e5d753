"""From a model's answer to candidate facts, and how sure the links in it are."""

from __future__ import annotations

from kg_assets.inference.confidence import PRIORS
from kg_assets.inference.extractors import Candidate, CandidateFact, Context
from kg_assets.inference.gazetteer import name_key, name_keys
from kg_assets.inference.quotes import normalise
from ontology.responses import Answer, AnsweredFact, KnownObject
from ontology.schema import Ontology

NOT_NAMED = "new object is not named in the text"
"""Reason of a proposal whose name the text does not have."""

UNNAMED_MARGIN = 0.4
"""Margin of a link to a candidate that the text does not name, but only resembles."""

RIVAL_MARGIN = 0.6
"""Margin of a link where another candidate of a fitting type has the same name."""


def facts(context: Context, answer: Answer, ontology: Ontology) -> tuple[CandidateFact, ...]:
    """Make candidate facts of an answer; of those that say the same the first.

    Args:
        context: What the model was given.
        answer: What it answered, in the right form; ids and quotes may still be wrong.
        ontology: Which types an object can have.
    """
    candidates = {each.entity_id: each for each in context.candidates}
    found: dict[tuple[str, str, bool], CandidateFact] = {}
    for each in answer.facts:
        if isinstance(each.object, KnownObject):
            fact = _known(context, each, each.object.id, candidates, ontology)
        else:
            fact = _new(context, each)
        said = (fact.relation, fact.object_id or name_key(fact.object_name), fact.negated)
        found.setdefault(said, fact)
    return tuple(found.values())


def _known(
    context: Context,
    answered: AnsweredFact,
    identifier: str,
    candidates: dict[str, Candidate],
    ontology: Ontology,
) -> CandidateFact:
    chosen = candidates.get(identifier)
    return CandidateFact(
        relation=answered.relation,
        object_name=chosen.name if chosen else identifier,
        quote=answered.quote,
        start=None,
        end=None,
        confidence=PRIORS["llm"],
        object_id=identifier,
        object_type=chosen.entity_type if chosen else None,
        negated=answered.denied,
        margin=link_margin(chosen, context, ontology.relations[answered.relation].range)
        if chosen
        else 0.0,
    )


def _new(context: Context, answered: AnsweredFact) -> CandidateFact:
    proposed = answered.object
    assert not isinstance(proposed, KnownObject)
    name = proposed.name.strip()
    text = normalise(context.text).casefold()
    # "The novel of the same name" names it by the subject's name.
    own = {name_key(each) for each in (context.name, *context.alternate_names)}
    named = normalise(name).casefold() in text or name_key(name) in own
    return CandidateFact(
        relation=answered.relation,
        object_name=name,
        quote=answered.quote,
        start=None,
        end=None,
        confidence=PRIORS["llm"],
        object_type=proposed.type,
        object_year=proposed.year,
        negated=answered.denied,
        problem=None if named else NOT_NAMED,
        new=True,
    )


def link_margin(chosen: Candidate, context: Context, kinds: frozenset[str]) -> float:
    """Return the lead of a chosen candidate over the others, from names alone.

    Args:
        chosen: The one that the model chose.
        context: The text and all candidates.
        kinds: Types that the object can have.

    Returns:
        1 where the text names it and no other candidate of these types has the name; less else.
    """
    if chosen.retrieved:
        return UNNAMED_MARGIN
    names = _keys(chosen)
    rivals = [
        each
        for each in context.candidates
        if each.entity_id not in (chosen.entity_id, context.entity_id)
        and each.entity_type in kinds
        and not each.retrieved
        and names & _keys(each)
    ]
    return RIVAL_MARGIN if rivals else 1.0


def _keys(candidate: Candidate) -> set[str]:
    return set(name_keys(candidate.entity_type, [candidate.name, *candidate.names]))
