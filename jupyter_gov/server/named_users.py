"""An identity provider that names users, for a small team without JupyterHub (and for tests)."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_server.auth import IdentityProvider, User
from traitlets import Dict, Unicode

if TYPE_CHECKING:
    from tornado.web import RequestHandler


@dataclass
class NamedUser(User):
    """A user with the groups that the configuration gives her."""

    groups: list[str] = field(default_factory=list)


def hash_key(key: str) -> str:
    """Return what the configuration holds instead of a user's key."""
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


class NamedUsersIdentityProvider(IdentityProvider):
    """Signs each person in with a key of her own.

    The login page takes the key in its password field and gives a cookie session; scripts send it as
    ``Authorization: token KEY``. A key must be long and random (``python -c "import secrets;
    print(secrets.token_urlsafe(24))"``), since a fast hash is enough only for such keys.

    Examples
    --------
    In ``jupyter_server_config.py``::

        c.ServerApp.identity_provider_class = "jupyter_gov.server.named_users.NamedUsersIdentityProvider"
        c.NamedUsersIdentityProvider.users = {"ann": {"key": "sha256:…", "groups": ["risk"]}}
    """

    users = Dict(help="Username -> {key: sha256:<hex of the key>, name: shown name, groups: [...]}").tag(config=True)
    # No shared token: nobody gets in without a name, and kernels find no token to read.
    token = Unicode("")

    async def get_user(self, handler: RequestHandler) -> User | None:
        """Return who sent the request; a key in a header gives no cookie session, so a script stays a script."""
        match = self.auth_header_pat.match(handler.request.headers.get("Authorization", ""))
        if match:
            user = self._user_of_key(match.group(2))
            handler._token_authenticated = user is not None  # type: ignore[attr-defined]
            return user
        found = self.get_user_cookie(handler)
        return found if isinstance(found, User) else None

    def process_login_form(self, handler: RequestHandler) -> User | None:
        """Return the user whose key was typed."""
        return self._user_of_key(handler.get_argument("password", default="") or "")

    def user_to_cookie(self, user: User) -> str:
        """Store the name only: everything else is read from the configuration at each request."""
        return json.dumps({"username": user.username})

    def user_from_cookie(self, cookie_value: str) -> User | None:
        """Return the user of a session, unless she was removed from the configuration."""
        return self._named(json.loads(cookie_value)["username"])

    def _user_of_key(self, key: str) -> User | None:
        hashed = hash_key(key)
        for username, entry in self.users.items():
            if hmac.compare_digest(hashed, str(entry.get("key", ""))):
                return self._named(username)
        return None

    def _named(self, username: str) -> User | None:
        entry: dict[str, Any] | None = self.users.get(username)
        if entry is None:
            return None
        name = str(entry.get("name", username))
        return NamedUser(username=username, name=name, display_name=name, groups=list(entry.get("groups", ())))
