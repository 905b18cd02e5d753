"""The labelled records of MovieGraphBenchmark as canonical JSON lines, and their links.

Two sources, ``tmdb`` and ``tvdb``, are landed like those of any user. No label is read here but by
`links`, which only the scoring calls.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_FOLDER = Path(__file__).parents[2] / "shared" / "data" / "moviegraph"
"""Where the data lie if KG_MOVIEGRAPH_DIR does not say so."""

FILES = (
    "tmdb.jsonl",
    "tvdb.jsonl",
    "tvdb_rel_triples.tsv",
    "tmdb_tvdb_links.tsv",
    "tmdb_tvdb_corrections.tsv",
)

KINDS = {
    "person": "person", "Person": "person",
    "episode": "episode", "TelevisionEpisode": "episode",
    "tvSeries": "series", "TelevisionShow": "series",
    "company": "organisation",
    "movie": "film",
}  # fmt: skip
"""Entity type by the sources' own names of types."""

ROLES = {
    "director": "director",
    "directors": "director",
    "writers": "writer",
    "guestStars": "actor",
    "actor": "actor",
}
PROFESSIONS = {
    "Acting": "actor",
    "Directing": "director",
    "Writing": "writer",
    "Production": "producer",
    "Camera": "cinematographer",
    "Editing": "editor",
    "Sound": "composer",
}
COMPANIES = {"network": "television network", "productionCompany": "production company"}
COUNTRIES = {
    "United States of America": "US", "United Kingdom": "GB", "France": "FR", "Germany": "DE",
    "Italy": "IT", "Spain": "ES", "Canada": "CA", "Japan": "JP", "South Korea": "KR",
    "Russia": "RU", "China": "CN", "India": "IN", "Sweden": "SE", "Denmark": "DK", "Norway": "NO",
    "Finland": "FI", "Netherlands": "NL", "Belgium": "BE", "Austria": "AT", "Switzerland": "CH",
    "Australia": "AU", "Poland": "PL", "Czech Republic": "CZ", "Hong Kong": "HK", "Brazil": "BR",
    "Mexico": "MX", "Argentina": "AR", "Ireland": "IE",
}  # fmt: skip


class MissingDataError(Exception):
    """The labelled data are not there; the message says how to get them."""


@dataclass(frozen=True)
class Links:
    """Labelled links between tmdb and tvdb: left and right record ids (source:source_id).

    Attributes:
        published: The links as the benchmark publishes them.
        corrected: Published, plus those found true, minus those found false or undecided.
        undecided: Pairs that count neither way.
    """

    published: pa.Table
    corrected: pa.Table
    undecided: pa.Table


def folder() -> Path:
    """The folder of the data.

    Raises:
        MissingDataError: A file is not there.
    """
    found = Path(os.environ.get("KG_MOVIEGRAPH_DIR") or DEFAULT_FOLDER)
    missing = [name for name in FILES if not (found / name).is_file()]
    if missing:
        raise MissingDataError(
            f"{found} lacks {', '.join(missing)}. The labelled data are not part of this project. "
            "Get MovieGraphBenchmark 1.1.0 (https://github.com/ScaDS/MovieGraphBenchmark, records "
            "with attributes in JedAIToolkit), write its records as tmdb.jsonl and tvdb.jsonl (id, "
            "uri, type_hint and attributes), its links and relations as the .tsv files named "
            "above, and set KG_MOVIEGRAPH_DIR to their folder."
        )
    return found


def write_canonical(data: Path, into: Path) -> dict[str, Path]:
    """Write both sources as canonical JSON lines.

    Args:
        data: Folder of the benchmark's files.
        into: Folder that exists; a file for each source is written there.

    Returns:
        The file of each source.
    """
    written = {}
    for source, records in (("tmdb", _tmdb(data)), ("tvdb", _tvdb(data))):
        written[source] = into / f"{source}.jsonl"
        with written[source].open("w", encoding="utf-8") as stream:
            for record in records:
                told = {key: value for key, value in record.items() if value not in (None, "", [])}
                stream.write(json.dumps(told, ensure_ascii=False) + "\n")
    return written


def links(data: Path) -> Links:
    """Read the labels."""
    published = [
        ("tmdb:" + _last(left), "tvdb:" + _last(right))
        for left, right in _rows(data / "tmdb_tvdb_links.tsv")
    ]
    verdicts: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for left, right, verdict in _rows(data / "tmdb_tvdb_corrections.tsv"):
        verdicts[verdict].append((left, right))
    corrected = (set(published) | set(verdicts["true"])) - set(verdicts["false"])
    return Links(
        _table(published),
        _table(sorted(corrected - set(verdicts["undecided"]))),
        _table(verdicts["undecided"]),
    )


def _tmdb(data: Path) -> Iterator[dict[str, Any]]:
    for one in _lines(data / "tmdb.jsonl"):
        kind = KINDS[one["type_hint"]]
        original = one.get("originalTitle")
        yield {
            "entity_type": kind,
            "source_id": one["id"],
            "name": one.get("title") or one.get("name"),
            "alternate_names": [original] if original and original != one.get("title") else [],
            "year": _year(one.get("releaseDate")) if kind != "person" else None,
            "end_year": _year(one.get("last_air_date"))
            if one.get("status") in ("Ended", "Canceled")
            else None,
            "date": one.get("releaseDate"),
            "runtime_minutes": _number(next(iter(_listed(one.get("runtime"))), None)),
            "season": _number(one.get("seasonNumber")),
            "episode": _number(one.get("episodeNumber")),
            "genres": [COMPANIES[one["company_type"]]]
            if kind == "organisation"
            else [genre.strip().lower() for genre in _listed(one.get("genre_list"))],
            "countries": [
                COUNTRIES.get(name, name if len(name) == 2 else None)
                for name in _listed(one.get("origin_country") or one.get("production_countries"))
                if name in COUNTRIES or len(name) == 2
            ],
            "languages": _listed(one.get("original_language")),
            "professions": [
                PROFESSIONS[name]
                for name in _listed(one.get("known_for_department"))
                if name in PROFESSIONS
            ],
            "birth_year": _year(one.get("birthDate")),
            "description": one.get("abstract"),
        }


def _tvdb(data: Path) -> Iterator[dict[str, Any]]:
    records = {one["id"]: one for one in _lines(data / "tvdb.jsonl")}
    parents: dict[str, str] = {}
    credits: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for subject, relation, thing in _rows(data / "tvdb_rel_triples.tsv"):
        one, other = _last(subject), _last(thing)
        if relation.endswith("is_episode_of"):
            parents[one] = other
        elif relation.endswith("participated_in"):
            role = ROLES[records[one]["job"]]
            credits[other].append({"name": records[one]["name"], "person_id": one, "role": role})
    for record in records.values():
        kind, parent = KINDS[record["type_hint"]], parents.get(record["id"])
        name = record.get("title") or record.get("name")
        if not name and kind == "episode":
            # A canonical record has a name; that of an episode without a title is its number.
            name = f"Episode {record['episodeNumber']}"
        yield {
            "entity_type": kind,
            "source_id": record["id"],
            # Companies without a name stay known by their ids alone.
            "name": name or record["id"],
            "year": _year(record.get("releaseDate")),
            "date": record.get("releaseDate"),
            "season": _number(record.get("seasonNumber")),
            "episode": _number(record.get("episodeNumber")),
            "parent_id": parent,
            "parent_name": records[parent]["title"] if parent in records else None,
            "genres": [COMPANIES[record["company_type"]]] if kind == "organisation" else [],
            "credits": sorted(
                credits.get(record["id"], []), key=lambda credit: str(credit["person_id"])
            ),
            "professions": [ROLES[record["job"]]] if kind == "person" else [],
            "description": record.get("abstract"),
        }


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            if line.strip():
                yield line.rstrip("\n").split("\t")


def _last(uri: str) -> str:
    return uri.rsplit("/", 1)[-1]


def _listed(value: object) -> list[str]:
    if value is None:
        return []
    found = value if isinstance(value, list) else str(value).split(",")
    return [str(one).strip() for one in found if str(one).strip()]


def _number(value: str | None) -> int | None:
    return int(value) if value and re.fullmatch(r"[0-9]{1,6}", value) else None


def _year(value: str | None) -> int | None:
    return _number(value[:4]) if value else None


def _table(pairs: list[tuple[str, str]]) -> pa.Table:
    return pa.table(
        {
            "left": pa.array([left for left, _ in pairs], pa.string()),
            "right": pa.array([right for _, right in pairs], pa.string()),
        }
    )
