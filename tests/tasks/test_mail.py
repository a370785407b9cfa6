"""MailSend against real SMTP servers on this host."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.testing import TestContext, check, run_task
from jupyter_gov.tasks.mail import MailSend

# A server that wants a password without TLS is what these tests need, and aiosmtpd warns of.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
MAIL: dict[str, Any] = {"from": "noreply@kestra.io", "to": "leadership@example.com", "subject": "Weekly Sales Summary"}


class Inbox:
    """Handler of a server: keeps what it gets, refuses who is called ``nobody``."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if b"refuse me" in (envelope.content or b""):
            return "554 I do not like this"
        self.envelopes.append(envelope)
        return "250 OK"

    def message(self) -> EmailMessage:
        (envelope,) = self.envelopes
        message = email.message_from_bytes(bytes(envelope.content or b""), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message


class Server:
    """A running server; ``settings`` name it."""

    def __init__(self, port: int, inbox: Inbox) -> None:
        self.inbox = inbox
        self.port = port
        self.settings: dict[str, Any] = {"mail.host": "127.0.0.1", "mail.port": port, "mail.transport": "SMTP"}


def serve(*, ssl_context: ssl.SSLContext | None = None, **options: Any) -> Iterator[Server]:
    inbox = Inbox()
    loop = asyncio.new_event_loop()
    listener = loop.run_until_complete(
        loop.create_server(lambda: SMTP(inbox, loop=loop, **options), "127.0.0.1", 0, ssl=ssl_context)
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield Server(listener.sockets[0].getsockname()[1], inbox)
    finally:
        asyncio.run_coroutine_threadsafe(_close(listener), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _close(listener: asyncio.Server) -> None:
    listener.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # Lets transports that were closed report it.


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serve()


def allow(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data == LoginPassword(b"ada", b"hunter2"), handled=False)


@pytest.fixture
def auth_server() -> Iterator[Server]:
    yield from serve(authenticator=allow, auth_required=True, auth_require_tls=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    return key, cert


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    return context


@pytest.fixture
def starttls_server(tls: ssl.SSLContext) -> Iterator[Server]:
    yield from serve(tls_context=tls, require_starttls=True)


@pytest.fixture
def smtps_server(tls: ssl.SSLContext) -> Iterator[Server]:
    yield from serve(ssl_context=tls)


def refusal(props: dict[str, Any], **options: Any) -> TaskError:
    with pytest.raises(TaskError) as caught:
        run_task(MailSend, props, **options)
    return caught.value


def test_html(server: Server) -> None:
    props = {**MAIL, "htmlTextContent": "<p>Sales: {{ inputs.n }} €</p>"}
    result = run_task(MailSend, props, settings=server.settings, variables={"inputs": {"n": 3}})
    message = server.inbox.message()
    assert (message["From"], message["To"], message["Subject"]) == (MAIL["from"], MAIL["to"], MAIL["subject"])
    assert message.get_content_type() == "text/html"
    assert message.get_content().strip() == "<p>Sales: 3 €</p>"
    assert result.outputs == {"messageId": message["Message-ID"], "refused": {}}
    assert message["Message-ID"].endswith("@kestra.io>")


def test_the_published_property_is_renamed() -> None:
    assert MailSend.info().renames["html"].to == "htmlTextContent"


def test_plain_and_html(server: Server) -> None:
    props = {**MAIL, "htmlTextContent": "<b>x</b>", "plainTextContent": "x"}
    run_task(MailSend, props, settings=server.settings)
    body = server.inbox.message()
    assert [part.get_content_type() for part in body.iter_parts()] == ["text/plain", "text/html"]


def test_receivers(server: Server) -> None:
    props = {
        **MAIL,
        "from": "Ada Lovelace <ada@example.com>",
        "to": ["a@example.com, b@example.com", '"Last, First" <c@example.com>'],
        "cc": "d@example.com; a@example.com",
        "bcc": "hidden@example.com",
        "replyTo": "answers@example.com",
    }
    run_task(MailSend, props, settings=server.settings)
    (envelope,) = server.inbox.envelopes
    assert envelope.mail_from == "ada@example.com"
    assert envelope.rcpt_tos == [f"{name}@example.com" for name in ("a", "b", "c", "d", "hidden")]
    message = server.inbox.message()
    assert message["To"] == 'a@example.com, b@example.com, "Last, First" <c@example.com>'
    assert message["Bcc"] is None
    assert "hidden" not in message.as_string()


def test_attachment(server: Server, tmp_path: Path) -> None:
    context = TestContext(tmp_path, settings=server.settings)
    uri = context.files.put_bytes(b"a,b\n1,2\n", "x")
    run_task(MailSend, {**MAIL, "attachments": [{"name": "numbers.csv", "uri": uri}]}, context=context)
    (attachment,) = server.inbox.message().iter_attachments()
    assert (attachment.get_filename(), attachment.get_content_type()) == ("numbers.csv", "text/csv")
    assert attachment.get_content() == "a,b\n1,2\n"


def test_unicode_headers(server: Server) -> None:
    run_task(MailSend, {**MAIL, "subject": "Übersicht: 漢字", "from": "Jörg <j@example.com>"}, settings=server.settings)
    message = server.inbox.message()
    assert (message["Subject"], message["From"]) == ("Übersicht: 漢字", "Jörg <j@example.com>")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject", "x\r\nBcc: evil@example.com"),
        ("subject", "x\nBcc: evil@example.com"),
        ("subject", "x\x00y"),
        ("subject", "x\u2028y"),
        ("from", "a@example.com\nBcc: evil@example.com"),
        ("to", "a@example.com\r\nBcc: evil@example.com"),
        ("to", ["a@example.com", "b@example.com\nX: y"]),
        ("cc", "a@example.com\nX: y"),
        ("replyTo", "a@example.com\nX: y"),
        ("attachments", [{"name": "a\nX: y", "uri": "x"}]),
        ("attachments", [{"name": "a", "uri": "x", "contentType": "text/plain\nX: y"}]),
        ("from", "a@example.com, b@example.com"),
        ("from", ""),
        ("to", ""),
        ("to", "nobody"),
        ("to", "a@b@c"),
        ("to", "a b@example.com"),
        ("to", "<script>@example.com"),
    ],
)
def test_headers_cannot_be_injected(server: Server, name: str, value: Any) -> None:
    assert refusal({**MAIL, name: value}, settings=server.settings).code == "GOV831"
    assert refusal(
        {**MAIL, name: "{{ inputs.v }}"}, settings=server.settings, variables={"inputs": {"v": value}}
    ).code in (
        "GOV831",
        "GOV801",
    )
    assert server.inbox.envelopes == []


def test_no_server_is_known() -> None:
    error = refusal(MAIL)
    assert error.code == "GOV830"
    assert "mail_host" in (error.hint or "")


def test_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    error = refusal({**MAIL, "host": "127.0.0.1", "port": port, "transportStrategy": "SMTP"})
    assert (error.code, "refused" in error.message) == ("GOV832", True)


@pytest.fixture
def silent() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_server_that_does_not_answer(silent: int) -> None:
    props = {**MAIL, "host": "127.0.0.1", "port": silent, "transportStrategy": "SMTP", "sessionTimeout": 200}
    error = refusal(props)
    assert (error.code, "timed out" in error.message) == ("GOV832", True)


def test_killed_while_the_server_does_not_answer(server: Server, tmp_path: Path) -> None:
    release = threading.Event()

    async def slow(*_: Any) -> str:
        while not release.is_set():
            await asyncio.sleep(0.01)
        return "250 OK"

    server.inbox.handle_DATA = slow  # type: ignore[method-assign]
    context = TestContext(tmp_path, settings=server.settings)
    threading.Timer(0.3, context.cancellation.request).start()
    begin = time.monotonic()
    with pytest.raises(TaskError, match="killed"):
        run_task(MailSend, MAIL, context=context)
    assert time.monotonic() - begin < 5
    release.set()


def test_one_receiver_refused(server: Server) -> None:
    result = run_task(MailSend, {**MAIL, "to": "nobody@example.com, a@example.com"}, settings=server.settings)
    assert result.outputs["refused"] == {"nobody@example.com": "550 no such user"}
    assert len(result.warnings) == 1
    assert server.inbox.envelopes[0].rcpt_tos == ["a@example.com"]


def test_all_receivers_refused(server: Server) -> None:
    error = refusal({**MAIL, "to": "nobody@example.com"}, settings=server.settings)
    assert (error.code, "no such user" in error.message) == ("GOV834", True)


def test_mail_refused(server: Server) -> None:
    error = refusal({**MAIL, "plainTextContent": "refuse me"}, settings=server.settings)
    assert (error.code, "I do not like this" in error.message) == ("GOV834", True)


def test_login_by_settings(auth_server: Server) -> None:
    settings = {**auth_server.settings, "mail.username": "ada", "mail.password_secret": "MAIL"}
    result = run_task(MailSend, MAIL, settings=settings, secrets={"MAIL": "hunter2"})
    assert len(auth_server.inbox.envelopes) == 1
    assert "hunter2" in result.context.masked


def test_login_in_the_task(auth_server: Server) -> None:
    props = {**MAIL, "host": "127.0.0.1", "port": "{{ inputs.port }}", "transportStrategy": "SMTP", "username": "ada"}
    variables = {"inputs": {"port": auth_server.port}}
    run_task(MailSend, {**props, "password": "hunter2"}, variables=variables)
    error = refusal({**props, "password": "wrong"}, variables=variables)
    assert (error.code, "'ada'" in error.message, "wrong" in str(error)) == ("GOV833", True, False)


def test_login_needed(auth_server: Server) -> None:
    assert refusal(MAIL, settings=auth_server.settings).code == "GOV834"


def test_no_password_to_another_host_without_tls(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *args, **more: real("127.0.0.1" if host == "mail.test" else host, *args, **more),
    )
    props = {
        **MAIL,
        "host": "mail.test",
        "port": server.port,
        "transportStrategy": "SMTP",
        "username": "a",
        "password": "b",
    }
    assert refusal(props).code == "GOV835"


def test_starttls(starttls_server: Server, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    props = {**MAIL, "host": "localhost", "port": starttls_server.port, "transportStrategy": "SMTP_TLS"}
    assert refusal(props).code == "GOV835"  # Nobody vouches for the certificate.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    run_task(MailSend, props)
    assert len(starttls_server.inbox.envelopes) == 1


def test_starttls_is_not_offered(server: Server) -> None:
    props = {**MAIL, "host": "127.0.0.1", "port": server.port, "transportStrategy": "SMTP_TLS"}
    assert refusal(props).code == "GOV835"
    assert server.inbox.envelopes == []


def test_smtps_is_the_default_of_a_task_with_its_own_server(
    smtps_server: Server, server: Server, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    run_task(MailSend, {**MAIL, "host": "localhost", "port": smtps_server.port})
    assert len(smtps_server.inbox.envelopes) == 1
    assert refusal({**MAIL, "host": "127.0.0.1", "port": server.port}).code == "GOV835"


def test_checked_beforehand() -> None:
    for props in ({"transportStrategy": "PIGEON"}, {"sessionTimeout": 0}, {"attachments": [{"name": "x"}]}):
        with pytest.raises(TaskError) as caught:
            check(MailSend, {**MAIL, **props})
        assert caught.value.code == "GOV801"


def test_a_number_may_come_from_an_expression() -> None:
    assert check(MailSend, {**MAIL, "sessionTimeout": "{{ vars.patience }}"}) is not None


def test_note_about_a_missing_server() -> None:
    assert "mail_host" in check(MailSend, MAIL)[0]
    assert check(MailSend, {**MAIL, "host": "mail.example.com"}) == []


@pytest.mark.parametrize("example", MailSend.examples)
def test_examples(server: Server, tmp_path: Path, example: str) -> None:
    context = TestContext(tmp_path, settings=server.settings)
    file = context.files.put_bytes(b"1", "numbers.csv")
    inputs = {"host": "127.0.0.1", "port": server.port, "file": file}
    context.variables = {"flow": {"id": "demo"}, "inputs": inputs}
    task = yaml.safe_load(example)
    assert task.pop("id")
    assert task.pop("type") == MailSend.type_name
    run_task(MailSend, task, context=context)
    assert len(server.inbox.envelopes) == 1


def test_a_sent_mail_is_not_sent_again() -> None:
    assert not MailSend.repeatable
