"""How a server is asked: time, size, identity, proxy."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from jupyter_gov.lang.models.scalars import IsoDuration
from jupyter_gov.plugins.api import Dynamic, GovModel, note


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


class Timeouts(GovModel):
    """How long to wait."""

    connect_timeout: Dynamic[IsoDuration] | None = Field(default=None, description="For the connection.")
    read_idle_timeout: Dynamic[IsoDuration] | None = Field(default=None, description="Between two parts of the answer.")


class Auth(GovModel):
    """Who asks."""

    type: Annotated[Literal["BASIC", "BEARER"], BeforeValidator(_upper)] = Field(
        default="BASIC", description="BASIC (username and password) or BEARER (token)."
    )
    username: Dynamic[str] | None = Field(default=None, description="User name.")
    password: Dynamic[str] | None = Field(default=None, description="Password, from a secret.")
    token: Dynamic[str] | None = Field(default=None, description="Token, from a secret.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type == "BEARER" and self.token is None:
            raise ValueError("authentication of type BEARER needs a `token`")
        if self.type == "BASIC" and self.username is None and self.password is None:
            raise ValueError("authentication of type BASIC needs `username` and `password`")
        return self


class Proxy(GovModel):
    """Through which proxy to ask; those of the environment are not used."""

    type: Annotated[Literal["DIRECT", "HTTP"], BeforeValidator(_upper)] = Field(
        default="HTTP", description="HTTP, or DIRECT for none."
    )
    address: Dynamic[str] | None = Field(default=None, description="Host of the proxy.")
    port: Dynamic[int] | None = Field(default=None, description="Port of the proxy.")
    username: Dynamic[str] | None = Field(default=None, description="User name at the proxy.")
    password: Dynamic[str] | None = Field(default=None, description="Password at the proxy, from a secret.")


class Ssl(GovModel):
    """TLS."""

    insecure_trust_all_certificates: Dynamic[bool] | None = Field(
        default=None, description="Accepted and ignored: certificates are always checked."
    )

    @field_validator("insecure_trust_all_certificates")
    @classmethod
    def _not_offered(cls, value: Any, info: ValidationInfo) -> Any:
        if value not in (None, False):
            note(info, "ignored: certificates are always checked; set SSL_CERT_FILE to trust one of your own")
        return value


class Options(GovModel):
    """How the server is asked; older spellings stand side by side with the groups that replaced them."""

    timeout: Timeouts | None = Field(default=None, description="How long to wait.")
    auth: Auth | None = Field(default=None, description="Who asks.")
    proxy: Proxy | None = Field(default=None, description="Through which proxy.")
    ssl: Ssl | None = Field(default=None, description="TLS.")
    follow_redirects: Dynamic[bool] = Field(default=True, description="Whether to go where the server points to.")
    allow_failed: Dynamic[bool] = Field(default=False, description="Whether codes from 400 on are no failure.")
    allowed_response_codes: Dynamic[list[int]] | None = Field(
        default=None, description="Codes from 400 on that are no failure."
    )
    max_content_length: Dynamic[int] | None = Field(default=None, description="Most bytes of the answer.")
    default_charset: Dynamic[str] = Field(default="UTF-8", description="Character set if the server names none.")
    connect_timeout: Dynamic[IsoDuration] | None = Field(default=None, description="Older: timeout.connectTimeout.")
    read_timeout: Dynamic[IsoDuration] | None = Field(default=None, description="Older: timeout.readIdleTimeout.")
    read_idle_timeout: Dynamic[IsoDuration] | None = Field(default=None, description="Older: in timeout.")
    connection_pool_idle_timeout: Dynamic[IsoDuration] | None = Field(default=None, description="Accepted, ignored.")
    log_level: Dynamic[str] | None = Field(default=None, description="Accepted and ignored.")
    logs: Dynamic[list[str]] | None = Field(default=None, description="Accepted and ignored.")
    basic_auth_user: Dynamic[str] | None = Field(default=None, description="Older: auth.username.")
    basic_auth_password: Dynamic[str] | None = Field(default=None, description="Older: auth.password.")
    proxy_type: Dynamic[str] | None = Field(default=None, description="Older: proxy.type.")
    proxy_address: Dynamic[str] | None = Field(default=None, description="Older: proxy.address.")
    proxy_port: Dynamic[int] | None = Field(default=None, description="Older: proxy.port.")
    proxy_username: Dynamic[str] | None = Field(default=None, description="Older: proxy.username.")
    proxy_password: Dynamic[str] | None = Field(default=None, description="Older: proxy.password.")

    @property
    def identity(self) -> Auth | None:
        """Who asks, however it is written."""
        if self.auth is not None or self.basic_auth_user is None:
            return self.auth
        return Auth(username=self.basic_auth_user, password=self.basic_auth_password)

    @property
    def way(self) -> Proxy | None:
        """Through which proxy, however it is written."""
        found = self.proxy
        if found is None and self.proxy_address is not None:
            kind = "DIRECT" if (self.proxy_type or "").strip().upper() == "DIRECT" else "HTTP"
            found = Proxy.model_validate(
                {
                    "type": kind,
                    "address": self.proxy_address,
                    "port": self.proxy_port,
                    "username": self.proxy_username,
                    "password": self.proxy_password,
                }
            )
        return None if found is None or found.type == "DIRECT" or not found.address else found

    @property
    def connect_seconds(self) -> float:
        """How long to wait for the connection."""
        return _seconds(self.timeout.connect_timeout if self.timeout else None, self.connect_timeout, 10.0)

    @property
    def read_seconds(self) -> float:
        """How long to wait between two parts of the answer."""
        group = self.timeout.read_idle_timeout if self.timeout else None
        return _seconds(group, self.read_idle_timeout or self.read_timeout, 60.0)


def _seconds(new: timedelta | None, old: timedelta | None, default: float) -> float:
    found = new or old
    return default if found is None else max(found.total_seconds(), 0.001)
