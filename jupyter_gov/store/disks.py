"""Which disks a SQLite file may lie on."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_gov.errors import StoreError
from jupyter_gov.store.faults import NETWORK_DISK

_NETWORK = frozenset(
    {
        "9p", "acfs", "afs", "afpfs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph", "fuse.glusterfs",
        "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
        "nfs4", "ocfs2", "orangefs", "pvfs2", "smb3", "smbfs", "webdav",
    }
)  # fmt: skip

_MOUNTS = Path("/proc/self/mountinfo")


def filesystem_of(path: Path, mounts: str) -> str | None:
    """Return the type of the file system that holds ``path``, by the text of Linux's ``mountinfo``."""
    best, kind = "", None
    for line in mounts.splitlines():
        fields = line.split(" ")
        if " - " not in line or len(fields) < 10:
            continue
        point = fields[4].encode().decode("unicode_escape")  # blanks are written \040
        inside = point == "/" or path == Path(point) or Path(point) in path.parents
        if inside and len(point) >= len(best):
            best, kind = point, fields[fields.index("-") + 1]
    return kind


def make_private(folder: Path) -> None:
    """Create a folder and those above it that are missing, closed to other users whatever the umask says."""
    missing = [folder, *folder.parents]
    for one in reversed(missing[: next(n for n, path in enumerate(missing) if path.exists())]):
        one.mkdir(mode=0o700, exist_ok=True)


def refuse_network_disk(folder: Path) -> None:
    """Refuse a folder on a network disk, where SQLite's locks do not hold and files get damaged.

    Raises
    ------
    StoreError
        ``GOV707``.
    """
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return  # not Linux: there is no reliable way to ask
    kind = filesystem_of(Path(os.path.realpath(folder)), mounts)
    if kind in _NETWORK:
        raise StoreError(
            f"{folder} lies on a network disk ({kind}), where SQLite's locks do not hold",
            code=NETWORK_DISK,
            hint="Choose a folder on a local disk, or use PostgreSQL to share a store between hosts.",
        )
