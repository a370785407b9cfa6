"""Secrets in files that only their owner may read: one file each, as container platforms mount them, or one for all."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.nodes import MapNode, ScalarNode
from jupyter_gov.lang.source import load

UNUSABLE = "GOV888"
_MOST = 1_000_000
_OPEN = stat.S_IRWXG | stat.S_IRWXO
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


class FileProvider:
    """A folder with one file per secret, or one file with all: YAML (a map from name to text) or else dotenv.

    Files are read anew each time, since platforms exchange them while we run. Names are compared in any case where the
    exact one does not exist.

    Parameters
    ----------
    path
        The folder or file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def place(self, name: str) -> str:
        """Return the folder or file."""
        return f"a file {name} in {self._path}" if self._path.is_dir() else f"the file {self._path}"

    def find(self, name: str) -> str | None:
        """Return the secret, or None if there is none of this name.

        Raises
        ------
        TaskError
            ``GOV888``: the folder or file is not there, others than its owner may read it, or it cannot be understood.
        """
        try:
            if self._path.is_dir():
                return self._of_folder(name)
            return _pick(name, self._all())
        except FileNotFoundError as error:
            raise _unusable(f"{self._path} does not exist.", "Make it, or change the setting secret_path.") from error
        except OSError as error:
            problem = f"{self._path} cannot be read: {error.strerror}."
            raise _unusable(problem, "The account of the worker must own it and may read it.") from error

    def _of_folder(self, name: str) -> str | None:
        found = self._path.stat()
        if os.name != "nt" and found.st_mode & _WRITABLE and not found.st_mode & stat.S_ISVTX:
            problem = f"Others than its owner may write into the folder {self._path} (mode {_mode(found)})."
            raise _unusable(problem, f"Take that away: chmod go-w {self._path}")
        if not _NAME.fullmatch(name):
            return None  # not a name of a file within: a path, or one of the platform's own
        names = {entry.name: "" for entry in os.scandir(self._path) if not entry.name.startswith(".")}
        chosen = _key(name, names)
        if chosen is None:
            return None
        # Written by `echo` or an editor, it ends in a line break that is not part of it.
        text = _read(self._path / chosen)
        return text.removesuffix("\n").removesuffix("\r") if text.count("\n") == 1 else text

    def _all(self) -> Mapping[str, str]:
        text = _read(self._path)
        return _yaml(self._path, text) if self._path.suffix in {".yaml", ".yml", ".json"} else _dotenv(self._path, text)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        # Of the open file, not of the name: it cannot be exchanged in between.
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise _unusable(f"{path} is no file.", "Put the secret into a plain file.")
        if os.name != "nt":
            _refuse_open(path, found)
        data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise _unusable(f"{path} has more than {_MOST:,} bytes.", "Nothing that long is taken for a secret.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _unusable(f"{path} holds no UTF-8 text.", "Store what is binary as base64.") from error


def _refuse_open(path: Path, found: os.stat_result) -> None:
    # A platform mounts it as root's, and lets an account that is not root read it through its group (fsGroup).
    mounted = found.st_uid == 0 and os.geteuid() != 0
    if found.st_mode & (_OPEN & ~stat.S_IRGRP if mounted else _OPEN):
        raise _unusable(
            f"Others than its owner may read {path} (mode {_mode(found)}).",
            f"Take that away: chmod 600 {path}; a mounted secret needs mode 0400 or 0440 (Kubernetes: defaultMode).",
        )
    if found.st_uid not in {0, os.geteuid()}:
        raise _unusable(f"{path} belongs to another account.", "The account of the worker, or root, must own it.")


def _yaml(path: Path, text: str) -> Mapping[str, str]:
    tree = load(text)
    root = tree.root
    # The problem itself is not shown: it may quote the line, and with it the secret.
    if tree.problems or not isinstance(root, MapNode):
        line = tree.problems[0].location.line if tree.problems and tree.problems[0].location else 1
        raise _unusable(f"{path}, line {line}: expected a map from names to texts.", "Write NAME: 'the secret'.")
    found: dict[str, str] = {}
    for name, entry in root.entries.items():
        if not isinstance(entry.value, ScalarNode):
            raise _unusable(f"{path}, line {entry.key.line}: expected a text.", "Write NAME: 'the secret'.")
        found[name] = entry.value.text
    return found


def _dotenv(path: Path, text: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        written = line.strip()
        if not written or written.startswith("#"):
            continue
        match = _LINE.fullmatch(written)
        value = None if match is None else _value(match[2])
        if match is None or value is None:
            raise _unusable(f"{path}, line {number}: expected NAME=value.", "Quote values with spaces or #.")
        found[match[1]] = value
    return found


def _value(written: str) -> str | None:
    quote = written[:1]
    if quote not in {"'", '"'}:
        return re.split(r"\s+#", written, maxsplit=1)[0]
    body = r"[^']*" if quote == "'" else r'(?:[^"\\]|\\.)*'
    match = re.fullmatch(f"{quote}({body}){quote}\\s*(?:#.*)?", written)
    if match is None:
        return None
    if quote == "'":
        return match[1]
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), match[1])


def _pick(name: str, known: Mapping[str, str]) -> str | None:
    chosen = _key(name, known)
    return None if chosen is None else known[chosen]


def _key(name: str, known: Mapping[str, str]) -> str | None:
    if name in known:
        return name
    alike = sorted(key for key in known if key.upper() == name.upper())
    if len(alike) > 1:
        raise _unusable(f"'{name}' may be any of {', '.join(alike)}.", "Write it as one of them is written.")
    return alike[0] if alike else None


def _mode(found: os.stat_result) -> str:
    return f"{stat.S_IMODE(found.st_mode):04o}"


def _unusable(problem: str, hint: str) -> TaskError:
    return TaskError(f"A secret cannot be read. {problem}", code=UNUSABLE, hint=hint)
