"""Asking web servers, against real ones on this host."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.testing import TaskResult, TestContext, check, run_task
from jupyter_gov.runtime.sealing import Sealer
from jupyter_gov.tasks.http.download import Download
from jupyter_gov.tasks.http.request import Request
from tests.runtime.rig import run_of
from tests.tasks.alone import alone
from tests.tasks.web import Web, make_certificate, web


@pytest.fixture
def server() -> Iterator[Web]:
    with web() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Web]:
    with web() as running:
        yield running


@pytest.fixture
def kit(tmp_path: Path) -> TestContext:
    return TestContext(tmp_path, secrets={"TOKEN": "hush-hush"})


def ask(kit: TestContext, uri: str, **props: Any) -> TaskResult:
    return run_task(Request, {"uri": uri, **props}, context=kit)


def told(kit: TestContext, uri: str, **props: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(kit, uri, **props).outputs["body"])
    return found


def fails(kit: TestContext, uri: str, **props: Any) -> TaskError:
    with pytest.raises(TaskError) as caught:
        ask(kit, uri, **props)
    return caught.value


def test_get(kit: TestContext, server: Web) -> None:
    outputs = ask(kit, f"{server.url}/x?a={{{{ 1 }}}}", headers={"X-Team": "{{ 'gov' }}"}).outputs
    body = json.loads(outputs["body"])
    assert (outputs["code"], outputs["uri"]) == (200, f"{server.url}/x?a=1")
    assert outputs["headers"]["content-type"] == ["application/json"]
    assert (body["method"], body["path"]) == ("GET", "/x?a=1")
    assert (body["headers"]["x-team"], body["headers"]["user-agent"]) == ("gov", "jupyter_gov")


def test_parameters(kit: TestContext, server: Web) -> None:
    params = {"q": "a b&c", "n": [1, 2], "t": True, "none": None}
    assert told(kit, f"{server.url}/x", params=params)["path"] == "/x?q=a+b%26c&n=1&n=2&t=true&none="


@pytest.mark.parametrize(
    ("props", "body", "kind"),
    [
        ({"body": '{"a": "{{ 1 }}"}'}, '{"a": "1"}', "application/json"),
        ({"body": {"a": ["ü"]}}, '{"a": ["Ã¼"]}', "application/json"),
        ({"body": "x", "contentType": "text/plain"}, "x", "text/plain"),
        ({"body": "x", "headers": {"content-type": "text/csv"}}, "x", "text/csv"),
        ({"formData": {"a": "1 2", "b": True}}, "a=1+2&b=true", "application/x-www-form-urlencoded"),
        ({}, "", None),
    ],
)
def test_bodies(kit: TestContext, server: Web, props: dict[str, Any], body: str, kind: str | None) -> None:
    found = told(kit, server.url, method="post", **props)
    assert (found["method"], found["body"], found["headers"].get("content-type")) == ("POST", body, kind)


def test_a_form_with_files(kit: TestContext, server: Web) -> None:
    uri = kit.files.put_bytes(b"a,b\n", "data.csv")
    form = {"plain": "text", "one": uri, "two": {"name": "other.csv", "content": uri}}
    body = told(kit, server.url, method="POST", formData=form, contentType="multipart/form-data")["body"]
    assert 'name="plain"\r\n\r\ntext\r\n' in body
    assert 'name="one"; filename="data.csv"' in body
    assert 'name="two"; filename="other.csv"' in body
    assert body.count("a,b\n") == 2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"auth": {"type": "BASIC", "username": "ada", "password": "{{ vars.pw }}"}},
            "Basic " + base64.b64encode(b"ada:hush").decode(),
        ),
        ({"auth": {"type": "bearer", "token": "t"}}, "Bearer t"),
        ({"basicAuthUser": "ada", "basicAuthPassword": "hush"}, "Basic " + base64.b64encode(b"ada:hush").decode()),
    ],
)
def test_identity(kit: TestContext, server: Web, options: dict[str, Any], expected: str) -> None:
    kit.variables = {"vars": {"pw": "hush"}}
    assert told(kit, server.url, options=options)["headers"]["authorization"] == expected
    assert kit.redact("hush t") != "hush t"


def test_a_password_in_the_address_is_not_told(kit: TestContext, server: Web) -> None:
    uri = server.url.replace("://", "://ada:hush@")
    outputs = ask(kit, uri).outputs
    assert "authorization" in json.loads(outputs["body"])["headers"]
    assert outputs["uri"].rstrip("/") == server.url
    assert "hush" not in fails(kit, "ftp://ada:hush@host/").message


def test_incomplete_identities_are_told_before_the_start() -> None:
    for auth in ({"type": "BEARER"}, {"type": "BASIC"}):
        with pytest.raises(TaskError, match="needs"):
            check(Request, {"uri": "http://x", "options": {"auth": auth}})


@pytest.mark.parametrize("code", [400, 404, 500])
def test_codes_that_fail(kit: TestContext, server: Web, code: int) -> None:
    error = fails(kit, f"{server.url}/code/{code}")
    assert (error.code, str(code) in error.message) == ("GOV884", True)
    assert (error.outputs or {})["code"] == code
    assert (error.details or {})["body"] == "nothing here"
    for props in (
        {"allowFailed": True},
        {"options": {"allowFailed": True}},
        {"options": {"allowedResponseCodes": [code]}},
    ):
        assert ask(kit, f"{server.url}/code/{code}", **props).outputs["body"] == "nothing here"


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "ftp://host/x",
        "kestra:///x",
        "/x",
        "",
        "http://",
        "http://[",
        "gopher://127.0.0.1",
        "http://a b/",
    ],
)
def test_what_is_no_address_of_a_web_server(kit: TestContext, uri: str) -> None:
    assert fails(kit, uri).code == "GOV880"


@pytest.mark.parametrize("headers", [{"A": "x\r\nB: y"}, {"A\r\nB": "y"}, {"": "x"}, {"A:": "x"}])
def test_headers_that_would_be_more_than_one(kit: TestContext, server: Web, headers: dict[str, str]) -> None:
    assert fails(kit, server.url, headers=headers).code == "GOV880"
    assert server.asked == []


def test_redirects(kit: TestContext, server: Web) -> None:
    uri = f"{server.url}/to/x?url=/there"
    outputs = ask(kit, uri, headers={"X-Key": "k"}).outputs
    assert outputs["uri"] == f"{server.url}/there"
    assert json.loads(outputs["body"])["headers"]["x-key"] == "k"
    stays = ask(kit, uri, options={"followRedirects": False}).outputs
    assert (stays["code"], stays["headers"]["location"]) == (302, ["/there"])
    kept = told(kit, f"{uri}&code=307", method="POST", body="x")
    assert (kept["method"], kept["body"]) == ("POST", "x")


def test_what_identifies_us_goes_to_no_other_server(kit: TestContext, server: Web, other: Web) -> None:
    uri = f"{server.url}/to/x?url={other.url}/there"
    options = {"auth": {"type": "BEARER", "token": "hush"}}
    headers = {"X-Api-Key": "hush", "Cookie": "hush=1", "Accept": "text/x"}
    found = told(kit, uri, headers=headers, options=options)["headers"]
    assert found["accept"] == "text/x"
    assert "hush" not in json.dumps(found)
    assert server.asked[0][2]["Authorization"] == "Bearer hush"


@pytest.mark.parametrize(
    ("path", "code"),
    [("/to/x?url=file:///etc/passwd", "GOV882"), ("/to/x?url=ftp://x/y", "GOV882"), ("/loop/", "GOV882")],
)
def test_redirects_that_are_not_followed(kit: TestContext, server: Web, path: str, code: str) -> None:
    assert fails(kit, server.url + path).code == code


def test_character_sets(kit: TestContext, server: Web) -> None:
    assert ask(kit, f"{server.url}/latin").outputs["body"] == "grün"


def test_headers_with_several_values(kit: TestContext, server: Web) -> None:
    assert ask(kit, f"{server.url}/cookies").outputs["headers"]["set-cookie"] == ["a=1", "b=2"]


def test_no_proxy_by_surprise(kit: TestContext, server: Web, other: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert ask(kit, server.url).outputs["code"] == 200
    port = other.server_address[1]
    for options in (
        {"proxy": {"address": "127.0.0.1", "port": port}},
        {"proxyAddress": "127.0.0.1", "proxyPort": port},
    ):
        assert told(kit, f"{server.url}/x", options=options)["path"] == f"{server.url}/x"
    assert len(other.asked) == 2
    assert (
        ask(kit, server.url, options={"proxyAddress": "127.0.0.1", "proxyPort": 1, "proxyType": "DIRECT"}).outputs[
            "code"
        ]
        == 200
    )


def test_answers_are_bounded(kit: TestContext, server: Web) -> None:
    options = {"maxContentLength": 5000}
    for path in ("/bomb/100000", "/endless"):
        assert fails(kit, server.url + path, options=options).code == "GOV885"
    told = "x" * 6000
    assert fails(kit, server.url, method="POST", body=told, options=options).code == "GOV885"
    assert len(ask(kit, f"{server.url}/bomb/5000", options=options).outputs["body"]) == 5000


def test_a_server_that_does_not_answer(kit: TestContext, server: Web) -> None:
    error = fails(kit, f"{server.url}/silent", options={"timeout": {"readIdleTimeout": "PT0.2S"}})
    assert (error.code, "0.2 s" in error.message) == ("GOV881", True)
    assert fails(kit, "http://127.0.0.1:1/").code == "GOV881"
    assert fails(kit, "http://no-such-host.invalid/").code == "GOV881"


def test_a_killed_task_stops_waiting(kit: TestContext, server: Web) -> None:
    def kill() -> None:
        server.reached.wait(30)
        kit.cancellation.request()

    thread = threading.Thread(target=kill)
    thread.start()
    begun = time.monotonic()
    assert fails(kit, f"{server.url}/silent").code == "GOV811"
    thread.join()
    assert time.monotonic() - begun < 30


def test_certificates_are_checked(kit: TestContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path / "pair.pem")
    with web(certificate) as safe:
        error = fails(kit, safe.url)
        assert (error.code, "SSL_CERT_FILE" in str(error.hint)) == ("GOV883", True)
        insecure = {"ssl": {"insecureTrustAllCertificates": True}}
        assert fails(kit, safe.url, options=insecure).code == "GOV883"
        assert "always checked" in check(Request, {"uri": "x", "options": insecure})[0]
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert ask(kit, safe.url).outputs["code"] == 200
        with web() as plain:
            assert fails(kit, f"{safe.url}/to/x?url={plain.url}/").code == "GOV882"
            assert plain.asked == []


def test_a_sealed_body(kit: TestContext, server: Web) -> None:
    outputs = ask(kit, server.url, encryptBody=True).outputs
    assert outputs["body"] is None
    assert outputs["encryptedBody"]["type"] == "io.kestra.datatype:aes_encrypted"
    error = fails(kit, f"{server.url}/code/500", encryptBody=True)
    assert "nothing here" not in str([error.message, error.details, error.outputs])


def download(kit: TestContext, uri: str, **props: Any) -> TaskResult:
    return run_task(Download, {"uri": uri, **props}, context=kit)


def test_download(kit: TestContext, server: Web) -> None:
    found = download(kit, f"{server.url}/file/data.csv")
    assert found.outputs["uri"].endswith("/data.csv")
    assert (found.outputs["code"], found.outputs["length"]) == (200, 8)
    assert found.path(found.outputs["uri"]).read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="a b.csv"', "a b.csv"),
        ("attachment; filename*=UTF-8''gr%C3%BCn.csv", "grün.csv"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ("attachment", "data"),
    ],
)
def test_names_of_downloads(kit: TestContext, server: Web, header: str, name: str) -> None:
    uri = download(kit, f"{server.url}/file/data", params={"as": header}).outputs["uri"]
    assert uri.rpartition("/")[2] == name


def test_downloads_that_fail(kit: TestContext, server: Web) -> None:
    for path, code in (("/code/404", "GOV884"), ("/cookies", "GOV886"), ("/endless", "GOV885")):
        with pytest.raises(TaskError) as caught:
            download(kit, server.url + path, options={"maxContentLength": 5000})
        assert caught.value.code == code
    assert download(kit, f"{server.url}/cookies", failOnEmptyResponse=False).outputs["length"] == 0
    assert download(kit, f"{server.url}/bomb/100000").outputs["length"] == 100_000


def test_in_a_flow(tmp_path: Path, server: Web) -> None:
    key = base64.b64encode(b"k" * 32).decode()
    with alone(tmp_path, settings={"encryption.key": key}) as task:
        ask = {"type": "io.kestra.plugin.fs.http.Request", "uri": f"{server.url}/x", "encryptBody": True}
        ended = task.execution(ask)
        outputs = run_of(ended, "t0").outputs or {}
        assert outputs["body"] is None
        assert json.loads(Sealer(key).open(outputs["encryptedBody"]["value"]))["path"] == "/x"
        assert '"/x"' not in json.dumps(outputs)
