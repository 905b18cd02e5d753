"""What is published with production: a folder for each promotion, and links to the current one.

`published/prod/versions/<name>` holds the graph and the reports of one promotion and is never
changed; the catalog says which of them is production's. `published/prod/kg.duckdb` and
`reports/prod` are links to it. The folder is there before the catalog names it, and the links are
set after. Where a process was killed between, `follow` sets them: every command that reads or
changes production calls it first. A folder that is lost is made again from the lake.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kg_assets.graph.publication import built_from
from kg_assets.graph.steps import publish_graph
from kg_assets.graph.tables import KNOWLEDGE_GRAPH
from kg_assets.matching.reporting.tables import match_report
from kg_assets.promotion.reading import GRAPH, REPORTS, has_catalog
from kg_assets.sources.record import ENTITY_TYPES
from resources.duck import session
from resources.errors import LakeError, PromotionError
from resources.lake import Lake
from resources.lock import lake_lock
from resources.production import Promotion, promotions
from resources.team_settings import PRODUCTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from resources.settings import Settings


@contextmanager
def production_lock(settings: Settings) -> Iterator[None]:
    """Hold what only one process may: change production, and set the links to it."""
    with lake_lock(settings, PRODUCTION):
        yield


def stage(lake: Lake) -> str:
    """Put what a namespace has published where production could have it.

    Args:
        lake: The lake of the namespace.

    Returns:
        Name of the folder.

    Raises:
        PromotionError: What the lake holds of the graph is not what it says of it.
    """
    settings = lake.settings
    name = secrets.token_hex(8)
    building = settings.published_versions / f".{name}"
    (building / REPORTS).mkdir(parents=True)
    try:
        if _is_graph_of(lake, settings.published):
            _link(settings.published, building / GRAPH)
        else:
            # Nothing of the graph changed since the namespace started from production, as with a
            # model that was only trained again; or its file is lost, or another one is there.
            _publish(lake, building / GRAPH)
            if not _is_graph_of(lake, building / GRAPH):
                raise PromotionError(
                    f"the tables of {lake.namespace} do not make the graph that they describe; "
                    f"make it again: KG_NAMESPACE={lake.namespace} kg build"
                )
        for file in _reports(lake):
            if (settings.reports / file).is_file():
                _link(settings.reports / file, building / REPORTS / file)
        _sync(building)
        building.rename(settings.published_versions / name)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return name


def swap(lake: Lake, commit: Callable[[str], Promotion]) -> Promotion:
    """Let what a namespace has published become production's together with its tables.

    Args:
        lake: The lake of the namespace.
        commit: Promotes its tables in the catalog, given the name of the folder of what is
            published with them.

    Returns:
        What `commit` returned.

    Raises:
        PromotionError: What the lake holds of the graph is not what it says of it, or `commit`
            refused.
    """
    settings = lake.settings
    with production_lock(settings):
        name = stage(lake)
        try:
            done = commit(name)
        except LakeError:
            shutil.rmtree(settings.published_versions / name, ignore_errors=True)
            raise
        set_links(Lake(settings.in_namespace(PRODUCTION)), name)
    return done


def follow(settings: Settings) -> Promotion | None:
    """Let what is published be what the catalog says production is.

    Args:
        settings: Where things lie; their namespace plays no part.

    Returns:
        The last promotion, None where there was none.
    """
    if not has_catalog(settings):
        return None
    lake = Lake(settings.in_namespace(PRODUCTION))
    history = promotions(lake.catalog)
    if not history:
        return None
    if not _follows(lake.settings, history[-1].files):
        with production_lock(settings):
            # Another process may have promoted meanwhile, or set the links.
            history = promotions(lake.catalog)
            set_links(lake, history[-1].files)
    return history[-1]


def set_links(lake: Lake, name: str) -> None:
    """Point the links of production to a folder; the caller holds `production_lock`.

    Args:
        lake: The lake as production sees it.
        name: Name of the folder. One that is lost is made again, without reports, which only the
            namespace that made them has.
    """
    settings = lake.settings
    folder = settings.published_versions / name
    if not (folder / GRAPH).is_file() and lake.heads(KNOWLEDGE_GRAPH):
        _make_again(lake, folder)
    _point(settings.published, folder / GRAPH)
    _point(settings.reports, folder / REPORTS)


def _follows(settings: Settings, name: str) -> bool:
    folder = settings.published_versions / name
    return (
        (folder / GRAPH).is_file()
        and _points(settings.published, folder / GRAPH)
        and _points(settings.reports, folder / REPORTS)
    )


def _points(link: Path, target: Path) -> bool:
    return link.is_symlink() and link.readlink() == _relative(link, target)


def _relative(link: Path, target: Path) -> Path:
    """The target as seen from the link: a home can be moved."""
    return type(link)(os.path.relpath(target, link.parent))


def _point(link: Path, target: Path) -> None:
    """Make a link, or let it point elsewhere, so that a reader has the one or the other."""
    if _points(link, target):
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_dir() and not link.is_symlink():
        # A home that was copied without its links.
        shutil.rmtree(link)
    new = link.with_name(f".{link.name}.{secrets.token_hex(6)}")
    new.symlink_to(_relative(link, target))
    new.replace(link)


def _link(source: Path, target: Path) -> None:
    """Give a file a second name; a copy where the disk cannot."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _sync(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_graph_of(lake: Lake, path: Path) -> bool:
    from dagster_duckdb import DuckDBResource

    manifest = built_from(DuckDBResource(database=str(path)), path)
    if manifest is None:
        return False
    with session(threads=1, memory_limit="100MB", scratch=lake.settings.home) as con:
        rows = lake.relation(con, KNOWLEDGE_GRAPH).order("name").fetchall()
    return [tuple(row.values()) for row in manifest.to_pylist()] == rows


def _reports(lake: Lake) -> list[str]:
    with session(threads=1, memory_limit="100MB", scratch=lake.settings.home) as con:
        return sorted(
            file
            for kind in ENTITY_TYPES
            for (file,) in lake.relation(con, match_report(kind)).project("file").fetchall()
        )


def _make_again(lake: Lake, folder: Path) -> None:
    """Publish once more what the lake holds of production."""
    building = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    _publish(lake, building / GRAPH)
    (folder / REPORTS).mkdir(parents=True, exist_ok=True)
    (building / GRAPH).replace(folder / GRAPH)
    shutil.rmtree(building, ignore_errors=True)


def _publish(lake: Lake, path: Path) -> None:
    """Make a published file of the tables of a namespace; nothing is written to the lake."""
    from dagster_duckdb import DuckDBResource

    with lake.step(f"published graph of {lake.namespace}") as step:
        publish_graph(step, DuckDBResource(database=str(path)), path)
