"""How the extension lives in its server: environment of kernels, a database that cannot be opened, versions."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp

import jupyter_gov
from jupyter_gov.kernel import snapshot_types
from jupyter_gov.server.extension import API
from tests.server.conftest import OWNER, Ask, open_gate

ROOT = Path(__file__).parents[2]


async def test_kernels_get_the_same_database(jp_serverapp: ServerApp, ask: Ask, tmp_path: Path) -> None:
    assert (await ask("health")).status == 200
    assert os.environ["JUPYTER_GOV_DB_URL"] == str(tmp_path / "gov" / "gov.db")
    assert os.environ["JUPYTER_GOV_FILES_ROOT"] == str(tmp_path / "gov" / "files")


async def test_the_server_carries_on_what_others_left(service: Any) -> None:
    gate = await open_gate(service)
    assert (await service(lambda gov: gov.executions.get(gate.approval.execution_id, OWNER))).state == "PAUSED"


class TestStrictServer:
    """A server that refuses unmarked routes: pytest makes its warning about one an error."""

    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        jp_server_config["ServerApp"]["allow_unauthenticated_access"] = False
        return jp_server_config

    async def test_every_route_says_who_may_come(self, ask: Ask) -> None:
        assert (await ask("health")).status == 200
        assert (await ask("health", headers={})).status == 403


class TestBrokenDatabase:
    """A database that cannot be opened breaks neither the server nor the answer."""

    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
        broken = tmp_path / "broken.db"
        broken.write_bytes(b"this is no database, but it is long enough to be looked at " * 100)
        jp_server_config["JupyterGov"]["db_url"] = str(broken)
        return jp_server_config

    async def test_it_is_said(self, ask: Ask, tmp_path: Path) -> None:
        health = await ask("health")
        assert (health.status, health.body["status"]) == (200, "broken")
        assert health.body["problem"]["code"].startswith("GOV7")
        reply = await ask("approvals")
        assert (reply.status, reply.body["code"]) == (503, health.body["problem"]["code"])
        (tmp_path / "broken.db").unlink()
        assert (await ask("health")).body["status"] == "ok"


def test_there_is_one_version() -> None:
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    source = (ROOT / "labextension" / "src" / "version.ts").read_text()
    assert package["version"] == jupyter_gov.__version__
    assert re.search(r"VERSION = '(.+)'", source).group(1) == jupyter_gov.__version__  # type: ignore[union-attr]


def test_all_halves_know_the_same_address_and_level() -> None:
    tokens = (ROOT / "labextension" / "src" / "tokens.ts").read_text()
    assert snapshot_types.SERVER_PATH == API
    assert f"'{API.lstrip('/')}'" in tokens
    assert "API_LEVEL = 1;" in tokens


def test_the_snapshot_has_one_shape() -> None:
    """Python's and TypeScript's declarations name the same fields."""
    text = (ROOT / "labextension" / "src" / "model" / "snapshot.ts").read_text()
    pairs = {
        "ISnapshot": snapshot_types.Snapshot,
        "IExecution": snapshot_types.ExecutionSnapshot,
        "ITask": snapshot_types.TaskSnapshot,
        "IApproval": snapshot_types.ApprovalSnapshot,
        "IFormField": snapshot_types.FormField,
        "IGraphNode": snapshot_types.GraphNode,
        "IVote": snapshot_types.VoteSnapshot,
        "ISubject": snapshot_types.SubjectSnapshot,
        "IFailure": snapshot_types.FailureSnapshot,
        "ILogLine": snapshot_types.LogSnapshot,
        "INamedText": snapshot_types.NamedText,
    }
    for name, python in pairs.items():
        body = re.search(rf"export interface {name} \{{(.*?)\n\}}", text, re.DOTALL)
        assert body, name
        fields = set(re.findall(r"^  readonly (\w+)\??:", body.group(1), re.MULTILINE))
        assert fields == set(python.__annotations__), name
