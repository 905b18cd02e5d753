"""SQL macros that the adapters share: lists in one text, names of people, running times."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_SUFFIX = r",\s*((?i:jr|sr|esq|ph\.?d|m\.d)\.?|II|III|IV|\d+(?:st|nd|rd|th) \p{Lu}[^,]*)\s*(,|$)"
"""What follows a comma and is no person: Jr., III, 7th Marquess of Cholmondeley."""

_NOTE = (
    r"\s*[(\[](?i:uncredited|unconfirmed|voice|archive footage|deceased|credited as [^)\]]*|"
    r"as [^)\]]*|\d{4}\s*[-–]\s*(?:\d{4})?)[)\]]$"
)
"""Remarks in brackets after a name, life dates among them."""

_NOBODY = (
    r"^(?i:various|various (?:artists|directors|writers)|unknown|uncredited|anonymous|n/a|none|"
    r"null|others|et al\.?|and others|tba|-+|\?+|list of .*)$"
)
"""What stands in a list of names and names nobody."""

_TWO_PEOPLE = r"^\p{Lu}\S*(?:\s\S+)+ and \p{Lu}\S*(?:\s\S+)+$"
"""Two full names joined by 'and'; 'Tom Petty and the Heartbreakers' is none."""

_ARTICLES = (
    "The|A|An|Le|La|Les|L''|L’|Un|Une|Des|El|Los|Las|Una|Il|Lo|I|Gli|Der|Die|Das|Den|Det|De|Het|En|"
    "Ett|Ein|Eine|O|Os|As|Um|Uma"
)
"""Articles that catalogues write behind a title, as SQL text."""

_COMMA = "\x01"
"""Stands for a comma inside a name while the list is cut; control characters are gone by then."""

MACROS = (
    r"""
    CREATE OR REPLACE TEMP MACRO clean_text(text) AS
        nullif(trim(regexp_replace(
            nfc_normalize(text), '[\pZ\p{Cc}]+', ' ', 'g'
        )), '')
    """,
    # The outer list binds the items once: a macro's argument that stands inside a lambda twice is
    # computed anew for each element.
    """
    CREATE OR REPLACE TEMP MACRO first_of_each(given) AS
        list_transform(
            [given],
            lambda items: list_filter(
                items, lambda item, place: list_position(items, item) = place
            )
        )[1]
    """,
    r"""
    CREATE OR REPLACE TEMP MACRO split_list(text) AS
        first_of_each(list_filter(
            list_transform(string_split(text, ','), lambda item: clean_text(item)),
            lambda item: item IS NOT NULL
        ))
    """,
    f"""
    CREATE OR REPLACE TEMP MACRO cut_names(text) AS
        list_transform(
            string_split(
                regexp_replace(clean_text(text), '{_SUFFIX}', '{_COMMA} \\1\\2', 'g'),
                ','
            ),
            lambda item: clean_text(
                regexp_replace(replace(item, '{_COMMA}', ','), '{_NOTE}', '')
            )
        )
    """,
    f"""
    CREATE OR REPLACE TEMP MACRO split_names(text) AS
        first_of_each(list_filter(
            flatten(list_transform(
                cut_names(text),
                lambda item: CASE
                    WHEN item IS NULL THEN []::VARCHAR[]
                    WHEN regexp_matches(item, '{_TWO_PEOPLE}') THEN string_split(item, ' and ')
                    ELSE [item]
                END
            )),
            lambda item: NOT regexp_matches(item, '{_NOBODY}')
        ))
    """,
    """
    CREATE OR REPLACE TEMP MACRO credits_of(text, role) AS
        list_transform(
            split_names(text),
            lambda item, place: {
                'name': item,
                'person_id': NULL::VARCHAR,
                'role': role,
                'character': NULL::VARCHAR,
                'position': place::INTEGER
            }
        )
    """,
    r"""
    CREATE OR REPLACE TEMP MACRO minutes_of(text) AS
        CASE
            WHEN regexp_full_match(text, '\s*(\d{1,3}\s*h)?\s*(\d{1,4}\s*m(in)?)?\s*')
            THEN coalesce(TRY_CAST(regexp_extract(text, '(\d+)\s*h', 1) AS DOUBLE) * 60, 0)
               + coalesce(TRY_CAST(regexp_extract(text, '(\d+)\s*m', 1) AS DOUBLE), 0)
            ELSE TRY_CAST(text AS DOUBLE)
        END
    """,
    # A film of one minute or of four days is a slip of the pen far more often than a film.
    """
    CREATE OR REPLACE TEMP MACRO plausible_minutes(minutes) AS
        CASE WHEN minutes BETWEEN 2 AND 1440 THEN minutes::DOUBLE END
    """,
    # What a work is also called: no empty name, no repeat, and not the one that it has already.
    """
    CREATE OR REPLACE TEMP MACRO other_names(names, own) AS
        nullif(
            first_of_each(list_filter(
                list_transform(names, lambda item: clean_text(item)),
                lambda item: item IS NOT NULL AND item IS DISTINCT FROM clean_text(own)
            )),
            []::VARCHAR[]
        )
    """,
    f"""
    CREATE OR REPLACE TEMP MACRO article_first(title) AS
        regexp_replace(
            regexp_replace(title, '^(.*\\S), ({_ARTICLES})$', '\\2 \\1'),
            '^(L|D)(''|’) ', '\\1\\2'
        )
    """,
    r"""
    CREATE OR REPLACE TEMP MACRO fold_name(name) AS
        lower(clean_text(regexp_replace(name, '\p{Cf}', '', 'g')))
    """,
)
"""Statements that make the macros, in the order in which they need each other.

* ``clean_text(text)``: NFC, one space between words, no control characters, null if empty.
* ``first_of_each(items)``: the list without repeats, in its order.
* ``split_list(text)``: items of a list with commas.
* ``split_names(text)``: people of a list with commas. What follows a comma and is no name
  ("Jr.", "7th Marquess of Cholmondeley") stays with the name before it, remarks in brackets
  go, "A B and C D" are two people, "Various" is nobody.
* ``credits_of(text, role)``: these people as credits, with their place in the list.
* ``minutes_of(text)``: '1h 46m', '106 min' or '106' as a number of minutes.
* ``plausible_minutes(minutes)``: null where it cannot be a running time.
* ``other_names(names, own)``: the names without repeats, empty ones and the own one,
  null where none is left.
* ``article_first(title)``: 'Matrix, The' as 'The Matrix'.
* ``fold_name(name)``: the name as a key: NFC, lower case, one space between words, no marks of
  direction or joining.
"""


def register_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Make the macros of `MACROS` on the connection, as temporary ones."""
    for macro in MACROS:
        con.execute(macro)
