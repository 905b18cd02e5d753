"""The landing zone: folders of deliveries, how they are listed and how files are brought there."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kg_assets.sources.deliveries import (
    MANIFEST,
    SUCCESS,
    Delivery,
    LandingError,
    Manifest,
    Refused,
    check_name,
    delivery_at,
    delivery_key,
    manifest_bytes,
    parse_key,
    printable,
    read_manifest,
)
from kg_assets.sources.inferred import INFERRED, is_foreign
from kg_assets.sources.opening import UnreadableError, open_regular, second_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = [
    "MANIFEST",
    "SUCCESS",
    "Delivery",
    "Landed",
    "LandingError",
    "Manifest",
    "Refused",
    "check_name",
    "delivery_at",
    "delivery_key",
    "files_of",
    "fingerprint",
    "is_complete",
    "land",
    "list_deliveries",
    "parse_key",
    "read_manifest",
]


def list_deliveries(landing: Path, namespace: str) -> tuple[list[Delivery], list[Refused]]:
    """The deliveries in the landing zone, by source and name, and what is not one.

    Args:
        landing: The landing zone; it need not exist.
        namespace: Who reads it; what other namespaces inferred is no delivery and not mentioned.

    Returns:
        Deliveries, and entries that were left out with the reason. Hidden entries are not
        mentioned.
    """
    deliveries: list[Delivery] = []
    refused: list[Refused] = []
    for source in _folders(landing, "source", "", refused):
        for folder in _folders(source, "delivery", f"{source.name}/", refused):
            if is_foreign(source.name, folder.name, namespace):
                continue
            if _holds_files(folder):
                deliveries.append(Delivery(source.name, folder.name, folder))
            else:
                reason = "holds no files that can be listed, and a delivery has at least one"
                refused.append(Refused(f"{source.name}/{folder.name}", reason))
    return sorted(deliveries), sorted(refused, key=lambda entry: entry.name)


def _holds_files(folder: Path) -> bool:
    # An empty folder that was read as a full delivery would retire all of its source.
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return False
    return any(name not in (MANIFEST, SUCCESS) and not name.startswith(".") for name in names)


def _folders(parent: Path, what: str, prefix: str, refused: list[Refused]) -> list[Path]:
    try:
        entries = sorted(parent.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        if not prefix:
            raise LandingError(
                f"the landing zone {parent} cannot be listed ({error.strerror}): KG_LANDING must "
                "name a folder that may be read"
            ) from None
        reason = f"cannot be listed ({error.strerror}); check its rights"
        refused.append(Refused(parent.name, reason))
        return []
    folders = []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            check_name(entry.name, what)
        except LandingError as error:
            refused.append(Refused(prefix + ascii(entry.name)[1:-1], str(error)))
            continue
        try:
            mode = entry.lstat().st_mode
        except OSError as error:
            refused.append(Refused(prefix + entry.name, f"cannot be looked at ({error.strerror})"))
            continue
        if stat.S_ISLNK(mode):
            reason = "is a symbolic link, and links are not followed; move the folder itself here"
        elif not stat.S_ISDIR(mode):
            reason = f"is not a folder; a {what} is one, see `kg land`"
        else:
            folders.append(entry)
            continue
        refused.append(Refused(prefix + entry.name, reason))
    return folders


def files_of(delivery: Delivery) -> tuple[list[Path], list[Refused]]:
    """The files of a delivery in order of their names, and what in it is not read.

    Args:
        delivery: The delivery.

    Returns:
        Regular files, and entries that are none, with the reason. ``delivery.json``,
        ``_SUCCESS`` and hidden files belong to neither.

    Raises:
        LandingError: The folder vanished.
    """
    files: list[Path] = []
    refused: list[Refused] = []
    try:
        entries = sorted(delivery.path.iterdir(), key=lambda entry: entry.name)
    except FileNotFoundError:
        raise LandingError(
            f"the folder {delivery.path} of the delivery {delivery.key} vanished: land it again"
        ) from None
    except OSError as error:
        raise LandingError(
            f"the folder {delivery.path} of the delivery {delivery.key} cannot be listed "
            f"({error.strerror}): check its rights, or land it again"
        ) from None
    taken = {entry.name for entry in entries}
    for entry in entries:
        if entry.name in (MANIFEST, SUCCESS) or entry.name.startswith("."):
            continue
        reason = _refusal(entry)
        if reason is None:
            files.append(entry)
        else:
            shown = ascii(entry.name)[1:-1]
            # A file may have for its name what another one is shown as.
            while shown != entry.name and shown in taken:
                shown += "?"
            taken.add(shown)
            refused.append(Refused(shown, reason))
    return files, refused


def _refusal(entry: Path) -> str | None:
    if not entry.name.isprintable():
        return "has a name that is not UTF-8 or holds control characters; rename it"
    try:
        status = entry.lstat()
    except OSError:
        return "vanished while the delivery was listed, or cannot be looked at; deliver it again"
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        return "is a symbolic link, and links are not followed; deliver the file itself"
    if stat.S_ISDIR(mode):
        return "is a folder; the files of a delivery lie beside each other in one folder"
    if not stat.S_ISREG(mode):
        return "is a device, pipe or socket and no regular file; deliver a regular file"
    return second_name(status)


def fingerprint(delivery: Delivery) -> str:
    """A hash that changes whenever a file of the delivery does; nothing is read but the manifest.

    It is taken over names, sizes and times of change. A file that is touched or copied and has
    the same bytes is read again, and what is made of it is then found to be unchanged: content
    decides what follows (see the column ``fingerprint`` of the table ``deliveries``).

    Raises:
        LandingError: The folder vanished.
    """
    files, refused = files_of(delivery)
    digest = hashlib.sha256()
    for path in files:
        try:
            status = path.lstat()
        except OSError:
            digest.update(f"{path.name}\0gone\0".encode())
            continue
        digest.update(f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    for entry in refused:
        digest.update(f"{entry.name}\0{entry.reason}\0".encode())
    try:
        content = manifest_bytes(delivery)
    except LandingError as error:
        content = str(error).encode()
    if content is not None:
        digest.update(b"manifest\0" + content)
    return digest.hexdigest()


def is_complete(delivery: Delivery, now: float, quiet_seconds: float) -> bool:
    """Whether a delivery may be read.

    Args:
        delivery: The delivery.
        now: The time, in seconds since 1970.
        quiet_seconds: How long nothing in the folder may have changed where there is no
            ``_SUCCESS`` file, in seconds.
    """
    try:
        if stat.S_ISREG((delivery.path / SUCCESS).lstat().st_mode):
            return True
    except OSError:
        pass
    try:
        changes = [delivery.path.lstat()] + [entry.lstat() for entry in delivery.path.iterdir()]
    except OSError:
        return False
    # The time of the inode's change too: a copy may keep the old time of the content. Anybody may
    # give a file a time that is still to come; it would never be quiet.
    latest = max(
        one.st_ctime if one.st_mtime > now else max(one.st_ctime, one.st_mtime) for one in changes
    )
    return len(changes) > 1 and now - latest >= quiet_seconds


@dataclass(frozen=True)
class Landed:
    """What `land` did.

    Attributes:
        delivery: The delivery.
        files: Number of its files.
        bytes: Their bytes together.
        changed: False where the same content was there already.
    """

    delivery: Delivery
    files: int
    bytes: int
    changed: bool


def land(landing: Path, source: str, files: Sequence[Path], delivery: str | None = None) -> Landed:
    """Copy files into the landing zone as one complete delivery.

    The folder appears under its name only when all is copied and on disk, with ``_SUCCESS``
    inside.

    Args:
        landing: The landing zone; made if it is not there.
        source: Name of the source.
        files: Regular files, each with a name of its own. ``delivery.json`` may be among them.
        delivery: Name of the delivery; without it the time in UTC.

    Raises:
        LandingError: A name is not allowed, a file is none or two share a name, or a delivery of
            that name is there with different content.
    """
    check_name(source, "source")
    if source == INFERRED:
        raise LandingError(
            f"the source {INFERRED} is the program's own: what it infers is landed by kg build. "
            "Choose another name for yours"
        )
    name = delivery if delivery is not None else datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    check_name(name, "delivery")
    wanted = _wanted(files)
    folder = landing / source
    folder.mkdir(parents=True, exist_ok=True)
    if folder.is_symlink():
        raise LandingError(f"{folder} is a symbolic link, and links are not followed")
    target = Delivery(source, name, folder / name)
    staging = folder / f".{name[:80]}.{secrets.token_hex(6)}"
    staging.mkdir()
    try:
        copied = {file: _copy(path, staging / file) for file, path in wanted.items()}
        (staging / SUCCESS).touch()
        _sync_folder(staging)
        if not _rename(staging, target.path):
            _same_or_refuse(target, copied)
            return Landed(target, len(copied), sum(size for _, size in copied.values()), False)
        _sync_folder(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Landed(target, len(copied), sum(size for _, size in copied.values()), True)


def _wanted(files: Sequence[Path]) -> dict[str, Path]:
    if not files:
        raise LandingError("no file was given; a delivery has at least one")
    wanted: dict[str, Path] = {}
    for path in files:
        name = path.name
        if name.startswith(".") or name == SUCCESS or not name.isprintable() or not name:
            raise LandingError(
                f"a file named {printable(name)} cannot be landed: hidden files, {SUCCESS} and "
                "names with control characters are not read; rename it"
            )
        if name in wanted:
            raise LandingError(
                f"two files are named {printable(name)}: {wanted[name]} and {path}. Rename one, or "
                "land them as two deliveries"
            )
        wanted[name] = path
    return dict(sorted(wanted.items()))


def _copy(path: Path, target: Path) -> tuple[str, int]:
    try:
        descriptor = open_regular(path)
    except UnreadableError as error:
        if not os.path.lexists(path):
            raise LandingError(f"{path} does not exist") from None
        raise LandingError(f"{path} {error}") from None
    digest = hashlib.sha256()
    size = 0
    with os.fdopen(descriptor, "rb") as reader, target.open("xb") as writer:
        while piece := reader.read(1 << 20):
            digest.update(piece)
            size += len(piece)
            writer.write(piece)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest(), size


def _rename(staging: Path, target: Path) -> bool:
    # Renaming a folder onto one that is not empty fails, so of two that land one name one wins.
    # An empty folder in its place is one that nothing was delivered into.
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise LandingError(f"{target} is there and is no folder; remove it or choose another name")
    try:
        staging.rename(target)
    except OSError:
        if target.is_dir():
            return False
        raise
    return True


def _same_or_refuse(target: Delivery, copied: dict[str, tuple[str, int]]) -> None:
    there: dict[str, str] = {}
    for path in target.path.iterdir():
        if path.name == SUCCESS or path.name.startswith("."):
            continue
        if path.is_symlink() or not path.is_file():
            there[path.name] = "no file"
            continue
        with path.open("rb") as stream:
            there[path.name] = hashlib.file_digest(stream, "sha256").hexdigest()
    if there != {name: digest for name, (digest, _) in copied.items()}:
        differing = sorted(
            name
            for name in there.keys() | copied.keys()
            if there.get(name) != copied.get(name, (None, 0))[0]
        )
        raise LandingError(
            f"the delivery {target.name} of {target.source} is there with other content "
            f"({', '.join(printable(name) for name in differing[:5])}). Deliveries are never "
            "changed: land this one under another name"
        )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
