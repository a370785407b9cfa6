"""Task types that leave traces, for tests of the runtime."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

from jupyter_gov.domain.states import State
from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, RunnableTask
from jupyter_gov.plugins.context import Metric

TYPES = {
    f"probe.{name}": f"tests.runtime.probe:{name}"
    for name in (
        "Touch",
        "Once",
        "Blink",
        "Fail",
        "Wait",
        "Deaf",
        "Tell",
        "Shout",
        "Read",
        "Spawn",
        "Tag",
        "Poison",
        "Here",
        "Forge",
    )
}


class Touch(RunnableTask):
    """Appends its attempt to a file, as one line, and may take its time; running it again does no harm."""

    type_name = "probe.Touch"
    repeatable = True
    file: Dynamic[str]
    seconds: Dynamic[float] = 0.0

    def run(self, ctx: Any) -> dict[str, Any]:
        line = f"{ctx.task_run.id} {ctx.task_run.task_id} {ctx.attempt} {os.getpid()}\n"
        with Path(self.file).open("a") as stream:
            stream.write(line)
        if self.seconds:
            ctx.cancellation.wait(self.seconds)
            ctx.cancellation.raise_if_requested()
        return {"line": line}


class Once(Touch):
    """As Touch, but it must not be run again by itself."""

    type_name = "probe.Once"
    repeatable = False


class Blink(Touch):
    """As Touch, in the loop's own thread."""

    type_name = "probe.Blink"
    inline: ClassVar[bool] = True


class Poison(Touch):
    """Ends the process that runs it, as a task does that takes all its memory."""

    type_name = "probe.Poison"

    def run(self, ctx: Any) -> dict[str, Any]:
        super().run(ctx)
        os.kill(os.getpid(), signal.SIGKILL)
        return {}


class Fail(RunnableTask):
    """Raises."""

    type_name = "probe.Fail"
    how: str = "task"

    def run(self, ctx: Any) -> None:
        if self.how == "task":
            raise TaskError("no luck", code="GOV899", hint="Try harder.", outputs={"half": 1})
        if self.how == "exit":
            sys.exit(3)
        raise ValueError("surprise")


class Wait(RunnableTask):
    """Waits until it is stopped."""

    type_name = "probe.Wait"
    started: ClassVar[threading.Event] = threading.Event()

    def run(self, ctx: Any) -> None:
        type(self).started.set()
        ctx.cancellation.wait(60)
        ctx.cancellation.raise_if_requested()


class Here(RunnableTask):
    """Leaves a file in its folder, and says where that is and what else it found there."""

    type_name = "probe.Here"
    write: str = "file"
    attempts: int = 1

    def run(self, ctx: Any) -> dict[str, Any]:
        found = sorted(path.name for path in ctx.working_dir.iterdir())
        (ctx.working_dir / self.write).write_text(ctx.task_run.task_id)
        if ctx.attempt < self.attempts:
            raise TaskError("not yet")
        return {"folder": str(ctx.working_dir), "found": found}


class Forge(RunnableTask):
    """Hands back what it has not sealed as if it had, or reports a task run."""

    type_name = "probe.Forge"
    output: Any = None
    task: str | None = None
    state: str = "SUCCESS"

    def run(self, ctx: Any) -> dict[str, Any]:
        if self.task is not None:
            ctx.add_task_run(self.task, State(self.state), {"value": "reported"})
        return {"value": self.output}


class Deaf(RunnableTask):
    """Does not listen when it is told to stop."""

    type_name = "probe.Deaf"
    started: ClassVar[threading.Event] = threading.Event()
    release: ClassVar[threading.Event] = threading.Event()

    def run(self, ctx: Any) -> None:
        type(self).started.set()
        type(self).release.wait(60)


class Tell(RunnableTask):
    """Uses everything that a context offers."""

    type_name = "probe.Tell"
    secret: str = "TOKEN"

    def run(self, ctx: Any) -> dict[str, Any]:
        secret = ctx.secret(self.secret)
        line = f"the secret is {secret}"
        ctx.logger.info(line)
        ctx.progress(1, 2, "half")
        ctx.metric(Metric("rows", "counter", 3, {"kind": "test"}))
        ctx.set_labels({"told": "yes"})
        ctx.warn("careful")
        uri = ctx.files.put_bytes(b"content", "a file.txt")
        (ctx.working_dir / "scratch").write_text("x")
        return {
            "secret": f"<{secret}>",
            "uri": uri,
            "text": ctx.files.read_text(uri),
            "typed": ctx.render_typed("{{ 1 + 1 }}"),
            "extra": ctx.render("{{ who }}", {"who": "Ada"}),
            "folder": str(ctx.working_dir),
        }


class Shout(RunnableTask):
    """Logs much."""

    type_name = "probe.Shout"
    lines: int = 1
    length: int = 10
    seconds: float = 0.0

    def run(self, ctx: Any) -> None:
        for number in range(self.lines):
            line = f"{number} {'x' * self.length}"
            ctx.logger.info(line)
            if self.seconds:
                time.sleep(self.seconds)
        ctx.logger.error("last words")


class Read(RunnableTask):
    """Reads a file."""

    type_name = "probe.Read"
    uri: Dynamic[str]

    def run(self, ctx: Any) -> dict[str, Any]:
        return {"text": ctx.files.read_text(self.uri)}


class Spawn(RunnableTask):
    """Starts a child process that writes a line every 20 ms."""

    type_name = "probe.Spawn"
    file: Dynamic[str]
    seconds: float = 60.0

    def run(self, ctx: Any) -> dict[str, Any]:
        script = (
            "import os,sys,time\n"
            "end=time.monotonic()+float(sys.argv[2])\n"
            "while time.monotonic()<end:\n"
            "    open(sys.argv[1],'a').write(f'{sys.argv[3]} {os.getpid()} {time.time()}\\n'); time.sleep(0.02)\n"
        )
        key = f"{ctx.task_run.id}/{ctx.attempt}"
        result = ctx.processes.run(
            [sys.executable, "-c", script, self.file, str(self.seconds), key],
            cwd=ctx.working_dir,
            env=ctx.environment,
            on_stdout=lambda line: None,
            on_stderr=lambda line: None,
        )
        if result.exit_code:
            raise TaskError(f"the child ended with {result.exit_code}")
        return {}


class Tag(RunnableTask):
    """Reports a number with a secret as its tag."""

    type_name = "probe.Tag"
    secret: str

    def run(self, ctx: Any) -> None:
        ctx.metric(Metric("rows", "counter", 1, {"who": ctx.secret(self.secret)}))
