"""Ctrl-C at any moment: an exit code, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.small_flows import HELLO

Write = Callable[[str, str], str]

PRESSED_WHILE_IMPORTING = """\
import os, signal, sys

wanted = sys.argv.pop(1)

class Keyboard:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            {pressed}

sys.meta_path.insert(0, Keyboard())
from jupyter_gov.cli import main
main()
"""
KEY = "os.kill(os.getpid(), signal.SIGINT)"
WRAPPED = "raise RuntimeError('no schema') from KeyboardInterrupt()"


def run(home: Path, flow: str, module: str, pressed: str) -> subprocess.CompletedProcess[str]:
    code = PRESSED_WHILE_IMPORTING.format(pressed=pressed)
    return subprocess.run(
        [sys.executable, "-c", code, module, "run", flow, "-q"],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


IMPORTED = ["typer", "jupyter_gov.service", "pydantic", "sqlmodel"]


@pytest.mark.parametrize(
    ("module", "pressed"),
    [*((name, KEY) for name in [*IMPORTED, "jupyter_gov.tasks.core.debug"]), *((name, WRAPPED) for name in IMPORTED)],
)
def test_in_the_middle_of_imports(home: Path, write: Write, module: str, pressed: str) -> None:
    ended = run(home, write("hello.yaml", HELLO), module, pressed)
    assert ended.returncode == 130, ended.stderr
    assert ended.stderr == ""


def test_other_errors_are_no_interrupt(home: Path, write: Write) -> None:
    ended = run(home, write("hello.yaml", HELLO), "typer", "raise RuntimeError('broken')")
    assert ended.returncode == 1
    assert "broken" in ended.stderr
