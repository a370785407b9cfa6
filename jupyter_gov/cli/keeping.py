"""The commands for what namespaces keep, values and files, and for cleaning up: their words; see ``app``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jupyter_gov.cli import options as opt

Namespace = Annotated[str, typer.Argument(metavar="NAMESPACE", help="Such as company.team.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="Name of the value.")]
FilePath = Annotated[str, typer.Argument(metavar="PATH", help="Path in the namespace, such as queries/users.sql.")]
Keep = Annotated[bool, typer.Option("--no-overwrite", help="Refuse if there is one already.")]
Kind = Literal["STRING", "NUMBER", "BOOLEAN", "DATETIME", "DATE", "DURATION", "JSON"]

kv = typer.Typer(help="Values that namespaces keep between runs.", no_args_is_help=True)
namespace_files = typer.Typer(help="Files that namespaces keep.", no_args_is_help=True)
files = typer.Typer(help="Look after the stored files.", no_args_is_help=True)


def _of(module: str) -> Any:
    return importlib.import_module(f"jupyter_gov.cli.commands.{module}")


@kv.command("get")
def kv_get(*, namespace: Namespace, key: Key, as_json: opt.Json = False) -> None:
    """Print a value; exit code 1 if there is none."""
    raise typer.Exit(_of("kept").get_value(namespace, key, as_json=as_json))


@kv.command("set")
def kv_set(
    *,
    namespace: Namespace,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Text, or JSON of a list or map; no secrets.")],
    kind: Annotated[Kind | None, typer.Option("--type", help="Guessed if left out.")] = None,
    ttl: Annotated[
        str | None, typer.Option("--ttl", metavar="DURATION", help="Forget it after that, such as PT1H.")
    ] = None,
    no_overwrite: Keep = False,
    as_json: opt.Json = False,
) -> None:
    """Store a value in the clear, on record by a digest."""
    wanted = _of("kept").Wanted(namespace, key, value, kind, opt.seconds(ttl), overwrite=not no_overwrite)
    _of("kept").set_value(wanted, as_json=as_json)


@kv.command("list")
def kv_list(
    *,
    namespace: Namespace,
    prefix: Annotated[str, typer.Option("--prefix", help="Only keys that begin so.")] = "",
    as_json: opt.Json = False,
) -> None:
    """List the keys of a namespace."""
    _of("kept").list_values(namespace, prefix, as_json=as_json)


@kv.command("delete")
def kv_delete(*, namespace: Namespace, key: Key, as_json: opt.Json = False) -> None:
    """Delete a value; exit code 1 if there is none."""
    raise typer.Exit(_of("kept").delete_value(namespace, key, as_json=as_json))


@namespace_files.command("put")
def file_put(
    *,
    namespace: Namespace,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What to store; - reads the standard input.")],
    path: Annotated[
        str | None, typer.Argument(metavar="[PATH]", help="Path there; the file's name if left out.")
    ] = None,
    no_overwrite: Keep = False,
    as_json: opt.Json = False,
) -> None:
    """Store a file in a namespace."""
    _of("kept").put_file(namespace, source, path, overwrite=not no_overwrite, as_json=as_json)


@namespace_files.command("get")
def file_get(
    *,
    namespace: Namespace,
    path: FilePath,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it there instead of printing it.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
) -> None:
    """Print or copy a file of a namespace."""
    _of("kept").get_file(namespace, path, output, force=force)


@namespace_files.command("list")
def file_list(*, namespace: Namespace, as_json: opt.Json = False) -> None:
    """List the files of a namespace."""
    _of("kept").list_files(namespace, as_json=as_json)


@namespace_files.command("delete")
def file_delete(*, namespace: Namespace, path: FilePath, as_json: opt.Json = False) -> None:
    """Delete a file of a namespace; exit code 1 if there is none."""
    raise typer.Exit(_of("kept").delete_file(namespace, path, as_json=as_json))


@files.command("gc")
def files_gc(
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Delete; without it only say what would go.")] = False,
    grace: Annotated[
        str, typer.Option("--grace", metavar="DURATION", help="Leave alone what was stored since; PT1H or more.")
    ] = "P1D",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many files at most are deleted.")] = 10_000,
    as_json: opt.Json = False,
) -> None:
    """Find stored files that no run, namespace or entry of the history refers to, and delete them with --apply."""
    _of("kept").collect(apply=apply, grace=opt.seconds(grace) or 0.0, limit=limit, as_json=as_json)
