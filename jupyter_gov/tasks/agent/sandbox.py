"""Runs an agent's Python: Monty, an interpreter without a standard library of its own power, in a child process."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pydantic_monty

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.plugins.outputs import jsonable

_FOLDER = "/work"
_WRITE_LIMIT = 16 * 2**20
_PRINT_LIMIT = 2**20
_READ_LIMIT = 16 * 2**20
_DEPTH = 500


class Sandbox:
    """One session of Monty; names that a piece of code defines are there for the next one.

    Parameters
    ----------
    named
        Text in which a file must be named for the code to read it.
    """

    def __init__(self, ctx: RunContext, named: str, *, seconds: float, memory: int) -> None:
        self._ctx = ctx
        self._named = named
        self._limits = pydantic_monty.ResourceLimits(
            max_feed_duration_secs=seconds, max_memory=memory, max_recursion_depth=_DEPTH, max_total_sleep_secs=seconds
        )
        self._stack = AsyncExitStack()
        self._mount: pydantic_monty.MountDir | None = None
        self._session: Any = None

    async def start(self) -> None:
        """Start the child process."""
        pool = pydantic_monty.AsyncMonty(min_processes=1, max_processes=1)
        await self._stack.enter_async_context(pool)
        self._session = await self._stack.enter_async_context(pool.checkout(limits=self._limits))
        mount = pydantic_monty.MountDir(
            host_path=self._ctx.working_dir,
            virtual_path=_FOLDER,
            mode="read-write",
            write_bytes_limit=_WRITE_LIMIT,
        )
        self._mount = self._stack.enter_context(mount)

    async def run(self, code: str) -> dict[str, Any]:
        """Run a piece of code; what goes wrong in it is an answer for the agent, not an error of the task."""
        printed = pydantic_monty.CollectString(max_bytes=_PRINT_LIMIT)
        try:
            value = await self._session.feed_run(
                code,
                mount=self._mount,
                cwd=_FOLDER,
                print_callback=printed,
                external_lookup={"read_file": self._read},
            )
        except pydantic_monty.MontyCrashedError as error:
            await self._restart()
            return {"error": f"The sandbox was stopped: {error}", "printed": printed.output}
        except pydantic_monty.MontyError as error:
            if isinstance(error.exception(), TimeoutError | MemoryError):
                await self._restart()
            return {"error": _shown(error), "printed": printed.output}
        return {"result": _plain(value), "printed": printed.output}

    def _read(self, name: str) -> str:
        """Give the code the text of a file, if the prompt names it."""
        if not is_named(name, self._named):
            raise PermissionError(f"{name!r} is no file that the prompt names")
        try:
            path = self._ctx.files.get(name)
        except TaskError as error:
            raise PermissionError(error.message) from None
        return _text(path, name)

    async def _restart(self) -> None:
        # After a limit nothing is promised about what the code had built, and memory that is full stays full.
        await self.close()
        await self.start()

    async def close(self) -> None:
        """End the child process."""
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()


def is_named(name: str, text: str) -> bool:
    """Return whether ``text`` names a file, whole and not as a part of another name.

    Examples
    --------
    >>> is_named("sales.csv", "Look at 'sales.csv'.")
    True
    >>> is_named("s.csv", "Look at 'sales.csv'."), is_named("data/x", "Look at /data/x")
    (False, False)
    """
    return bool(name) and re.search(rf"(?<![\w./~-]){re.escape(name)}(?![\w/~-]|\.\w)", text) is not None


def _shown(error: pydantic_monty.MontyError) -> str:
    if isinstance(error, pydantic_monty.MontyRuntimeError | pydantic_monty.MontySyntaxError):
        return error.display("type-msg")
    return str(error)


def _text(path: Path, name: str) -> str:
    if path.stat().st_size > _READ_LIMIT:
        raise ValueError(f"{name!r} is larger than {_READ_LIMIT} bytes")
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{name!r} is no UTF-8 text") from None


def _plain(value: Any) -> Any:
    try:
        return jsonable(value)
    except TaskError:
        return repr(value)
