"""What namespaces keep, and cleaning up, through the real program."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_gov.errors import StoreError
from jupyter_gov.service.api import Gov
from jupyter_gov.service.identity import local_actor
from tests.cli.conftest import Cli

SPACE = "company.team"


class TestValues:
    def test_set_get_list_delete(self, cli: Cli) -> None:
        assert cli("kv", "set", SPACE, "region", "north").code == 0
        assert cli("kv", "set", SPACE, "limits", '{"a": [1, 2]}', "--ttl", "PT1H").code == 0
        assert cli("kv", "get", SPACE, "region").out == "north\n"
        assert cli("kv", "get", SPACE, "limits", "--json").json["value"] == {"a": [1, 2]}
        listed = cli("kv", "list", SPACE, "--json").json
        assert [one["key"] for one in listed] == ["limits", "region"]
        assert [one["expires"] is not None for one in listed] == [True, False]
        assert cli("kv", "list", SPACE, "--prefix", "re").out.splitlines()[-1].strip() == "region"
        assert cli("kv", "delete", SPACE, "region").code == 0
        assert cli("kv", "delete", SPACE, "region").code == 1
        assert cli("kv", "get", SPACE, "region").code == 1

    def test_what_is_refused_changes_nothing(self, cli: Cli, gov: Gov) -> None:
        gov.kv.set(SPACE, "region", "north", local_actor())
        sealed = '{"type": "io.kestra.datatype:aes_encrypted", "value": "x"}'
        for words, code in (
            (("set", SPACE, "region", "south", "--no-overwrite"), "GOV745"),
            (("set", "Not A Namespace", "region", "south"), "GOV717"),
            (("set", SPACE, "x", sealed), "GOV871"),
            (("set", SPACE, "x", "twelve", "--type", "NUMBER"), "GOV872"),
        ):
            refused = cli("kv", *words)
            assert refused.code != 0
            assert code in refused.err
        assert gov.kv.keys(SPACE, local_actor()) == ["region"]
        assert gov.kv.get(SPACE, "region", local_actor()) == "north"

    def test_control_characters_are_shown_as_signs(self, cli: Cli, gov: Gov) -> None:
        gov.kv.set(SPACE, "x", "a\x1b[2Kb", local_actor())
        assert "\x1b" not in cli("kv", "get", SPACE, "x").out

    def test_every_change_is_on_record(self, gov: Gov) -> None:
        gov.kv.set(SPACE, "region", "north", local_actor())
        gov.kv.delete(SPACE, "region", local_actor())
        told = gov.audit.entries(local_actor(), f"kv/{SPACE}")
        assert [entry.action for entry in told] == ["kv.set", "kv.deleted"]
        assert "north" not in str([entry.body for entry in told])


class TestFiles:
    def test_put_get_list_delete(self, cli: Cli, home: Path) -> None:
        (home / "users.sql").write_text("SELECT 1\n")
        assert cli("namespace-files", "put", SPACE, "users.sql", "queries/users.sql").code == 0
        assert cli("namespace-files", "put", SPACE, "-", "notes.txt", stdin="hello").code == 0
        assert cli("namespace-files", "get", SPACE, "queries/users.sql").out == "SELECT 1\n"
        assert cli("namespace-files", "get", SPACE, "notes.txt", "-o", "copy.txt").code == 0
        assert (home / "copy.txt").read_text() == "hello"
        listed = cli("namespace-files", "list", SPACE, "--json").json
        assert [(one["path"], one["size"]) for one in listed] == [("notes.txt", 5), ("queries/users.sql", 9)]
        assert cli("namespace-files", "delete", SPACE, "notes.txt").code == 0
        assert cli("namespace-files", "delete", SPACE, "notes.txt").code == 1

    def test_what_is_refused(self, cli: Cli, home: Path, gov: Gov) -> None:
        (home / "users.sql").write_text("SELECT 1\n")
        gov.namespace_files.put(SPACE, "users.sql", home / "users.sql", local_actor())
        for words, code in (
            (("put", SPACE, "missing.txt"), "GOV350"),
            (("put", SPACE, "."), "one by one"),
            (("put", SPACE, "users.sql", "../up.sql"), "GOV878"),
            (("put", SPACE, "users.sql", "--no-overwrite"), "GOV747"),
            (("get", SPACE, "other.sql"), "GOV716"),
            (("get", SPACE, "users.sql", "-o", "users.sql"), "GOV352"),
        ):
            refused = cli("namespace-files", *words)
            assert refused.code != 0
            assert code in refused.err
        with pytest.raises(StoreError, match="no name"):
            gov.namespace_files.put("No Namespace", "users.sql", b"x", local_actor())
        assert [one.path for one in gov.namespace_files.list(SPACE, local_actor())] == ["users.sql"]


class TestCleaningUp:
    def test_only_with_apply_and_only_what_nothing_needs(self, cli: Cli, home: Path, gov: Gov) -> None:
        for text in (b"first", b"second"):
            gov.namespace_files.put(SPACE, "notes.txt", text, local_actor())
        moment = time.time() - 3 * 86400
        blobs = [path for path in home.parent.rglob("sha256/??/*") if path.is_file()]
        for blob in blobs:
            os.utime(blob, (moment, moment))
        dry = cli("files", "gc", "--json").json
        assert (dry["files"], dry["bytes"], dry["deleted"]) == (1, 5, 0)
        assert "--apply" in cli("files", "gc").out
        applied = cli("files", "gc", "--apply", "--json").json
        assert (applied["deleted"], applied["freed"]) == (1, 5)
        assert cli("namespace-files", "get", SPACE, "notes.txt").out == "second"
        assert [entry.action for entry in gov.audit.entries(local_actor(), "admin")] == ["files.collected"]
        assert cli("audit", "verify").code == 0

    def test_a_short_grace_is_refused(self, gov: Gov) -> None:
        with pytest.raises(StoreError) as caught:
            gov.files.collect(local_actor(), grace=timedelta(minutes=1), apply=True)
        assert caught.value.code == "GOV719"
