"""Who acts when no server stands in between: the account of the operating system."""

from __future__ import annotations

import getpass
import os

from jupyter_gov.domain.actor import Actor, Assurance


def local_actor() -> Actor:
    """Return the local account with its groups; its assurance is ``os``, never more."""
    user = os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    return Actor(id=user, name=user, groups=_local_groups(), assurance=Assurance.OS)


def _local_groups() -> frozenset[str]:
    try:
        import grp  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return frozenset()
    names = set()
    for number in os.getgroups():
        try:
            names.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return frozenset(names)
