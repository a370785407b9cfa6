"""Secrets from the environment, from files and from a keyring: which one answers, what is refused, what is hidden."""

from __future__ import annotations

import base64
import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from jupyter_gov.config import JupyterGov
from jupyter_gov.errors import InstallationError, TaskError
from jupyter_gov.runtime import secret_files
from jupyter_gov.runtime.secrets import from_settings
from tests.bad_input.conftest import contents
from tests.runtime.rig import Rig, chain, run_of

HUSH = "Zebra-12-3456"


class Drawer(keyring.backend.KeyringBackend):
    """A keyring as a third party would write one: it keeps its entries in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked(f"no entry {username}, the passphrase {HUSH} is wrong")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@pytest.fixture
def drawer() -> Iterator[Drawer]:
    before = keyring.get_keyring()
    made = Drawer()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def _settings(*providers: str, path: Path | None = None, **more: object) -> dict[str, object]:
    return {"secrets.providers": providers, "secrets.path": None if path is None else str(path), **more}


def _file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "secrets"
    made.mkdir(mode=0o700)
    return made


def _refused(secrets, name: str, code: str) -> TaskError:
    with pytest.raises(TaskError) as caught:
        secrets.get(name, "n")
    assert caught.value.code == code
    assert HUSH not in f"{caught.value} {caught.value.hint}"
    return caught.value


# --- the order ----------------------------------------------------------------------------------------------------


def test_the_first_provider_that_knows_the_name_answers(folder: Path, drawer: Drawer) -> None:
    _file(folder / "A", "file")
    _file(folder / "B", "file")
    for name in "ABC":
        keyring.set_password("jupyter_gov", name, "keyring")
    environment = {"SECRET_A": base64.b64encode(b"environment").decode()}
    secrets = from_settings(environment, _settings("environment", "file", "keyring", path=folder))
    assert [secrets.get(name, "n") for name in "ABC"] == ["environment", "file", "keyring"]
    secrets = from_settings(environment, _settings("keyring", "environment", path=folder))
    assert secrets.get("A", "n") == "keyring"


def test_what_is_not_found_names_the_secret_and_all_places(folder: Path, drawer: Drawer) -> None:
    secrets = from_settings({}, _settings("environment", "file", "keyring", path=folder))
    error = _refused(secrets, "token", "GOV860")
    assert "'token'" in error.message
    for place in ("SECRET_TOKEN", str(folder), "jupyter_gov in the keyring"):
        assert place in str(error.hint)


def test_the_settings_choose_the_order_and_nothing_unknown(monkeypatch, folder: Path) -> None:
    monkeypatch.setenv("JUPYTER_GOV_SECRET_PROVIDERS", "file")
    monkeypatch.setenv("JUPYTER_GOV_SECRET_PATH", str(folder))
    _file(folder / "T", "from file")
    encoded = {"SECRET_T": base64.b64encode(b"from environment").decode()}
    assert from_settings(encoded, JupyterGov().task_settings()).get("T", "n") == "from file"
    monkeypatch.setenv("JUPYTER_GOV_SECRET_PROVIDERS", "vault")
    with pytest.raises(InstallationError, match="GOV920"):
        JupyterGov()


def test_by_default_neither_keyring_nor_files_are_touched(drawer: Drawer, monkeypatch) -> None:
    monkeypatch.delenv("JUPYTER_GOV_SECRET_PROVIDERS", raising=False)
    keyring.set_password("jupyter_gov", "T", HUSH)
    error = _refused(from_settings({}, JupyterGov().task_settings()), "T", "GOV860")
    assert "keyring" not in str(error.hint)


@pytest.mark.parametrize("provider", ["file", "keyring"])
def test_a_secret_of_any_provider_can_be_kept_to_namespaces(provider: str, folder: Path, drawer: Drawer) -> None:
    _file(folder / "KEY", HUSH)
    keyring.set_password("jupyter_gov", "KEY", HUSH)
    kept = {"secrets.namespaces": {"key": ("company.team",)}}
    secrets = from_settings({}, _settings(provider, path=folder, **kept))
    assert secrets.get("KEY", "company.team.ai") == HUSH
    with pytest.raises(TaskError, match="kept from namespace 'company'"):
        secrets.get("KEY", "company")


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "given"),
    [("abc", "abc"), ("abc\n", "abc"), ("abc\r\n", "abc"), ("a\nb\n", "a\nb\n"), ("", ""), (" ü ", " ü ")],
)
def test_a_file_of_a_folder_is_its_text_without_the_line_end(folder: Path, written: str, given: str) -> None:
    (folder / "S").write_bytes(written.encode())
    (folder / "S").chmod(0o400)
    assert from_settings({}, _settings("file", path=folder)).get("S", "n") == given


def test_a_folder_as_kubernetes_mounts_it(folder: Path) -> None:
    data = folder / "..2026_01_01"
    data.mkdir()
    _file(data / "db-password", HUSH, 0o400)
    (folder / "..data").symlink_to(data.name)
    (folder / "db-password").symlink_to("..data/db-password")
    secrets = from_settings({}, _settings("file", path=folder))
    assert secrets.get("db-password", "n") == HUSH
    assert secrets.get("DB-PASSWORD", "n") == HUSH
    _file(data / "db-password-2", "rotated")
    (folder / "db-password").unlink()
    (folder / "db-password").symlink_to("..data/db-password-2")
    assert secrets.get("db-password", "n") == "rotated"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "..data", "", "a/b", "."])
def test_a_name_leads_nowhere_else(folder: Path, name: str) -> None:
    _file(folder.parent / "outside", HUSH)
    _refused(from_settings({}, _settings("file", path=folder)), name, "GOV860")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o660])
def test_a_file_that_others_may_read_is_refused(folder: Path, mode: int) -> None:
    path = _file(folder / "S", HUSH, mode)
    error = _refused(from_settings({}, _settings("file", path=folder)), "S", "GOV888")
    assert str(path) in error.message
    assert f"{mode:04o}" in error.message
    assert "chmod 600" in str(error.hint)
    one = _file(folder.parent / "all.env", f"S={HUSH}", mode)
    _refused(from_settings({}, _settings("file", path=one)), "S", "GOV888")


@pytest.mark.parametrize(
    ("owner", "mode", "fine"), [(0, 0o440, True), (0, 0o444, False), (0, 0o460, False), (1000, 0o440, False)]
)
def test_an_account_that_is_not_root_may_read_a_mounted_file_by_its_group(monkeypatch, owner, mode, fine) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = os.stat_result((stat.S_IFREG | mode, 1, 1, 1, owner, 1000, 5, 0, 0, 0))
    with contextlib.nullcontext() if fine else pytest.raises(TaskError, match="Others than its owner"):
        secret_files._refuse_open(Path("/run/secrets/S"), found)


def test_a_folder_that_others_may_write_is_refused(folder: Path) -> None:
    _file(folder / "S", HUSH)
    folder.chmod(0o777)
    _refused(from_settings({}, _settings("file", path=folder)), "S", "GOV888")


def test_a_refused_file_is_not_passed_over(folder: Path, drawer: Drawer) -> None:
    keyring.set_password("jupyter_gov", "S", "another one")
    _file(folder / "S", HUSH, 0o644)
    _refused(from_settings({}, _settings("file", "keyring", path=folder)), "S", "GOV888")


def test_names_that_differ_in_case_only_are_not_guessed(folder: Path) -> None:
    _file(folder / "Key", "one")
    _file(folder / "kEY", "two")
    secrets = from_settings({}, _settings("file", path=folder))
    assert secrets.get("Key", "n") == "one"
    assert "Key, kEY" in _refused(secrets, "KEY", "GOV888").message


def test_what_is_no_secret_file_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "D").mkdir(mode=0o700)
    (folder / "B").write_bytes(b"\xff\xfe")
    (folder / "B").chmod(0o600)
    _file(folder / "L", "x" * 1_000_001)
    secrets = from_settings({}, _settings("file", path=folder))
    for name in "DBL":
        _refused(secrets, name, "GOV888")
    _refused(from_settings({}, _settings("file", path=tmp_path / "nowhere")), "S", "GOV888")


DOTENV = f"""\
# a comment
PLAIN={HUSH}
export SPACED = a b  # not this
SINGLE='a # "b" \\n'
DOUBLE="a # 'b'\\n\\"c\\" \\$d"
EMPTY=
HASH=a#b
"""
YAML = f"PLAIN: {HUSH}\nZEROS: 007\nYES: yes\nLINES: |\n  a\n  b\n"


def test_one_dotenv_file_for_all(tmp_path: Path) -> None:
    secrets = from_settings({}, _settings("file", path=_file(tmp_path / ".env", DOTENV)))
    expected = {"PLAIN": HUSH, "plain": HUSH, "SPACED": "a b", "SINGLE": 'a # "b" \\n', "EMPTY": "", "HASH": "a#b"}
    assert {name: secrets.get(name, "n") for name in expected} == expected
    assert secrets.get("DOUBLE", "n") == "a # 'b'\n\"c\" $d"
    _refused(secrets, "NOBODY", "GOV860")


def test_one_yaml_file_for_all_holds_texts_as_written(tmp_path: Path) -> None:
    secrets = from_settings({}, _settings("file", path=_file(tmp_path / "s.yaml", YAML)))
    expected = {"PLAIN": HUSH, "ZEROS": "007", "YES": "yes", "LINES": "a\nb\n"}
    assert {name: secrets.get(name, "n") for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        (".env", f"A=1\n{HUSH}\n", 2),
        (".env", f'A="{HUSH}\n', 1),
        ("s.yaml", f"A: 1\nB: [{HUSH}\n", 3),
        ("s.yaml", f"- {HUSH}\n", 1),
        ("s.yaml", f"A: 1\nB: [{HUSH}]\n", 2),
        ("s.yaml", f"A: 1\nA: {HUSH}\n", 2),
    ],
)
def test_a_file_that_cannot_be_understood_names_the_line_and_shows_nothing(tmp_path, name, text, line) -> None:
    error = _refused(from_settings({}, _settings("file", path=_file(tmp_path / name, text))), "A", "GOV888")
    assert f"line {line}:" in error.message


# --- the keyring ----------------------------------------------------------------------------------------------------


def test_the_keyring_is_asked_for_its_service_as_written_and_in_capitals(drawer: Drawer) -> None:
    keyring.set_password("ours", "TOKEN", HUSH)
    secrets = from_settings({}, _settings("keyring", **{"secrets.keyring_service": "ours"}))
    assert secrets.get("TOKEN", "n") == secrets.get("token", "n") == HUSH
    _refused(from_settings({}, _settings("keyring")), "TOKEN", "GOV860")


def test_a_locked_keyring_says_so_and_no_more(drawer: Drawer) -> None:
    drawer.locked = True
    error = _refused(from_settings({}, _settings("keyring")), "TOKEN", "GOV889")
    assert "KeyringLocked" in error.message


def test_without_the_package_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    error = _refused(from_settings({}, _settings("keyring")), "TOKEN", "GOV889")
    assert "jupyter_gov[keyring]" in str(error.hint)


def test_the_package_is_imported_only_when_it_is_asked(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    encoded = {"SECRET_A": base64.b64encode(b"a").decode()}
    assert from_settings(encoded, _settings("environment", "keyring")).get("A", "n") == "a"


# --- in a run -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["environment", "file", "keyring"])
def test_a_secret_of_any_provider_is_masked_and_never_stored(
    rig: Rig, drawer: Drawer, folder: Path, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    _file(folder / "TOKEN", HUSH)
    keyring.set_password("jupyter_gov", "TOKEN", HUSH)
    environment = {"SECRET_TOKEN": base64.b64encode(HUSH.encode()).decode()}
    caplog.set_level("DEBUG")
    rig.loop(secrets=from_settings(environment, _settings(provider, path=folder)))
    ended = rig.wait(rig.start(chain(1, "probe.Tell")))
    assert dict(run_of(ended, "t0").outputs or {})["secret"] == "<********>"
    assert "INFO the secret is ********" in rig.logs(ended.id)
    assert HUSH not in repr(contents(rig.folder / "store.db"))
    assert HUSH not in caplog.text


def test_a_refused_file_fails_the_task_and_names_the_code(rig: Rig, folder: Path) -> None:
    _file(folder / "TOKEN", HUSH, 0o644)
    rig.loop(secrets=from_settings({}, _settings("file", path=folder)))
    ended = rig.wait(rig.start(chain(1, "probe.Tell")))
    failure = run_of(ended, "t0").failure
    assert failure is not None
    assert failure.code == "GOV888"
    assert HUSH not in repr(contents(rig.folder / "store.db"))
