"""The review queue as one self-contained page, whose choices are saved as a judgements file."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING

from kg_assets.cli.explain import fields_of, steps_of
from kg_assets.cli.render import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kg_assets.cli.review import Asked
    from kg_assets.matching.explain import Explanation

_HALF = 100
"""Pixels on either side of a bar's zero."""

_STYLE = """
body { font: 15px/1.4 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; }
section { border-top: 2px solid #888; padding: 1em 0; }
table { border-collapse: collapse; width: 100%; margin: .5em 0; }
td, th { border: 1px solid #ddd; padding: .2em .5em; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
.differs { background: #fff3c4; }
.for { fill: #2f7d4f; } .against { fill: #b5483a; }
label { margin-right: 1em; }
"""

# Choices lie in the page, and only text of the page's attributes is written, as JSON.
_SCRIPT = """
document.getElementById("save").addEventListener("click", () => {
  const lines = [];
  for (const pair of document.querySelectorAll("section")) {
    const chosen = pair.querySelector("input[type=radio]:checked");
    if (!chosen || !chosen.value) continue;
    lines.push(JSON.stringify({
      entity_type: pair.dataset.type,
      record_l: pair.dataset.l,
      record_r: pair.dataset.r,
      verdict: chosen.value,
      why: pair.querySelector("input[type=text]").value,
      time: pair.dataset.time
    }) + "\\n");
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, {type: "application/jsonl"}));
  link.download = "judgements.jsonl";
  link.click();
});
document.addEventListener("change", event => {
  const pair = event.target.closest("section");
  if (pair) pair.dataset.time = new Date().toISOString();
});
"""


def page_of(pairs: Iterable[tuple[Asked, Explanation]]) -> str:
    """Make the page; it loads nothing, and runs no script but its own.

    Args:
        pairs: The pairs in the order in which they are asked.
    """
    policy = (
        f"default-src 'none'; script-src '{_hash(_SCRIPT)}'; style-src '{_hash(_STYLE)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    body = "".join(_section(place, *pair) for place, pair in enumerate(pairs, start=1))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        f"<title>Review</title><style>{_STYLE}</style></head><body><h1>Review</h1>"
        "<p>Choices stay in this page until they are saved. Save them before you close it, then: "
        "<code>kg judge import judgements.jsonl</code></p>"
        f'<p><button id="save" type="button">Save the judgements</button></p>{body}'
        f"<script>{_SCRIPT}</script></body></html>\n"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(value: object) -> str:
    return escape(plain(value))


def _section(place: int, asked: Asked, found: Explanation) -> str:
    fields = "".join(
        f"<tr class='{'alike' if left == right else 'differs'}'><th>{_text(name)}</th>"
        f"<td>{_text(left)}</td><td>{_text(right)}</td></tr>"
        for name, left, right in fields_of(found)
    )
    steps = [*steps_of(found), ("total", "", found.match_weight)]
    reach = max(1.0, *(abs(weight) for _, _, weight in steps))
    weights = "".join(
        f"<tr><th>{_text(name)}</th><td>{weight:+.2f}</td><td>{_bar(weight / reach)}</td>"
        f"<td>{_text(level)}</td></tr>"
        for name, level, weight in steps
    )
    choices = "".join(
        f'<label><input type="radio" name="verdict-{place}" value="{verdict}"'
        f"{'' if verdict else ' checked'}> {verdict or 'skip'}</label>"
        for verdict in ("same", "different", "unsure", "")
    )
    return (
        f'<section data-type="{escape(asked.entity_type)}" data-l="{escape(asked.record_l)}" '
        f'data-r="{escape(asked.record_r)}"><h2>{place}. {_text(asked.entity_type)}</h2>'
        f"<p>Asked because: {_text(asked.reason)}</p><table><tr><th></th>"
        f"<th>{_text(asked.record_l)}</th><th>{_text(asked.record_r)}</th></tr>{fields}</table>"
        f"<p>Match weights in bits, probability {found.match_probability:.4f}, threshold "
        f"{found.threshold:.4f}</p><table>{weights}</table>"
        f'<p>{choices}<label>why <input type="text" maxlength="4000"></label></p></section>'
    )


def _bar(share: float) -> str:
    width = abs(share) * _HALF
    start = _HALF if share >= 0 else _HALF - width
    kind = "for" if share >= 0 else "against"
    return (
        f'<svg width="{2 * _HALF}" height="12"><rect class="{kind}" x="{start:.1f}" y="1" '
        f'width="{width:.1f}" height="10"/></svg>'
    )
