"""Sends mail by SMTP."""

from __future__ import annotations

import contextlib
import mimetypes
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate, getaddresses, make_msgid
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar, Literal, Self, cast, get_args

from pydantic import Field, ValidationInfo, model_validator

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.ports import Rename
from jupyter_gov.plugins.api import Dynamic, GovModel, Output, RunnableTask, note
from jupyter_gov.plugins.context import RunContext

Transport = Literal["SMTP", "SMTPS", "SMTP_TLS"]
_PORTS: Mapping[str, int] = {"SMTP": 25, "SMTPS": 465, "SMTP_TLS": 587}
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_ADDRESS = re.compile(r"[^@\s<>,;:\"()]+@[^@\s<>,;:\"()]+")


class Attachment(GovModel):
    """A file that goes with a mail."""

    name: Dynamic[str] = Field(description="Name that the receiver sees.")
    uri: Dynamic[str] = Field(description="URI of the file, or its path from the folder in which the flow was started.")
    content_type: Dynamic[str] | None = Field(default=None, description="Such as text/csv; guessed from the name.")


class MailSendOutput(Output):
    """What MailSend hands back."""

    message_id: str = Field(description="Message-ID of the mail.")
    refused: dict[str, str] = Field(description="Receivers that the server refused, and why.")


class MailSend(RunnableTask):
    """Send a mail.

    The mail server stands in the task or in the settings (`mail.host` and others). The password belongs into a secret:
    `password: "{{ secret('MAIL_PASSWORD') }}"`. It is sent only over TLS, unless the server is this host.
    """

    type_name = "io.kestra.plugin.email.MailSend"
    aliases = ("io.kestra.plugin.notifications.mail.MailSend",)
    renames: ClassVar[Mapping[str, Rename]] = {
        "html": Rename("htmlTextContent", "Kestra calls it htmlTextContent and refuses this spelling")
    }
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: tell
type: io.kestra.plugin.email.MailSend
from: gov@example.com
to: leadership@example.com, audit@example.com
subject: "{{ flow.id }} has ended"
htmlTextContent: |
  <p>The weekly run is <b>done</b>.</p>
""",
        """\
id: tell-with-file
type: io.kestra.plugin.email.MailSend
host: "{{ inputs.host }}"
port: "{{ inputs.port }}"
transportStrategy: SMTP
from: Governance <gov@example.com>
to: [leadership@example.com]
subject: Weekly numbers
plainTextContent: See the file.
attachments:
  - name: numbers.csv
    uri: "{{ inputs.file }}"
""",
    )

    from_: Dynamic[str] = Field(alias="from", description="Address of the sender.")
    to: Dynamic[str | list[str]] = Field(description="Receivers: a list, or a text with commas.")
    cc: Dynamic[str | list[str]] = Field(default="", description="Receivers of copies.")
    bcc: Dynamic[str | list[str]] = Field(default="", description="Receivers that the others do not see.")
    reply_to: Dynamic[str | list[str]] = Field(default="", description="Where answers go.")
    subject: Dynamic[str] = Field(default="", description="Subject, one line.")
    html_text_content: Dynamic[str] | None = Field(default=None, description="The mail as HTML.")
    plain_text_content: Dynamic[str] | None = Field(default=None, description="The mail as plain text.")
    attachments: list[Attachment] = Field(default_factory=list, description="Files that go with the mail.")
    host: Dynamic[str] | None = Field(default=None, description="Mail server; the setting mail.host if left out.")
    port: Dynamic[int] | None = Field(default=None, description="Its port.")
    username: Dynamic[str] | None = Field(default=None, description="User name at the mail server.")
    password: Dynamic[str] | None = Field(default=None, description="Password at the mail server, from a secret.")
    transport_strategy: Dynamic[Transport] | None = Field(
        default=None, description="SMTPS: TLS from the start (default); SMTP_TLS: by STARTTLS; SMTP: without."
    )
    session_timeout: Dynamic[Annotated[int, Field(gt=0)]] = Field(
        default=10_000, description="Milliseconds to wait for the server."
    )

    @model_validator(mode="after")
    def _note_missing_host(self, info: ValidationInfo) -> Self:
        if self.host is None:
            note(info, "no `host`, which Kestra requires; here the mail server comes from the setting mail_host")
        return self

    def run(self, ctx: RunContext) -> MailSendOutput:
        """Send the mail.

        Raises
        ------
        TaskError
            ``GOV830``: no mail server is known. ``GOV831``: an address or a header is malformed. ``GOV832``: the
            server cannot be reached or broke off. ``GOV833``: it refused the user. ``GOV834``: it refused the mail.
            ``GOV835``: no safe connection.
        """
        server = self._server(ctx)
        message, receivers = self._message(ctx)
        ctx.cancellation.raise_if_requested()
        with _errors(ctx, server), _connect(server) as client:
            ctx.cancellation.on_request(lambda: _hang_up(client))
            _log_in(client, server)
            refused = client.send_message(message, to_addrs=receivers)
        answer = {address: f"{code} {_text(reason)}" for address, (code, reason) in refused.items()}
        for address, why in answer.items():
            ctx.warn(f"The mail server refused {address}: {why}")
        reached = [address for address in receivers if address not in answer]
        ctx.logger.info(f"Sent {self.subject.strip()!r} by {server.name} to {', '.join(reached)}.")
        return MailSendOutput(message_id=str(message["Message-ID"]), refused=answer)

    def _server(self, ctx: RunContext) -> _Server:
        settings = ctx.settings
        own = bool(self.host)
        host = self.host or settings.get("mail.host")
        if not host:
            raise TaskError(
                "No mail server is known.",
                code="GOV830",
                hint="Set `host` in the task, or mail_host in the settings of jupyter_gov.",
            )
        default = "SMTPS" if own else settings.get("mail.transport") or "SMTP"
        transport = self.transport_strategy or default
        if transport not in get_args(Transport):
            raise TaskError(f"The setting mail.transport is {transport!r}, not SMTP, SMTPS or SMTP_TLS.", code="GOV830")
        username, password = self.username, self.password
        if not own and not username and settings.get("mail.username"):
            username = str(settings["mail.username"])
            secret = settings.get("mail.password_secret")
            password = ctx.secret(str(secret)) if secret else None
        if password:
            ctx.mask(password)
        port = self.port or (None if own else settings.get("mail.port")) or _PORTS[transport]
        return _Server(
            str(host).strip(), int(port), cast("Transport", transport), username, password, self.session_timeout / 1000
        )

    def _message(self, ctx: RunContext) -> tuple[EmailMessage, list[str]]:
        message = EmailMessage(policy=SMTP_POLICY)
        senders = addresses("from", self.from_)
        to, cc, bcc = addresses("to", self.to), addresses("cc", self.cc), addresses("bcc", self.bcc)
        if len(senders) != 1:
            raise _malformed("from", "exactly one address")
        if not to + cc + bcc:
            raise _malformed("to", "at least one receiver")
        headers = {"From": senders, "To": to, "Cc": cc, "Reply-To": addresses("replyTo", self.reply_to)}
        for name, value in headers.items():
            if value:
                message[name] = tuple(value)
        message["Subject"] = one_line("subject", self.subject)
        message["Date"] = formatdate(ctx.now().timestamp(), localtime=False)
        message["Message-ID"] = make_msgid(domain=senders[0].domain)
        self._fill(ctx, message)
        unique = dict.fromkeys(address.addr_spec for address in (*to, *cc, *bcc))
        return message, list(unique)

    def _fill(self, ctx: RunContext, message: EmailMessage) -> None:
        if self.html_text_content is None:
            message.set_content(self.plain_text_content or "")
        elif self.plain_text_content is None:
            message.set_content(self.html_text_content, subtype="html")
        else:
            message.set_content(self.plain_text_content)
            message.add_alternative(self.html_text_content, subtype="html")
        for attachment in self.attachments:
            name = one_line("attachments", attachment.name)
            kind = attachment.content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
            main, _, sub = one_line("attachments", kind).partition("/")
            data = ctx.files.get(attachment.uri).read_bytes()
            message.add_attachment(data, maintype=main, subtype=sub or "octet-stream", filename=name)


@dataclass(frozen=True, slots=True)
class _Server:
    host: str
    port: int
    transport: Transport
    username: str | None
    password: str | None
    timeout: float

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def one_line(name: str, text: str) -> str:
    """Return ``text`` as the value of a header.

    Raises
    ------
    TaskError
        ``GOV831``: it has a line break or a control character, by which text could become headers of its own.
    """
    stripped = text.strip()
    if _CONTROL.search(stripped):
        raise _malformed(name, "one line without control characters")
    return stripped


def addresses(name: str, written: str | list[str]) -> list[Address]:
    """Return the addresses in a list, or in a text with commas or semicolons.

    Raises
    ------
    TaskError
        ``GOV831``: one is malformed.
    """
    texts = [written] if isinstance(written, str) else written
    lines = [one_line(name, text.replace(";", ",") if '"' not in text else text) for text in texts]
    found: list[Address] = []
    for display, address in getaddresses([line.rstrip(",") for line in lines if line]):
        if not _ADDRESS.fullmatch(address):
            raise _malformed(name, f"mail addresses, not {', '.join(lines)!r}")
        try:
            found.append(Address(display_name=display, addr_spec=address))
        except (ValueError, IndexError) as error:
            raise _malformed(name, f"mail addresses ({error})") from None
    return found


def _malformed(name: str, wanted: str) -> TaskError:
    return TaskError(f"Property `{name}` must be {wanted}.", code="GOV831")


@contextlib.contextmanager
def _connect(server: _Server) -> Iterator[smtplib.SMTP]:
    host_name = socket.gethostname()
    # Asking the DNS for our full name may take longer than sending the mail.
    options: dict[str, Any] = {
        "timeout": server.timeout, "local_hostname": host_name if "." in host_name else "[127.0.0.1]"
    }  # fmt: skip
    if server.transport == "SMTPS":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, context=ssl.create_default_context(), **options
        )
    else:
        client = smtplib.SMTP(server.host, server.port, **options)
    try:
        if server.transport == "SMTP_TLS":
            client.starttls(context=ssl.create_default_context())
        yield client
        with contextlib.suppress(smtplib.SMTPException, OSError):
            client.quit()  # The mail is sent; a server that does not say good-bye changes nothing.
    finally:
        client.close()


def _log_in(client: smtplib.SMTP, server: _Server) -> None:
    if not server.username:
        return
    if server.transport == "SMTP" and not server.is_local:
        raise TaskError(
            f"The password would go to {server.name} unprotected.",
            code="GOV835",
            hint="Use `transportStrategy: SMTP_TLS` or SMTPS.",
        )
    client.login(server.username, server.password or "")


def _hang_up(client: smtplib.SMTP) -> None:
    # Wakes the thread that waits for the server.
    if client.sock is not None:
        with contextlib.suppress(OSError):
            client.sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _errors(ctx: RunContext, server: _Server) -> Iterator[None]:
    try:
        yield
    except (smtplib.SMTPException, OSError) as error:
        ctx.cancellation.raise_if_requested()
        raise _translated(error, server) from error


def _translated(error: Exception, server: _Server) -> TaskError:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return TaskError(
            f"The mail server {server.name} refused the user {server.username!r}: {_text(error.smtp_error)}.",
            code="GOV833",
            hint="Check `username`, and the secret that holds the password.",
        )
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        reasons = "; ".join(f"{who}: {code} {_text(why)}" for who, (code, why) in error.recipients.items())
        return TaskError(f"The mail server {server.name} refused all receivers: {reasons}.", code="GOV834")
    if isinstance(error, smtplib.SMTPResponseException) and not isinstance(error, smtplib.SMTPConnectError):
        reason = f"{error.smtp_code} {_text(error.smtp_error)}"
        return TaskError(f"The mail server {server.name} refused the mail: {reason}.", code="GOV834")
    if isinstance(error, ssl.SSLError | smtplib.SMTPNotSupportedError):
        return TaskError(
            f"There is no safe connection to the mail server {server.name}: {error}.",
            code="GOV835",
            hint="Check `transportStrategy` and `port`: SMTPS usually is 465, SMTP_TLS 587, SMTP 25.",
        )
    reason = f"no answer within {server.timeout:g} s" if isinstance(error, TimeoutError) else str(error)
    return TaskError(
        f"The mail server {server.name} could not be reached or broke off: {reason}.",
        code="GOV832",
        hint="Check `host`, `port` and `transportStrategy`.",
    )


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
