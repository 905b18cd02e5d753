"""Readers of companies: lists in which companies and people stand together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kg_assets.inference.reading.patterns import Pattern
from kg_assets.inference.reading.proposals import Proposal
from kg_assets.inference.reading.spans import TOKEN, is_company, is_people
from kg_assets.inference.reading.traits import left, shape
from kg_assets.inference.reading.view import View
from kg_assets.inference.wordlists import listed

_COMPANY_NAME = re.compile(
    rf"(?:[Tt]he (?:[a-z-]+ )?)?(?P<name>(?:\d+(?:th|st|nd|rd)? )?{TOKEN}(?:(?: (?:of|de|&|and the|[Ee])(?= ))?[ -]?(?: ?(?:{TOKEN}|\d[\w°]*)))*)"
)

_NO_COMPANY = re.compile(
    r"\b(?:Festival|Lists?|Outstanding|Awards?|Best|Review|Museum|University|Academy|Prize|Oscar)\b"
)

_LIMITED = re.compile(r",? (?:Ltd|Inc|Co|LLC|Limited|GmbH)\.?$")

_COMPANY_GAP = re.compile(
    r"[\s\x02]*(?:,? and (?:by )?|, (?:and |in association with |with )?|,? in (?:association|collaboration|cooperation|conjunction) with |"
    r"/|; |,? with | & |-(?=[A-Z]))(?:the )?(?:by )?"
)

_BARE = frozenset(
    listed(
        """
Inc Ltd LLC Co Animation Films Film Pictures Productions Studio Studios Company
"""
    )
)
_OWNED = re.compile(r"['’]s (?=[A-Z])")
_EMPLOYER = re.compile(r" (?:of|for|at) (?:the )?")


def companies(view: View, pattern: Pattern, match: re.Match[str]) -> Iterator[Proposal]:
    """Propose the companies after words such as "produced by"."""
    text, position = view.plain, match.end()
    around = left(view, match.start())
    found: list[tuple[int, int, str]] = []
    for _ in range(10):
        item = _COMPANY_NAME.match(text, position)
        if item is None:
            break
        start, end = item.span("name")
        name = item["name"]
        if name.startswith("The ") and not is_company(name[4:].split(" ")[0]):
            start, name = start + 4, name[4:]
        if limited := _LIMITED.search(name):
            end, name = start + limited.start(), name[: limited.start()]
        found.append((start, end, name))
        owned = _OWNED.match(text, end)
        gap = _COMPANY_GAP.match(text, item.end("name"))
        if owned:
            found.pop()
            position = owned.end()
        elif gap:
            position = gap.end()
        else:
            break
    any_company = any(is_company(name) for *_, name in found)
    for at, (start, end, name) in enumerate(found):
        if is_people(name) or _NO_COMPANY.search(name) or name.rstrip(".") in _BARE:
            continue
        if not any_company and " " in name:
            continue
        mates = "with companies" if any_company else "alone"
        yield Proposal(
            pattern.relation,
            start,
            end,
            name,
            pattern.key,
            (*shape(name), *around, mates, f"place={min(at, 3)}"),
        )
        after = _EMPLOYER.match(text, end)
        if after and not is_company(name):
            item = _COMPANY_NAME.match(text, after.end())
            if item and is_company(item["name"]):
                yield Proposal(
                    pattern.relation,
                    *item.span("name"),
                    item["name"],
                    "person of company",
                    (*shape(item["name"]), *around),
                )
