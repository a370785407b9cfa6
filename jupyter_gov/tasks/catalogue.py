"""Core types of Kestra that keep values and files, ask servers, or are small."""

from __future__ import annotations

from collections.abc import Mapping

_CORE = "io.kestra.plugin.core."
_OLD = "io.kestra.core.tasks."
_TASKS = "jupyter_gov.tasks."

CORE: Mapping[str, str] = {
    _CORE + "debug.Echo": _TASKS + "core.debug:Echo",
    _CORE + "log.Fetch": _TASKS + "core.fetch:Fetch",
    _CORE + "execution.Assert": _TASKS + "core.checks:Assert",
    _CORE + "execution.Resume": _TASKS + "core.executions:Resume",
    _CORE + "execution.Count": _TASKS + "core.executions:Count",
    _CORE + "execution.PurgeExecutions": _TASKS + "core.executions:PurgeExecutions",
    _CORE + "execution.SetVariables": _TASKS + "core.course:SetVariables",
    _CORE + "execution.UnsetVariables": _TASKS + "core.course:UnsetVariables",
    _CORE + "execution.Exit": _TASKS + "core.course:Exit",
    _CORE + "log.PurgeLogs": _TASKS + "core.executions:PurgeLogs",
    _CORE + "storage.Purge": _TASKS + "core.executions:PurgeExecutions",
    _CORE + "templating.TemplatedTask": _TASKS + "core.templated:TemplatedTask",
    _CORE + "metric.Publish": _TASKS + "core.metric:Publish",
    _CORE + "trigger.Toggle": _TASKS + "core.trigger:Toggle",
    _OLD + "trigger.Toggle": _TASKS + "core.trigger:Toggle",
    _CORE + "kv.Set": _TASKS + "kv.write:Set",
    _CORE + "kv.Delete": _TASKS + "kv.write:Delete",
    _CORE + "kv.PurgeKV": _TASKS + "kv.write:PurgeKV",
    _CORE + "kv.Get": _TASKS + "kv.read:Get",
    _CORE + "kv.GetKeys": _TASKS + "kv.read:GetKeys",
    _CORE + "kv.Version": _TASKS + "kv.read:Version",
    _CORE + "state.Set": _TASKS + "state.tasks:Set",
    _CORE + "state.Get": _TASKS + "state.tasks:Get",
    _CORE + "state.Delete": _TASKS + "state.tasks:Delete",
    _CORE + "storage.Split": _TASKS + "storage.split:Split",
    _CORE + "storage.Concat": _TASKS + "storage.files:Concat",
    _CORE + "storage.Reverse": _TASKS + "storage.files:Reverse",
    _CORE + "storage.Size": _TASKS + "storage.files:Size",
    _CORE + "storage.Write": _TASKS + "storage.files:Write",
    _CORE + "storage.Delete": _TASKS + "storage.files:Delete",
    _CORE + "storage.PurgeCurrentExecutionFiles": _TASKS + "storage.files:PurgeCurrentExecutionFiles",
    _CORE + "storage.LocalFiles": _TASKS + "storage.files:LocalFiles",
    _CORE + "storage.FilterItems": _TASKS + "storage.items:FilterItems",
    _CORE + "storage.DeduplicateItems": _TASKS + "storage.items:DeduplicateItems",
    _CORE + "storage.PurgeExecution": _TASKS + "storage.files:PurgeCurrentExecutionFiles",
    _CORE + "http.Request": _TASKS + "http.request:Request",
    _CORE + "http.Download": _TASKS + "http.download:Download",
    _CORE + "namespace.UploadFiles": _TASKS + "namespace.files:UploadFiles",
    _CORE + "namespace.DownloadFiles": _TASKS + "namespace.files:DownloadFiles",
    _CORE + "namespace.DeleteFiles": _TASKS + "namespace.files:DeleteFiles",
    # Older names of the same types.
    _OLD + "debugs.Echo": _TASKS + "core.debug:Echo",
    _OLD + "executions.Counts": _TASKS + "core.executions:Count",
    _OLD + "storages.Purge": _TASKS + "core.executions:PurgeExecutions",
    _OLD + "templating.TemplatedTask": _TASKS + "core.templated:TemplatedTask",
    _OLD + "log.Fetch": _TASKS + "core.fetch:Fetch",
    _OLD + "states.Set": _TASKS + "state.tasks:Set",
    _OLD + "states.Get": _TASKS + "state.tasks:Get",
    _OLD + "states.Delete": _TASKS + "state.tasks:Delete",
    _OLD + "storages.Split": _TASKS + "storage.split:Split",
    _OLD + "storages.Concat": _TASKS + "storage.files:Concat",
    _OLD + "storages.Reverse": _TASKS + "storage.files:Reverse",
    _OLD + "storages.Size": _TASKS + "storage.files:Size",
    _OLD + "storages.Delete": _TASKS + "storage.files:Delete",
    _OLD + "storages.LocalFiles": _TASKS + "storage.files:LocalFiles",
    _OLD + "storages.FilterItems": _TASKS + "storage.items:FilterItems",
    _OLD + "storages.DeduplicateItems": _TASKS + "storage.items:DeduplicateItems",
    _OLD + "storages.PurgeExecution": _TASKS + "storage.files:PurgeCurrentExecutionFiles",
    "io.kestra.plugin.fs.http.Request": _TASKS + "http.request:Request",
    "io.kestra.plugin.fs.http.Download": _TASKS + "http.download:Download",
}
"""Type name (or alias) -> ``module:Class``."""
