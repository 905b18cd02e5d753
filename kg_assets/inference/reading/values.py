"""Dates and sums of money as texts write them."""

from __future__ import annotations

import re

from kg_assets.inference.reading.words import MONTHS

_MONTH = rf"(?P<month>{'|'.join(MONTHS)})"

DATE = (
    rf"(?:{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>(?:18|19|20)\d\d)\b|"
    rf"(?P<day2>\d{{1,2}})(?:st|nd|rd|th)? (?P<month2>{'|'.join(MONTHS)}),? (?P<year2>(?:18|19|20)\d\d)\b|"
    rf"(?P<month3>{'|'.join(MONTHS)})(?: of)?,? (?P<year3>(?:18|19|20)\d\d)\b|"
    r"(?P<year4>(?:18|19|20)\d\d)\b(?!-\w))"
)
"""A date: a day, a month or a year."""

MONEY = (
    r"(?:(?:US|A|C|CA|HK|NZ|NT|R)?[$€£¥₹₩]\s?\d(?:[\d,.]*\d)?(?:[ -](?:million|billion|thousand|crore|lakh))?|"
    r"(?:₹|Rs\.?|INR|DM|SEK|NOK|DKK|CHF|USD|EUR|GBP|JPY)\s?\d(?:[\d,.]*\d)?(?: (?:million|billion|crore|lakh))?|"
    r"\d(?:[\d,.]*\d)?(?: (?:million|billion|crore|lakh|thousand))?(?: (?:US |Hong Kong |Canadian |Australian )?"
    r"(?:dollars|pounds|euros|yen|rupees|won|yuan|rubles|roubles|francs|marks|lire|lira|pesos|kronor|"
    r"kroner|crowns))|\d[\d,.]* (?:million|crore|lakh))"
)
"""A sum of money."""

_DATE = re.compile(DATE)


def date_name(match: re.Match[str]) -> str:
    """Write a date as the knowledge graph does: "07 March 2006", "March 2006" or "2006"."""
    found = match.groupdict()
    if found["day"]:
        return f"{int(found['day']):02d} {found['month']} {found['year']}"
    if found["day2"]:
        return f"{int(found['day2']):02d} {found['month2']} {found['year2']}"
    if found["month3"]:
        return f"{found['month3']} {found['year3']}"
    return str(found["year4"])


def date_at(text: str, position: int) -> re.Match[str] | None:
    """Read a date at a position."""
    return _DATE.match(text, position)
