"""SQL for the values of properties of Wikidata: of the statements that count, each by its type."""

from __future__ import annotations

from collections.abc import Mapping


def best(name: str) -> str:
    """SQL for the statements of a property that count."""
    statements = f"claims.{name}"
    return f"""CASE
        WHEN list_contains(list_transform({statements}, lambda one: one.rank), 'preferred')
        THEN list_filter({statements}, lambda one: one.rank = 'preferred')
        ELSE list_filter({statements}, lambda one: coalesce(one.rank, 'normal') = 'normal')
    END"""


def values(name: str, part: str = "") -> str:
    """SQL for the values of a property, in the order of its statements."""
    return f"""list_filter(
        list_transform({best(name)}, lambda one: one.mainsnak.datavalue.value{part}),
        lambda value: value IS NOT NULL
    )"""


def ids(name: str) -> str:
    """SQL for the items that a property leads to."""
    return values(name, ".id")


def years(*names: str) -> str:
    """SQL for the first of the properties that tells a year, and the least year that it tells."""
    told = [
        f"""list_min(list_transform(
            list_filter(
                {values(name)},
                -- 9 is a year, 10 a month, 11 a day; what is less is a decade or a century.
                lambda value: value.precision >= 9
            ),
            lambda value: TRY_CAST(regexp_extract(value.time, '^([+-]\\d+)-', 1) AS INTEGER)
        ))"""
        for name in names
    ]
    return f"coalesce({', '.join(told)})"


def day(name: str) -> str:
    """SQL for the earliest day that a property tells."""
    return f"""list_min(list_transform(
        list_filter({values(name)}, lambda value: value.precision >= 11),
        lambda value: TRY_CAST(
            regexp_extract(value.time, '^\\+0*(\\d{{4}}-\\d\\d-\\d\\d)T', 1) AS DATE
        )
    ))"""


def ordinal(qualifiers: str) -> str:
    """SQL for the number that a statement has in a series (P1545)."""
    return f"TRY_CAST({qualifiers}.P1545[1].datavalue.value AS INTEGER)"


def label(languages: tuple[str, ...]) -> str:
    """SQL for the label in the first of the languages that has one."""
    labels = ", ".join(f'clean_text(labels."{language}".value)' for language in languages)
    return f"coalesce({labels})"


def listed(names: tuple[str, ...]) -> str:
    """SQL for a list of texts of our own."""
    return "[" + ", ".join(f"'{one}'" for one in names) + "]"


def known(name: str, table: Mapping[str, str]) -> str:
    """SQL for what the adapter itself knows an item as, null for all others."""
    items, codes = listed(tuple(table)), listed(tuple(table.values()))
    return f"{codes}[list_position({items}, {name})]"
