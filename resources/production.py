"""How production changes: promotion, rollback, and namespaces that move to another production.

Production is a sequence of whole states. Each promotion or rollback appends one commit that names
every table and partition that production has from then on, so that the state at any commit is one
read, and going back is writing an earlier state again. Nothing else writes production.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from resources import catalog_rows as rows
from resources.catalog_schema import ENTRIES, FILES, NAMESPACES, PROMOTIONS
from resources.errors import NothingNewError, PromotionError, refuse_production
from resources.team_settings import PRODUCTION

if TYPE_CHECKING:
    from resources.catalog import Catalog
    from resources.entries import Context, Head


@dataclass(frozen=True)
class Promotion:
    """One change of production.

    Attributes:
        id: Its number, from 1.
        commit_id: The commit that holds production from then on.
        namespace: What was promoted; for a rollback, what had been.
        back_to: The promotion that a rollback went back to, None for a promotion.
        files: Name of the folder with what was published with it.
        who: Who did it.
        time: When (UTC).
        reason: Why.
        figures: The comparison with production before.
        kept: Whether it can be gone back to: its files are still there.
    """

    id: int
    commit_id: int
    namespace: str
    back_to: int | None
    files: str
    who: str
    time: str
    reason: str
    figures: Mapping[str, Any]
    kept: bool = True

    @property
    def kind(self) -> str:
        """``promotion`` or ``rollback``."""
        return "promotion" if self.back_to is None else "rollback"


@dataclass(frozen=True)
class Moved:
    """What a rebase did.

    Attributes:
        before: The commit of production that was read through to.
        after: The one that is from now on.
        followed: Tables of its own that now go on from production's version.
    """

    before: int
    after: int
    followed: tuple[str, ...]


def state_of(heads: Iterable[Head]) -> str:
    """Hash of what tables are and from what they were made, to see that nothing changed since."""
    lines = sorted(
        f"{each.table}\t{each.partition}\t{each.file.version}\t{each.code_version}\t"
        f"{rows.dump(each.inputs)}"
        for each in heads
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def promote(
    catalog: Catalog,
    namespace: str,
    *,
    who: str = "unknown",
    reason: str = "",
    figures: Mapping[str, Any] | None = None,
    files: str = "",
    compared: str | None = None,
    context: Context | None = None,
) -> Promotion:
    """Make every table of a namespace production's, in one transaction.

    Args:
        catalog: The catalog.
        namespace: The namespace, whose pin moves to the new production.
        who: Who does it.
        reason: Why.
        figures: What the comparison with production found.
        files: Name of the folder with what is published with it.
        compared: `state_of` the namespace that was compared; None for whatever it is now.
        context: Code and configuration of the program that does it.

    Raises:
        PromotionError: Production has moved since the namespace's pin, the namespace has changed
            since it was compared, or (`NothingNewError`) it holds what production does.
    """
    refuse_production(namespace)
    with catalog.writing() as connection:
        require(connection, namespace)
        refuse_moved(connection, namespace)
        built = rows.own(connection, namespace)
        seen = rows.seen(connection, namespace)
        if compared is not None and state_of(seen.values()) != compared:
            raise PromotionError(
                f"the namespace {namespace} has changed while it was compared with production; "
                f"let its build end, then again: kg promote {namespace}"
            )
        if not built or state_of(seen.values()) == state_of(_current(connection).values()):
            raise NothingNewError(
                f"there is nothing to promote: {namespace} holds what production does"
            )
        commit_id = rows.add_commit(connection, PRODUCTION, f"promote {namespace}", context=context)
        rows.replace_tables(connection, commit_id, PRODUCTION, None, seen.values())
        _set_pin(connection, namespace, commit_id)
        return _record(connection, commit_id, namespace, None, files, who, reason, figures or {})


def roll_back(
    catalog: Catalog,
    *,
    to: int | None = None,
    who: str = "unknown",
    reason: str = "",
    figures: Mapping[str, Any] | None = None,
    context: Context | None = None,
) -> Promotion:
    """Take production back to what an earlier promotion made of it, as a new commit.

    Args:
        catalog: The catalog.
        to: Number of that promotion; by default the one before what production is now.
        who: Who does it.
        reason: Why.
        figures: What the comparison with production before found.
        context: Code and configuration of the program that does it.

    Raises:
        PromotionError: There is no such promotion, its files were removed as too old, or
            production is what it made already.
    """
    with catalog.writing() as connection:
        target = rollback_target(connection, to)
        then = rows.production_at(connection, target.commit_id)
        commit_id = rows.add_commit(
            connection, PRODUCTION, f"roll back to {target.id}", context=context
        )
        rows.replace_tables(connection, commit_id, PRODUCTION, None, then.values())
        return _record(
            connection,
            commit_id,
            target.namespace,
            target.id,
            target.files,
            who,
            reason,
            figures or {},
        )


def rollback_target(connection: sa.Connection, to: int | None) -> Promotion:
    """The promotion that a rollback goes back to.

    Raises:
        PromotionError: As for `roll_back`.
    """
    found = {one.id: one for one in _promotions(connection)}
    if not found:
        raise PromotionError("nothing was ever promoted, so there is nothing to go back to")
    now, before = None, dict[int, int | None]()
    for one in found.values():
        if one.back_to is None:
            before[one.id] = now
        now = one.back_to or one.id
    if to is None:
        # What was production when this was promoted, though it was gone back to meanwhile.
        to = before[now] if now is not None else None
        if to is None:
            raise PromotionError(f"production is what its first promotion ({now}) made of it")
    if to not in found:
        raise PromotionError(f"there is no promotion {to}; list them with: kg promotions")
    target = found[to]
    if target.back_to is not None:
        target = found[target.back_to]
    if target.id == now:
        raise PromotionError(f"production is what promotion {target.id} made of it already")
    if not target.kept:
        raise PromotionError(
            f"files of promotion {target.id} were removed as too old (KG_KEEP_DAYS, "
            "KG_KEEP_PROMOTIONS); those that can be gone back to are listed by: kg promotions"
        )
    return target


def promotions(catalog: Catalog) -> list[Promotion]:
    """All promotions and rollbacks, the oldest first."""
    with catalog.reading() as connection:
        return _promotions(connection)


def rebase(
    catalog: Catalog,
    namespace: str,
    *,
    lasting: Sequence[Sequence[str]] = (),
    release: Sequence[str] = (),
    context: Context | None = None,
) -> Moved:
    """Let a namespace read through to today's production.

    What it built itself stays its own, but for tables that carry on from the version before, such
    as entities with their ids: where production's went on meanwhile, the namespace goes on from
    there. From its own it would give other ids than those that are public now, and forget events.

    Args:
        catalog: The catalog.
        namespace: The namespace.
        lasting: Tables that carry on, those that one step makes together.
        release: Tables of its own that are given up for production's.
        context: Code and configuration of the program that does it.

    Raises:
        PromotionError: There is no such namespace.
    """
    refuse_production(namespace)
    with catalog.writing() as connection:
        require(connection, namespace)
        before = rows.pin(connection, namespace)
        then = rows.production_at(connection, before)
        now = _current(connection)
        newest = rows.newest_of_production(connection)
        built = {table for table, _ in rows.own(connection, namespace)}
        rows.drop_tables(connection, namespace, sorted(built & set(release)))
        followed = []
        for group in lasting:
            old = state_of(each for each in then.values() if each.table in group)
            new = [each for each in now.values() if each.table in group]
            if new and built.intersection(group) - set(release) and state_of(new) != old:
                followed += [(table, new) for table in group]
        if followed:
            commit_id = rows.add_commit(connection, namespace, "rebase", context=context)
            tables = [table for table, _ in followed]
            heads = [each for each in now.values() if each.table in set(tables)]
            rows.replace_tables(connection, commit_id, namespace, tables, heads)
        _set_pin(connection, namespace, newest)
        return Moved(before, newest, tuple(table for table, _ in followed))


def adopt(
    catalog: Catalog,
    namespace: str,
    source: str,
    tables: Sequence[str],
    *,
    context: Context | None = None,
) -> None:
    """Let a namespace have some tables as another one built them.

    Args:
        catalog: The catalog.
        namespace: Who takes them.
        source: Who built them.
        tables: Their names; those that the source has not built itself are passed over.
        context: Code and configuration of the program that does it.

    Raises:
        PromotionError: One of the namespaces does not exist.
    """
    refuse_production(namespace)
    with catalog.writing() as connection:
        require(connection, namespace)
        require(connection, source)
        given = [each for (t, _), each in rows.own(connection, source).items() if t in set(tables)]
        names = sorted({each.table for each in given})
        commit_id = rows.add_commit(connection, namespace, f"adopt {source}", context=context)
        rows.replace_tables(connection, commit_id, namespace, names, given)


def require(connection: sa.Connection, namespace: str) -> None:
    """Refuse a namespace that does not exist.

    Raises:
        PromotionError: It does not.
    """
    query = sa.select(NAMESPACES.c.name).order_by(NAMESPACES.c.name)
    known = [name for (name,) in connection.execute(query) if name != PRODUCTION]
    if namespace not in known:
        raise PromotionError(
            f"there is no namespace {namespace!r}; there are {', '.join(known) or 'none'}"
        )


def refuse_moved(connection: sa.Connection, namespace: str) -> None:
    """Refuse a namespace whose production is not today's.

    Raises:
        PromotionError: Production has moved since the namespace's pin.
    """
    pin, newest = rows.pin(connection, namespace), rows.newest_of_production(connection)
    if newest <= pin:
        return
    since = [one for one in _promotions(connection) if one.commit_id > pin]
    last = since[-1] if since else None
    said = "" if last is None else f" (last: {last.kind} of {last.namespace} by {last.who}, "
    said += "" if last is None else f"{last.time})"
    raise PromotionError(
        f"production has moved since {namespace} started from it{said}: "
        f"kg rebase {namespace}, build what that makes stale, then promote again"
    )


def _current(connection: sa.Connection) -> dict[rows.Key, Head]:
    return rows.production_at(connection, rows.newest_of_production(connection))


def _set_pin(connection: sa.Connection, namespace: str, pin: int) -> None:
    moved = sa.update(NAMESPACES).where(NAMESPACES.c.name == namespace)
    connection.execute(moved.values(pin=pin))


def _record(
    connection: sa.Connection,
    commit_id: int,
    namespace: str,
    back_to: int | None,
    files: str,
    who: str,
    reason: str,
    figures: Mapping[str, Any],
) -> Promotion:
    values = {
        "commit_id": commit_id,
        "namespace": namespace,
        "back_to": back_to,
        "files": files or f"of-commit-{commit_id}",
        "who": who,
        "time": rows.now(),
        "reason": reason,
    }
    inserted = sa.insert(PROMOTIONS).values(**values, figures=json.dumps(figures, sort_keys=True))
    number = connection.execute(inserted.returning(PROMOTIONS.c.id)).scalar_one()
    return Promotion(number, figures=dict(figures), **values)  # type: ignore[arg-type]


def _promotions(connection: sa.Connection) -> list[Promotion]:
    whole = (
        sa.select(ENTRIES.c.commit_id)
        .join(FILES, FILES.c.version == ENTRIES.c.version)
        .where(ENTRIES.c.namespace == PRODUCTION)
        .group_by(ENTRIES.c.commit_id)
        .having(sa.func.count(FILES.c.removed) == 0)
    )
    kept = set(connection.execute(whole).scalars())
    return [
        Promotion(
            id=row.id,
            commit_id=row.commit_id,
            namespace=row.namespace,
            back_to=row.back_to,
            files=row.files,
            who=row.who,
            time=row.time,
            reason=row.reason,
            figures=json.loads(row.figures),
            kept=row.commit_id in kept,
        )
        for row in connection.execute(sa.select(PROMOTIONS).order_by(PROMOTIONS.c.id))
    ]
