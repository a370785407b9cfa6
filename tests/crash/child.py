"""A process that carries executions on until its standard input ends, or until a fault point kills it.

``python -m tests.crash.child '{"url": …, "files": …, "fault": ["commit.after", 3]}'``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from jupyter_gov.plugins.registry import Registry
from jupyter_gov.runtime.faults import KillAt, NoFaults
from jupyter_gov.runtime.loop import Loop
from jupyter_gov.store import Store
from tests.runtime.probe import TYPES
from tests.runtime.rig import RUN_AS


def main() -> None:
    options = json.loads(sys.argv[1])
    store = Store.open(options["url"], files_root=Path(options["files"]))
    fault = options.get("fault")
    loop = Loop(
        store,
        Registry(TYPES),
        settings={},
        owner=options.get("owner"),
        run_as=RUN_AS,
        faults=KillAt(*fault) if fault else NoFaults(),
        lease_ttl=options.get("ttl", 1.5),
        workers=options.get("workers", 2),
        background=True,
    )
    loop.start()
    print("ready", flush=True)
    sys.stdin.read()
    loop.stop()
    store.close()


if __name__ == "__main__":
    main()
