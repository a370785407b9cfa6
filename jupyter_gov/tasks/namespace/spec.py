"""The property ``namespaceFiles``: which files of namespaces a task finds in its working directory."""

from __future__ import annotations

import shutil

from pydantic import Field

from jupyter_gov.plugins.api import Dynamic, GovModel
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.namespace.patterns import matching
from jupyter_gov.tasks.workspace import inside


class NamespaceFiles(GovModel):
    """Files of namespaces that are copied into the working directory before the start."""

    enabled: Dynamic[bool] = Field(default=True, description="Whether files are copied.")
    include: Dynamic[list[str] | str] = Field(
        default_factory=list, description="Patterns of those that are copied; all if left out."
    )
    exclude: Dynamic[list[str] | str] = Field(default_factory=list, description="Patterns of those that are not.")
    namespaces: Dynamic[list[str]] | None = Field(
        default=None, description="Whose files; of two with the same path that of the later namespace stays."
    )


def write_namespace_files(ctx: RunContext, files: NamespaceFiles | None) -> list[str]:
    """Copy files of namespaces into the working directory and return their paths.

    Raises
    ------
    TaskError
        ``GOV870``: no such namespace. ``GOV878``: a pattern is wrong.
    """
    if files is None or not files.enabled:
        return []
    written: dict[str, None] = {}
    for namespace in files.namespaces or [ctx.execution.namespace]:
        known = ctx.namespace_files.list(namespace=namespace)
        for path in matching(known, as_list(files.include), as_list(files.exclude)):
            target = inside(ctx.working_dir, path, "namespaceFiles")
            target.parent.mkdir(parents=True, exist_ok=True)
            # A copy, not a link: what the store holds must not change when a script writes to it.
            shutil.copyfile(ctx.namespace_files.get(path, namespace=namespace), target)
            written[path] = None
    return list(written)


def as_list(written: list[str] | str | None) -> list[str]:
    """Return one or several patterns as a list."""
    if written is None:
        return []
    return [written] if isinstance(written, str) else written
