"""Who acts when no server stands in between: the account of the operating system."""

from __future__ import annotations

import os

from jupyter_gov.config import account, local_identity
from jupyter_gov.domain.actor import Actor, Assurance


def local_actor() -> Actor:
    """Return the local account with its groups; its assurance is ``os``, never more.

    Where the environment names a hub's user, that name is on record beside the account, but nobody has checked it here:
    the actor is anonymous, and answers gates that are assigned to people in the browser, where the hub vouches for her.
    """
    identity = local_identity()
    if identity != account():
        return Actor(id=identity, name=f"{identity} (the hub's user by the environment)", assurance=Assurance.ANONYMOUS)
    return Actor(id=identity, name=identity, groups=_local_groups(), assurance=Assurance.OS)


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
