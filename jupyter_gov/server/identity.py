"""Who sends a request: what the Jupyter server established, and how sure that makes us.

=============================================================  =========== =========================
the request                                                    assurance   actor
=============================================================  =========== =========================
cookie session of a named user, page proved same-origin        browser     the user
token of a named user, or a session whose page proved nothing  token       the user
token, password or nothing at a plain Jupyter server           anonymous   one actor for the server
=============================================================  =========== =========================

A plain Jupyter server gives everybody who knows its token a random, changeable name: that is no identity, and kernel
code can read the token. A provider that names users (JupyterHub's, or ``NamedUsersIdentityProvider``) is one.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.actor import Actor, Assurance

if TYPE_CHECKING:
    from jupyter_server.auth import IdentityProvider, User
    from jupyter_server.base.handlers import JupyterHandler

SERVER_NAME = "jupyter_gov_server_name"
"""Key of the server's settings under which its configured name stands."""
_PLAIN = "jupyter_server.auth.identity"
_NAMING = ("get_user", "_get_user", "get_user_token", "get_user_cookie", "user_from_cookie")


def names_users(provider: IdentityProvider) -> bool:
    """Return whether a provider says who somebody is, rather than that somebody knows a token or a password.

    A provider counts when it (not jupyter_server) defines how a request becomes a user.
    """
    return any(getattr(type(provider), name).__module__ != _PLAIN for name in _NAMING)


def actor_of(handler: JupyterHandler) -> Actor:
    """Return the actor of an authenticated request."""
    provider = handler.identity_provider
    if not names_users(provider):
        return anonymous_actor(handler.settings.get(SERVER_NAME) or socket.gethostname())
    user = handler.current_user
    assurance = Assurance.BROWSER if _is_browser_session(handler) else Assurance.TOKEN
    return Actor(id=user.username, name=_name_of(user), groups=_groups_of(user), assurance=assurance)


def anonymous_actor(server: str) -> Actor:
    """Return the one actor that stands for all anonymous sessions of a server."""
    return Actor(
        id=f"anonymous@{server}",
        name="anonymous user of this Jupyter server",
        assurance=Assurance.ANONYMOUS,
    )


def _name_of(user: User) -> str:
    # display_name may be edited by the user herself under some providers; the username beside it may not.
    shown = user.display_name or user.name or user.username
    return shown if shown == user.username else f"{shown} ({user.username})"


def _groups_of(user: User) -> frozenset[str]:
    groups: Any = getattr(user, "groups", None)
    if groups is None:
        # JupyterHub's provider keeps the Hub's own user model beside Jupyter's.
        groups = (getattr(user, "hub_user", None) or {}).get("groups", ())
    return frozenset(str(group) for group in groups)


def _is_browser_session(handler: JupyterHandler) -> bool:
    """Return whether a page of this server, in a signed-in browser, sent the request.

    The server has checked the XSRF token of a write before any of our code runs, unless its check is switched off.
    """
    if handler.token_authenticated or "Authorization" in handler.request.headers:
        return False
    return not handler.settings.get("disable_check_xsrf", False)
