"""Where a script runs: on the host of the worker, and later elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from jupyter_gov.plugins.nested import NestedType

_NO_CONTAINERS = (
    "{name} is not offered: scripts run as processes on the host of the worker. Remove `taskRunner`, or write "
    "io.kestra.plugin.core.runner.Process, if the script may run there"
)


class TaskRunner(NestedType):
    """Where a script runs."""

    family: ClassVar[str] = "task runner"
    later: ClassVar[Mapping[str, str]] = {
        "io.kestra.plugin.scripts.runner.": _NO_CONTAINERS,
        "io.kestra.plugin.kubernetes.": _NO_CONTAINERS,
        "io.kestra.plugin.ee.": _NO_CONTAINERS,
        "io.kestra.plugin.aws.": _NO_CONTAINERS,
        "io.kestra.plugin.gcp.": _NO_CONTAINERS,
        "io.kestra.plugin.azure.": _NO_CONTAINERS,
    }


class Process(TaskRunner):
    """Run the script as a process on the host of the worker: the default, and for now the only way.

    The script runs as the user of the worker, in a folder of its own, with an environment that holds no database URL,
    key or token. It is no sandbox: it may do what that user may do.
    """

    type_name = "io.kestra.plugin.core.runner.Process"
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: on-this-host
type: io.kestra.plugin.scripts.shell.Commands
taskRunner:
  type: io.kestra.plugin.core.runner.Process
commands:
  - uname -s
""",
    )
