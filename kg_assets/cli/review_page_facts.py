"""A fact as a section of the page of `kg review`."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from kg_assets.cli.fields import shortened
from kg_assets.cli.render import plain
from kg_assets.cli.review_facts import line_of, words_of
from kg_assets.inference.review.log import FACTS
from ontology.schema import load_ontology

if TYPE_CHECKING:
    from kg_assets.inference.review.shown import FactAsked, FactShown, Told


def fact_section(place: int, asked: FactAsked, found: FactShown) -> str:
    """Make the section of a fact.

    Args:
        place: Its place on the page, from 1.
        asked: The question.
        found: What is shown of it.
    """
    fact = found.fact
    line = json.dumps({"kind": FACTS.name, **line_of(asked, found)})
    told = _told(fact)
    for rival in found.rivals:
        told += f"<h3>Against it</h3>{_told(rival, kind='rival')}"
    return (
        f'<section data-kind="fact" data-line="{escape(line)}"{"" if place == 1 else " hidden"}>'
        f'<div class="title"><h2>{place}. a fact about a {_text(asked.entity_type)}</h2>'
        '<span>asked because: <span class="reason">'
        f"{_text(shortened(asked.reason))}</span></span></div>{told}"
        f"{_correction(place, asked, found)}"
        '<div class="choose">'
        + "".join(
            f'<button type="button" data-verdict="{verdict}" aria-pressed="false">'
            f"{verdict.capitalize()}<kbd>{verdict[0]}</kbd></button>"
            for verdict in ("accept", "correct", "reject")
        )
        + '<button type="button" data-act="next">Skip<kbd>n</kbd></button>'
        '<button type="button" data-act="undo">Undo<kbd>z</kbd></button>'
        '<input class="why" maxlength="4000" aria-label="why" placeholder="why (key w)">'
        "</div></section>"
    )


def _text(value: object) -> str:
    return escape(plain(value))


def _told(told: Told, kind: str = "asked") -> str:
    relation = load_ontology().relations.get(told.relation)
    meaning = "" if relation is None else relation.definition
    denied = "denied: " if told.negated else ""
    state = told.status if told.why is None else f"{told.status}: {told.why}"
    rows = (
        ("subject", f"<bdi>{_text(shortened(words_of(told.subject)))}</bdi>"),
        (
            "relation",
            f"<strong>{_text(denied + told.relation)}</strong> "
            f'<span class="faint">{_text(meaning)}</span>',
        ),
        ("object", f"<bdi>{_text(shortened(words_of(told.object)))}</bdi>"),
        (
            "text",
            f'<bdi class="passage">{_text(told.before)}<mark>{_text(told.quote)}</mark>'
            f"{_text(told.after)}</bdi>",
        ),
        (
            "found by",
            f"{_text(told.extractor)}, confidence {told.confidence:.2f}, {_text(shortened(state))}",
        ),
    )
    body = "".join(f"<tr><th>{name}</th><td>{cell}</td></tr>" for name, cell in rows)
    return f'<table class="fact {kind}"><tbody>{body}</tbody></table>'


def _correction(place: int, asked: FactAsked, found: FactShown) -> str:
    """The inputs of a correction: another relation, another object by choice, id or name."""
    options = "".join(
        f'<option value="{escape(each.name)}"'
        f"{' selected' if each.name == found.fact.relation else ''}>{escape(each.name)}</option>"
        for each in load_ontology().inferred_for(asked.entity_type)
    )
    candidates = "".join(
        f'<option value="{escape(each.record or "")}">{_text(shortened(words_of(each)))}</option>'
        for each in found.candidates
        if each.record is not None
    )
    return (
        '<div class="correct"><label>the text says '
        f'<select class="relation" aria-label="relation">{options}</select></label> '
        f'<input class="object" list="objects-{place}" maxlength="500" aria-label="object" '
        f'placeholder="{escape(plain(found.fact.object.name)[:80])}, or an id, a name, '
        f'+type name (key o)"><datalist id="objects-{place}">{candidates}</datalist></div>'
    )
