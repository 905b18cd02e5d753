"""The real data of the demonstration: where the files lie, and labels made from IMDb ids."""

from __future__ import annotations

import importlib.util
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

_FILES = {
    "wikidata_films": ("bokeh_sampledata", "_data/movies.db"),
    "cannes_films": ("great_tables", "data/09-films.csv"),
}
"""Source to the package that ships its file, and the file's path in the package."""

EXAMPLES = Path(__file__).parents[2] / "examples" / "stories"
"""Records and documents of our own, in the source tree."""


class DemoDataError(Exception):
    """The data of the demonstration are not installed."""


def demo_files() -> dict[str, list[Path]]:
    """The files of the demonstration by source, ready to be landed.

    The packages are looked up and not imported: importing great_tables alone takes seconds.

    Raises:
        DemoDataError: A package is not installed, or does not hold the file.
    """
    files = {source: [_packaged(*place)] for source, place in _FILES.items()}
    # Tables beside them hold labels, which are no part of the delivery.
    stories = sorted(path for suffix in ("json", "jsonl") for path in EXAMPLES.glob(f"*.{suffix}"))
    if stories:
        files["stories"] = stories
    return files


def _packaged(package: str, inside: str) -> Path:
    advice = "install the extra `demo`: pip install 'dramatis[demo]'"
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise DemoDataError(f"the package {package} is not installed; {advice}")
    path = Path(spec.origin).parent / inside
    if not path.is_file():
        raise DemoDataError(
            f"the package {package} is installed and does not hold {inside}; {advice}, which pins "
            "a release that does"
        )
    return path


def imdb_links(records: duckdb.DuckDBPyRelation) -> list[tuple[str, str]]:
    """Pairs of film records of two sources that are the same film, by IMDb id.

    Args:
        records: Rows of source_records of all sources.

    Returns:
        Pairs of ``source:source_id``, each and all in order. Pairs within one source are left out:
        Wikidata gives two cuts of one film the id of one (Apocalypse Now and its Redux).
    """
    return _rows(
        records,
        """
        WITH labelled AS (
            SELECT source, source || ':' || source_id AS record, external_ids['imdb'] AS imdb
            FROM records
            WHERE entity_type = 'film'
              AND external_ids['imdb'] IS NOT NULL
        )
        SELECT least(l.record, r.record), greatest(l.record, r.record)
        FROM labelled AS l
        JOIN labelled AS r
          ON l.imdb = r.imdb
         AND l.source < r.source
        ORDER BY ALL
        """,
    )


def director_links(records: duckdb.DuckDBPyRelation) -> list[tuple[str, str]]:
    """Pairs of person records that are the same director, by films that share an IMDb id.

    Where both records of a film name one director these two are a pair. Where both name the same
    number of them, they are paired one to one within the film: the two names that have most
    words in common (Jaccard similarity of their folded words without accents, in any order)
    first, then the best of those that are left, equal ones by name. Films whose records name
    different numbers of directors are left out: which of them has no counterpart is not known.

    Args:
        records: Rows of source_records of all sources, with ``credits[].person_id``.

    Returns:
        Pairs of ``source:source_id`` of person records of two sources, each and all in order.
    """
    directors = _rows(
        records,
        """
        WITH directed AS (
            SELECT source, source_id, external_ids['imdb'] AS imdb,
                   unnest(list_filter(credits, lambda credit: credit.role = 'director')) AS credit
            FROM records
            WHERE entity_type = 'film'
              AND external_ids['imdb'] IS NOT NULL
        ),
        named AS (
            SELECT DISTINCT source, source_id, imdb,
                   source || ':' || credit.person_id AS person,
                   list_distinct(list_filter(
                       regexp_split_to_array(
                           lower(strip_accents(credit.name)), '[^\\pL\\pN]+'
                       ),
                       lambda word: word <> ''
                   )) AS words
            FROM directed
        ),
        counted AS (
            SELECT *, count(*) OVER (PARTITION BY source, source_id) AS directors
            FROM named
        )
        SELECT l.source || ':' || l.source_id || ' ' || r.source || ':' || r.source_id AS film,
               l.person AS person_l,
               r.person AS person_r
        FROM counted AS l
        JOIN counted AS r
          ON l.imdb = r.imdb
         AND l.source < r.source
         AND l.directors = r.directors
        ORDER BY film,
                 len(list_intersect(l.words, r.words))
                     / greatest(1, len(list_distinct(list_concat(l.words, r.words)))) DESC,
                 person_l,
                 person_r
        """,
    )
    pairs: set[tuple[str, str]] = set()
    film: str | None = None
    taken: set[str] = set()
    for row_film, left, right in directors:
        if row_film != film:
            film, taken = row_film, set()
        if left not in taken and right not in taken:
            taken |= {left, right}
            pairs.add((min(left, right), max(left, right)))
    return sorted(pairs)


def same_director_links(records: duckdb.DuckDBPyRelation) -> list[tuple[str, str]]:
    """All pairs of labelled director records that are the same person, across films.

    The pairs of `director_links`, closed over films: records of one source with the same words in
    their name are one person, which holds as far as two directors of one name do not both have a
    film among the labelled ones. With these links every pair of labelled records of two sources
    can be judged, not only those within a film.

    Args:
        records: Rows of source_records of all sources, with ``credits[].person_id``.

    Returns:
        Pairs of ``source:source_id`` of person records of two sources, each and all in order.
    """
    pairs = director_links(records)
    named = _rows(
        records,
        """
        WITH credited AS (
            SELECT source, unnest(credits) AS credit
            FROM records
            WHERE entity_type = 'film'
        )
        SELECT DISTINCT
            source || ':' || credit.person_id AS person,
            source || ' ' || array_to_string(
                list_sort(
                    regexp_split_to_array(lower(strip_accents(credit.name)), '[^\\pL\\pN]+')
                ),
                ' '
            ) AS named
        FROM credited
        """,
    )
    labelled = {person for pair in pairs for person in pair}
    name = {person: text for person, text in named if person in labelled}
    leader = {text: text for text in name.values()}

    def lead(text: str) -> str:
        while leader[text] != text:
            text = leader[text]
        return text

    for left, right in pairs:
        first, second = sorted((lead(name[left]), lead(name[right])))
        leader[second] = first
    people: dict[str, list[str]] = {}
    for person in sorted(labelled):
        people.setdefault(lead(name[person]), []).append(person)
    return sorted(
        (left, right)
        for same in people.values()
        for left, right in combinations(same, 2)
        if left.partition(":")[0] != right.partition(":")[0]
    )


def _rows(records: duckdb.DuckDBPyRelation, query: str) -> list[Any]:
    answer = records.query("records", query)
    if answer is None:
        raise TypeError("a statement without rows")
    return answer.fetchall()
