"""From rendered SQL text to statements: their number, their parameters, and the files that they name."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.sql.session import literal, translated

_FILE_WORDS = frozenset({"from", "join", "to", "attach", "database", "exists", "use"})
_FILE_FUNCTION = re.compile(
    r"(read_\w+|parquet_\w+|glob|sniff_csv|.*_scan|query_table|csv_scan)", re.IGNORECASE | re.DOTALL
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_KESTRA_PARAMETER = re.compile(r"(?<![:\w\]]):([A-Za-z_]\w*)")


class Files:
    """Local paths of the files that statements name, whatever way they name them.

    Attributes
    ----------
    used
        Files outside the allowed directories that a URI gave access to.
    """

    def __init__(self, ctx: RunContext) -> None:
        self._ctx = ctx
        self.used: list[Path] = []

    def path(self, name: str) -> str | None:
        """Return the local path that a string in the place of a file means, None to leave it alone.

        Raises
        ------
        TaskError
            ``GOV803``, ``GOV804``: the URI names no file that this execution may read.
        """
        if name.startswith(("kestra://", "gov://")):
            return str(self._link(name))
        if name.startswith("file://"):
            return unquote(urlsplit(name).path)
        if _SCHEME.match(name) or name.startswith(("/", "~", ":")):
            return None
        # DuckDB would begin in the folder of this process, which nobody chose.
        inside = self._ctx.working_dir / name
        return str(inside if inside.exists() else self._ctx.start_dir / name)

    def _link(self, uri: str) -> Path:
        # What DuckDB makes of a file depends on the end of its name, which a stored file may not have.
        target = self._ctx.files.get(uri).resolve()
        self.used.append(target)
        folder = Path(tempfile.mkdtemp(prefix=".file-", dir=self._ctx.working_dir))
        link = folder / (Path(unquote(urlsplit(uri).path)).name or "file")
        link.symlink_to(target)
        return link


def with_paths(sql: str, path: Callable[[str], str | None]) -> str:
    """Return ``sql`` with the file names in it replaced by ``path``, and nothing else touched.

    A string names a file after FROM, JOIN, TO or ATTACH, and among the arguments of functions that read files.
    """
    pieces: list[str] = []
    end = 0
    for begin, stop, in_file_place in _strings(sql):
        text = sql[begin:stop]
        if not in_file_place or len(text) < 2 or text[0] != "'":
            continue
        found = path(text[1:-1].replace("''", "'"))
        if found is not None:
            pieces += [sql[end:begin], literal(found)]
            end = stop
    return "".join([*pieces, sql[end:]])


def _strings(sql: str) -> Iterator[tuple[int, int, bool]]:
    encoded = sql.encode()  # Offsets of tokens count bytes.
    tokens = list(duckdb.tokenize(sql))
    ends = [*(offset for offset, _ in tokens[1:]), len(encoded)]
    place = _Place()
    for (offset, kind), stop in zip(tokens, ends, strict=False):
        text = encoded[offset:stop].decode("utf-8", "replace").strip()
        if kind == duckdb.token_type.comment:
            continue
        if kind == duckdb.token_type.string_const:
            begin = len(encoded[:offset].decode("utf-8", "replace"))
            yield begin, begin + len(text), place.is_of_file
        place.pass_over(text, is_operator=kind == duckdb.token_type.operator)


class _Place:
    """Where in a statement we are: the brackets that are open, and the word before."""

    def __init__(self) -> None:
        self._open: list[tuple[str, bool]] = []
        self._before = ""

    @property
    def is_of_file(self) -> bool:
        """Whether a string here names a file."""
        return (bool(self._open) and self._open[-1][1]) or self._before.lower() in _FILE_WORDS

    def pass_over(self, text: str, *, is_operator: bool) -> None:
        """Go on behind a token."""
        for character in text if is_operator else "":
            self._pass_operator(character)
        self._before = text

    def _pass_operator(self, character: str) -> None:
        inner = self._open[-1] if self._open else ("", False)
        if character == "(":
            self._open.append(("(", bool(_FILE_FUNCTION.fullmatch(self._before.strip('"')))))
        elif character == "[":
            # A list of files stands where one file may stand.
            self._open.append(("[", inner[1]))
        elif character in "{":
            self._open.append(("{", False))
        elif character in ")]}" and self._open:
            self._open.pop()
        elif character == "," and inner[0] == "(":
            # Only the first argument names files; those that follow are options.
            self._open[-1] = ("(", False)


def split(ctx: RunContext, sql: str, parameters: Mapping[str, Any]) -> list[duckdb.Statement]:
    """Return the statements of ``sql``.

    Parameters are written ``$name``; Kestra's ``:name`` is understood where DuckDB does not know it.

    Raises
    ------
    TaskError
        ``GOV820``: it cannot be parsed.
    """
    with translated(ctx):
        try:
            return list(duckdb.extract_statements(sql))
        except duckdb.ParserException:
            changed = _kestra_parameters(sql, parameters)
            if changed == sql:
                raise
            return list(duckdb.extract_statements(changed))


def _kestra_parameters(sql: str, parameters: Mapping[str, Any]) -> str:
    def replace(match: re.Match[str]) -> str:
        return f"${match[1]}" if match[1] in parameters else match[0]

    return _KESTRA_PARAMETER.sub(replace, sql)


def values_for(statement: duckdb.Statement, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that a statement names.

    Raises
    ------
    TaskError
        ``GOV823``: it names one that was not given.
    """
    wanted = set(statement.named_parameters)
    missing = sorted(wanted - set(parameters))
    if missing:
        raise TaskError(
            f"The statement uses the parameters {', '.join(missing)}, which `parameters` does not give.",
            code="GOV823",
            hint=f"Given are: {', '.join(sorted(parameters)) or 'none'}.",
        )
    return {name: parameters[name] for name in wanted}
