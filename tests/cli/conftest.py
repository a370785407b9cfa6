"""The real command line, in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faces import data, gov, home, mailbox, provider, workspace

__all__ = ["data", "gov", "home", "mailbox", "provider", "workspace"]

SCRIPT = Path(sys.executable).with_name("jupyter-gov")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """Runs commands in a folder; they write plain, wide text since nothing of it is a terminal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self, *words: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(SCRIPT), *words],
            cwd=self._folder,
            env={**os.environ, "NO_COLOR": "1"},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str, stdin: str | None = None) -> Ended:
        process = self.start(*words, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE)
        return self.end(process, stdin)

    @staticmethod
    def end(process: subprocess.Popen[str], stdin: str | None = None) -> Ended:
        out, err = process.communicate(stdin, timeout=120)
        return Ended(process.returncode, out, err)


@pytest.fixture
def cli(home: Path) -> Cli:
    """The command line, run in the folder of this test."""
    return Cli(home)


@pytest.fixture
def write(home: Path) -> Callable[[str, str], str]:
    """Write a file into the folder of this test and return its name."""

    def written(name: str, text: str) -> str:
        (home / name).write_text(text, encoding="utf-8")
        return name

    return written
