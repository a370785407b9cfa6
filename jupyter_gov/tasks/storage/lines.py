"""Reads files row by row, forwards and backwards, however large they are."""

from __future__ import annotations

import codecs
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from jupyter_gov.errors import TaskError

_CHUNK = 1 << 20
ROW_LIMIT = 64 * 2**20
"""Bytes that one row may have; a file with another separator than the one written would be a single row."""


def rows(stream: BinaryIO, separator: bytes) -> Iterator[bytes]:
    """Yield the rows of a file, each with the separator that ends it; the last one may have none.

    Raises
    ------
    TaskError
        ``GOV875``: a row is too long.
    """
    rest = b""
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(separator)
        for row in whole:
            yield row + separator
        _refuse_long(rest)
    if rest:
        yield rest


def reversed_rows(path: Path, separator: bytes) -> Iterator[bytes]:
    """Yield the rows of a file from the last to the first, without separators.

    Raises
    ------
    TaskError
        ``GOV875``: a row is too long.
    """
    size = path.stat().st_size
    if size == 0:
        return
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = size - len(separator) if data[-len(separator) :] == separator else size
        while True:
            start = data.rfind(separator, 0, end)
            begin = 0 if start < 0 else start + len(separator)
            if end - begin > ROW_LIMIT:
                raise _too_long()
            yield data[begin:end]
            if start < 0:
                return
            end = start


def encoded(separator: str, charset: str = "utf-8") -> bytes:
    """Return a separator as it stands in a file of this character set.

    Raises
    ------
    TaskError
        ``GOV874``: no separator, or no such character set.
    """
    if not separator:
        raise TaskError("The `separator` is empty.", code="GOV874", hint=r'Leave it out for "\n", or write one.')
    try:
        name = codecs.lookup(charset).name
        # Without the mark that begins a whole file.
        return separator.encode({"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(name, name))
    except (LookupError, UnicodeError):
        raise TaskError(
            f"The separator cannot be written in the character set {charset!r}.",
            code="GOV874",
            hint="Write a known `charset` such as UTF-8.",
        ) from None


def _refuse_long(rest: bytes) -> None:
    if len(rest) > ROW_LIMIT:
        raise _too_long()


def _too_long() -> TaskError:
    return TaskError(
        f"A row of the file has more than {ROW_LIMIT} bytes.",
        code="GOV875",
        hint="Check the `separator`, which ends each row.",
    )
