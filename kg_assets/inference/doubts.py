"""The words with which a text denies, doubts or weakens what it states."""

from __future__ import annotations

import re

_NEGATION = re.compile(
    r"\b(?:not(?!\s+(?:only|just|merely|simply|solely|until))|never|no(?!\s+longer)|nor|neither|"
    r"without|hardly|far\s+from|den(?:y|ies|ied|ying)|rather\s+than|instead\s+of|unrelated|cannot|"
    r"nothing\s+to\s+do\s+with|(?:is|was|did|does|has|had|were|would)n['’]t)\b",
)
"""Words that deny what follows in their clause; "not only" does not."""

_HEDGE = re.compile(
    r"\b(?:rumou?r(?:ed|s)?|reported(?:ly)?|alleged(?:ly)?|suppos(?:ed|edly)|purported(?:ly)?|"
    r"said|believed|thought|considered|regarded|claim(?:ed|s)?|arguabl[ey]|perhaps|possibly|"
    r"probably|apparently|maybe|may(?=\s+(?:be|have|also))|might|could|would(?!\s+(?:become|"
    r"mark|begin|launch|start|later))|(?:seen|viewed|described|advertised|marketed|billed|promoted|"
    r"mistaken|sold|taken|passed\s+off|announced|pitched|proposed|planned|intended|conceived|"
    r"envisioned|meant)\s+(?:\w+\s+)?"
    r"(?:as|for|to\s+be)|(?:called|dubbed|label+ed|termed|deemed)\s+(?:it\s+)?(?:a|an|the)|"
    r"spiritual|(?:unofficial(?:ly)?|unauthori[sz]ed)(?!\s+(?:and\s+\w+\s+)?(?:adaptation|remake|version|"
    r"film)\b)|thematic|informal|planned|intended|proposed|"
    r"speculat\w+|suggest\w*|hint\w*|so-called|parody|spoof|whether|hope[sd]|wanted|wants|"
    r"cancel+ed|unproduced|unmade|abandoned|accused|resembl\w+|similar|homage(?!\s+sequel)|tribute|"
    r"(?:looks?|feels?|plays?|reads?|works?)\s+like|some\s+(?:say|have|call)|"
    r"in\s+the\s+(?:style|spirit|vein|tradition)|as\s+if|attempts?|seems?|appears?\s+to)\b",
)
"""Words with which a text reports, doubts or only compares. What is "loosely" or "partly based on"
something is still said to be based on it, and is no hedge."""

LOOSELY = re.compile(r"\b(?:loose(?:ly)?|partly|partially|in\s+part|free(?:ly)?)\b", re.IGNORECASE)
"""Words that make a fact weaker and leave it one."""


def denies(text: str) -> bool:
    """Whether a text has words that deny what follows them."""
    return _NEGATION.search(text.lower()) is not None


def hedges(text: str) -> bool:
    """Whether a text has words that only report, doubt or compare."""
    return _HEDGE.search(text.lower()) is not None
