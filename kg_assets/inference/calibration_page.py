"""The reliability curve as a page of its own: before and after the fit, with intervals."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kg_assets.inference.calibration import Calibration
    from kg_assets.inference.confidence import Bin

_SIZE, _EDGE = 360, 46
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem;
  color: #1d1f21; background: #fff; }
.curves { display: flex; flex-wrap: wrap; gap: 2rem; }
figure { margin: 0; } figcaption { font-weight: 600; margin-bottom: .3rem; }
svg text { font: 11px system-ui, sans-serif; fill: #6a6d70; }
.axis { stroke: #bbb; } .even { stroke: #999; stroke-dasharray: 4 4; }
.spread { stroke: #3b5b92; } .line { fill: none; stroke: #3b5b92; stroke-width: 1.5; }
.dot { fill: #3b5b92; fill-opacity: .75; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: right; padding: .15rem .8rem; border-top: 1px solid #ddd; }
th:first-child { text-align: left; }
"""


def page_of(found: Calibration, title: str, lines: Sequence[str]) -> str:
    """Make the page; it reads nothing from a network and runs no script.

    Args:
        found: The fit.
        title: Heading.
        lines: Paragraphs under it, plain text.
    """
    text = "".join(f"<p>{escape(line)}</p>" for line in lines)
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{value:.3f}</td><td>{asdict(found.after)[name]:.3f}</td>"
        "</tr>"
        for name, value in asdict(found.before).items()
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p>{found.facts:,} facts of {found.documents:,} texts, of which "
        f"{found.right:,} hold. Expected calibration error {found.error_before:.3f} before, "
        f"{found.error_after:.3f} after; mean log loss {found.loss_before:.3f} before, "
        f"{found.loss_after:.3f} after. After: each fact is judged by weights that were fitted "
        "without its text.</p>"
        f'{text}<div class="curves">{_figure("Before", found.curve_before)}'
        f"{_figure('After, cross-validated by text', found.curve_after)}</div>"
        "<p>Each dot is as many facts, or more where their confidence is the same; the line "
        "through it is the 95 % interval (Wilson) of the share that holds. On the dashed line "
        "confidence is true.</p>"
        "<table><thead><tr><th>weight</th><th>before</th><th>after</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></body></html>\n"
    )


def svg_of(curve: Sequence[Bin]) -> str:
    """Draw a reliability curve: confidence to the right, the share that holds upwards."""
    whole = _SIZE + 2 * _EDGE

    def across(share: float) -> float:
        return round(_EDGE + share * _SIZE, 1)

    def up(share: float) -> float:
        return round(_EDGE + (1 - share) * _SIZE, 1)

    ticks = "".join(
        f'<text x="{across(at)}" y="{up(0) + 16}" text-anchor="middle">{at:.1f}</text>'
        f'<text x="{across(0) - 8}" y="{up(at) + 4}" text-anchor="end">{at:.1f}</text>'
        for at in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    )
    points = " ".join(f"{across(each.confidence)},{up(each.correct)}" for each in curve)
    marks = "".join(
        f'<line class="spread" x1="{across(each.confidence)}" x2="{across(each.confidence)}" '
        f'y1="{up(each.low)}" y2="{up(each.high)}"/>'
        f'<circle class="dot" cx="{across(each.confidence)}" cy="{up(each.correct)}" r="5">'
        f"<title>{each.facts} facts: confidence {each.confidence:.3f}, {each.correct:.3f} hold"
        "</title></circle>"
        for each in curve
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{whole}" '
        f'viewBox="0 0 {whole} {whole}" role="img" aria-label="reliability curve">'
        f'<path class="axis" fill="none" d="M{across(0)},{up(1)}V{up(0)}H{across(1)}"/>'
        f'<line class="even" x1="{across(0)}" y1="{up(0)}" x2="{across(1)}" y2="{up(1)}"/>'
        f'{ticks}<text x="{across(0.5)}" y="{whole - 8}" text-anchor="middle">confidence</text>'
        f'<text x="12" y="{up(0.5)}" text-anchor="middle" transform="rotate(-90 12 {up(0.5)})">'
        f'share that holds</text><polyline class="line" points="{points}"/>{marks}</svg>'
    )


def _figure(caption: str, curve: Sequence[Bin]) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{svg_of(curve)}</figure>"
