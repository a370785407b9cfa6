"""Files into and out of the working directory of an attempt, for every task that has one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.context import RunContext

URI_SCHEMES = ("kestra://", "gov://", "nsfile://", "file://")
_WILD = frozenset("*?[")
_MOST_FILES = 10_000
_LONGEST_NAME = 255
_LONGEST_PATH = 1000


def write_inputs(ctx: RunContext, files: Mapping[str, Any] | str | None) -> None:
    """Put the ``inputFiles`` of a task into its working directory.

    Parameters
    ----------
    files
        Name -> text, or URI of a file; or such a map as JSON text.

    Raises
    ------
    TaskError
        ``GOV816``: a name leads out of the working directory, or the map is malformed. ``GOV803``, ``GOV804``: a file
        does not exist or may not be read.
    """
    for name, content in _input_map(files).items():
        target = _made_room(inside(ctx.working_dir, name, "inputFiles"), name)
        if isinstance(content, str) and content.strip().startswith(URI_SCHEMES):
            # A copy, not a link: what the store holds must not change when a script writes to its input.
            shutil.copyfile(ctx.files.get(content.strip()), target)
        else:
            target.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")


def _made_room(target: Path, name: str) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        clash = True
    else:
        clash = target.is_dir()
    if clash:
        raise TaskError(
            f"The name {name!r} in `inputFiles` asks for a folder where there is a file, or for a file where there is "
            "a folder.",
            code="GOV816",
            hint="Give it another name.",
        )
    return target


def _input_map(files: Mapping[str, Any] | str | None) -> Mapping[str, Any]:
    if isinstance(files, str):
        try:
            files = json.loads(files)
        except ValueError as error:
            raise TaskError(f"`inputFiles` is a text that is no JSON: {error}.", code="GOV816") from None
    if files is None:
        return {}
    if not isinstance(files, Mapping):
        raise TaskError(f"`inputFiles` is a map from file name to content, not {type(files).__name__}.", code="GOV816")
    return files


def inside(folder: Path, name: str, where: str) -> Path:
    """Return the path of ``name`` in ``folder``.

    Raises
    ------
    TaskError
        ``GOV816``: the name is absolute, leads out of the folder, or cannot be a file name.
    """
    path = PurePosixPath(name)
    longest = max((len(part.encode("utf-8", "replace")) for part in path.parts), default=0)
    if longest > _LONGEST_NAME or len(name.encode("utf-8", "replace")) > _LONGEST_PATH:
        raise TaskError(
            f"The name {name[:80]!r}… in `{where}` is too long for a file.",
            code="GOV816",
            hint=f"At most {_LONGEST_NAME} bytes between two slashes, and {_LONGEST_PATH} in all.",
        )
    if not name.strip() or "\0" in name or path.is_absolute() or ".." in path.parts or not path.parts:
        raise TaskError(
            f"The name {name!r} in `{where}` must be a relative path inside the working directory.",
            code="GOV816",
            hint="Write it without a leading slash and without `..`.",
        )
    target = folder / path
    if not target.resolve().is_relative_to(folder.resolve()):
        raise TaskError(f"The name {name!r} in `{where}` leads out of the working directory.", code="GOV816")
    return target


def store_outputs(ctx: RunContext, patterns: Sequence[str], *, but: Collection[Path] = ()) -> dict[str, str]:
    """Store the files of the working directory that match ``patterns`` and return their names and URIs.

    A name without wildcard that matches nothing is logged; links that lead out of the working directory are left out.

    Raises
    ------
    TaskError
        ``GOV816``: a pattern leads out of the working directory, or too many files match.
    """
    found: dict[str, Path] = {}
    for pattern in patterns:
        inside(ctx.working_dir, pattern, "outputFiles")
        try:
            matches = dict(_matches(ctx, pattern, but))
        except ValueError as error:
            raise TaskError(
                f"The pattern {pattern[:80]!r} in `outputFiles` is none: {error}.",
                code="GOV816",
                hint="`**` stands alone between two slashes.",
            ) from None
        if not matches and not _WILD.intersection(pattern):
            ctx.logger.log("WARN", f"The output file {pattern!r} was not written.")
        found.update(matches)
        if len(found) > _MOST_FILES:
            raise TaskError(
                f"More than {_MOST_FILES} files match `outputFiles`.",
                code="GOV816",
                hint="Name fewer files, or pack them into an archive.",
            )
    return {name: ctx.files.put(path, path.name) for name, path in sorted(found.items())}


def _matches(ctx: RunContext, pattern: str, but: Collection[Path]) -> Iterator[tuple[str, Path]]:
    folder = ctx.working_dir
    # At its end ``**`` means files too, as in Kestra.
    for path in folder.glob(f"{pattern}/*" if pattern.endswith("**") else pattern):
        if path in but or not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        if not path.resolve().is_relative_to(folder.resolve()):
            ctx.logger.log("WARN", f"The output file {name!r} is a link out of the working directory: left out.")
            continue
        yield name, path
