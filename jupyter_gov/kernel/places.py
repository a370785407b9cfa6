"""Says where a gate can be decided by somebody who does not sit at this notebook."""

from __future__ import annotations

import json
import os
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from jupyter_gov.kernel.snapshot_types import SERVER_PATH
from jupyter_gov.service.words import decide_commands


def where_to_decide(approval_id: str) -> str:
    """Return the commands, and the address at a running Jupyter server if there is one."""
    approve, reject = decide_commands(approval_id)
    lines = [f"  {approve}", f"  {reject}"]
    server = server_url()
    if server:
        lines.append(f"  {server.rstrip('/')}{SERVER_PATH}/approvals/{approval_id}")
    return "\n".join(lines)


def server_url() -> str | None:
    """Return the address of this user's Jupyter server, the one that started us first; never with its token."""
    parent = os.environ.get("JPY_PARENT_PID")
    found: list[tuple[bool, str]] = []
    for path in sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
        try:
            server = json.loads(path.read_text(encoding="utf-8"))
            pid, url = int(server["pid"]), str(server["url"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if Path(f"/proc/{pid}").exists() or not Path("/proc").exists():
            found.append((str(pid) != parent, url))
    return min(found)[1].split("?")[0] if found else None
