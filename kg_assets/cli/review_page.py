"""The review queue as one self-contained page, whose choices are saved as a judgements file."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg_assets.cli.explain import steps_of
from kg_assets.cli.fields import LONGEST, fields_of, shortened
from kg_assets.cli.render import plain, shown
from kg_assets.cli.review_page_facts import fact_section
from kg_assets.inference.review.shown import FactAsked
from kg_assets.matching.thresholds import weight_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from kg_assets.cli.review_pairs import Asked
    from kg_assets.matching.explain import Explanation

_STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

_WIDTH, _HEIGHT = 1000, 30
"""Units of a bar's drawing, which is stretched to the column."""

_WORD = re.compile(r"\w+|\W+")


def page_of(questions: Iterable[tuple[Any, Any]]) -> str:
    """Make the page; it loads nothing, and runs no script but its own.

    Args:
        questions: Pairs (`Asked` with `Explanation`) and facts (`FactAsked` with `FactShown`) in
            the order in which they are asked.
    """
    policy = (
        f"default-src 'none'; script-src '{_hash(_SCRIPT)}'; style-src '{_hash(_STYLE)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    sections = [
        fact_section(place, *each) if isinstance(each[0], FactAsked) else _section(place, *each)
        for place, each in enumerate(questions, start=1)
    ]
    body = "".join(sections)
    # The browser keeps choices by this name, so those of another queue are never taken for them.
    queue = hashlib.sha256(body.encode()).hexdigest()[:16]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Review of {len(sections):,} questions</title><style>{_STYLE}</style></head>"
        f'<body data-queue="{queue}"><header><div><h1>Review</h1>'
        f'<span id="at" class="faint"></span><span class="grow"><progress id="done" value="0" '
        f'max="{max(1, len(sections))}"></progress></span><span id="counts"></span>'
        '<label>by <input id="who" maxlength="200" placeholder="your name"></label>'
        '<button type="button" data-act="save" class="primary">Save the judgements</button>'
        f'<span id="unsaved" role="status"></span></div></header><main>{body}'
        '<div id="end" hidden><h2>That was the last question.</h2><p><span id="left"></span> '
        "questions are left without a judgement. Save the file, and then:</p>"
        "<p><code>kg judge import judgements.jsonl</code></p><p>"
        '<button type="button" data-act="back">Back<kbd>p</kbd></button> '
        '<button type="button" data-act="undo">Undo<kbd>z</kbd></button></p></div>'
        "<noscript><p>Judging needs the script of this page.</p></noscript></main>"
        f"<script>{_SCRIPT}</script></body></html>\n"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(value: object) -> str:
    return escape(plain(value))


def _section(place: int, asked: Asked, found: Explanation) -> str:
    fields = "".join(_field(*field) for field in fields_of(found))
    vetoes = "".join(f"<p>Veto: {_text(text)}</p>" for text in found.vetoes.values())
    clusters = "".join(f"<p>Cluster {_text(each.words)}</p>" for each in asked.clusters)
    choices = "".join(
        f'<button type="button" data-verdict="{verdict}" aria-pressed="false">'
        f"{verdict.capitalize()}<kbd>{verdict[0]}</kbd></button>"
        for verdict in ("same", "different", "unsure")
    )
    return (
        f'<section data-kind="pair" data-type="{escape(asked.entity_type)}" '
        f'data-l="{escape(asked.record_l)}" '
        f'data-r="{escape(asked.record_r)}"{"" if place == 1 else " hidden"}>'
        f'<div class="title"><h2>{place}. {_text(asked.entity_type)}</h2>'
        '<span>asked because: <span class="reason">'
        f"{_text(shortened(asked.reason))}</span></span></div>"
        f'{vetoes}<table class="fields"><thead><tr><th></th>'
        f"<th>{_text(shortened(asked.record_l))}</th><th>{_text(shortened(asked.record_r))}</th>"
        f"</tr></thead><tbody>{fields}</tbody></table>{_weights(found)}{clusters}"
        f'<div class="choose">{choices}'
        '<button type="button" data-act="next">Skip<kbd>n</kbd></button>'
        '<button type="button" data-act="undo">Undo<kbd>z</kbd></button>'
        '<input class="why" maxlength="4000" aria-label="why" placeholder="why (key w)">'
        "</div></section>"
    )


def _field(name: str, left: object, right: object) -> str:
    kind = "" if left == right else ' class="differs"'
    both = ((left, right), (right, left))
    sides = "".join(f"<td>{_side(one, other)}</td>" for one, other in both)
    return f"<tr{kind}><th>{_text(name.replace('_', ' '))}</th>{sides}</tr>"


def _side(value: object, other: object) -> str:
    """A value in which what the other side does not have is marked."""
    if value is None or value == []:
        return '<span class="absent"></span>'
    if isinstance(value, list | tuple):
        others = {shown(each) for each in other} if isinstance(other, list | tuple) else set()
        return _marked_list(value, others)
    text = shortened(value)
    if other is None or value == other:
        return f"<bdi>{_text(text)}</bdi>"
    others = {word.casefold() for word in _WORD.findall(shown(other)[:LONGEST])}
    words = [
        _text(word) if word.casefold() in others or not word.strip() else _mark(_text(word))
        for word in _WORD.findall(text)
    ]
    return f"<bdi>{''.join(words)}</bdi>"


def _mark(html: str) -> str:
    return f"<mark>{html}</mark>"


def _marked_list(values: Iterable[object], other: Collection[str]) -> str:
    """Items of a list, as many as are read, with those marked that only this side has."""
    items, length = [], 0
    texts = [shown(value) for value in values]
    for text in texts:
        if length > LONGEST:
            items.append(f"… ({len(texts):,} in all)")
            break
        length += len(text)
        item = f"<bdi>{_text(shortened(text))}</bdi>"
        items.append(item if text in other or not other else _mark(item))
    return ", ".join(items)


def _weights(found: Explanation) -> str:
    """The waterfall: each weight as a bar from where the sum before it ended."""
    steps = steps_of(found)
    sums = [0.0]
    for _, _, weight in steps:
        sums.append(sums[-1] + weight)
    threshold = weight_of(found.threshold)
    low, high = min(*sums, threshold, 0.0), max(*sums, threshold, 0.0)
    # A little room, so that no bar ends at the edge.
    low, high = low - 0.03 * (high - low) - 0.1, high + 0.03 * (high - low) + 0.1

    def across(weight: float) -> float:
        return round((weight - low) / (high - low) * _WIDTH, 1)

    def line(kind: str, at: float) -> str:
        return f'<line class="{kind}" x1="{at}" x2="{at}" y1="0" y2="{_HEIGHT}"/>'

    def bar(kind: str, start: float, end: float) -> str:
        first, last = sorted((across(start), across(end)))
        width = max(2.0, last - first) if start != end else 0.0
        return (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
            f"{line('zero', across(0.0))}{line('threshold', across(threshold))}"
            f"{line('from', across(start))}"
            f'<rect class="{kind}" x="{first}" y="7" width="{width:.1f}" '
            f'height="{_HEIGHT - 14}"/></svg>'
        )

    rows = "".join(
        f"<tr><th>{_text(name)}</th><td>{weight:+.2f}</td>"
        f"<td>{bar('for' if weight >= 0 else 'against', sums[at], sums[at + 1])}</td>"
        f"<td>{_text(level)}</td></tr>"
        for at, (name, level, weight) in enumerate(steps)
    )
    verdict = "above" if found.match_probability >= found.threshold else "under"
    return (
        '<table class="weights"><thead><tr><th class="faint">comparison</th>'
        '<th class="faint">bits</th><th class="faint">against · for</th>'
        f'<th class="faint">level</th></tr></thead><tbody>{rows}'
        f'<tr class="total"><th>total</th><td>{found.match_weight:+.2f}</td>'
        f"<td>{bar('sum', 0.0, found.match_weight)}</td>"
        f"<td>probability {found.match_probability:.4f}, {verdict} the threshold "
        f'{found.threshold:.4f} <span class="key"></span></td></tr></tbody></table>'
    )
