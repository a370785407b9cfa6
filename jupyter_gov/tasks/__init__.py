"""The built-in task types; each is found through the entry-point group, as a third party's would be."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_gov.tasks.catalogue import CORE

_FLOW = "io.kestra.plugin.core.flow."
_OLD_FLOW = "io.kestra.core.tasks.flows."

CATALOGUE: Mapping[str, str] = {
    _FLOW + "Sequential": "jupyter_gov.engine.flowables.sequential:Sequential",
    _FLOW + "Parallel": "jupyter_gov.engine.flowables.parallel:Parallel",
    _FLOW + "Dag": "jupyter_gov.engine.flowables.dag:Dag",
    _FLOW + "If": "jupyter_gov.engine.flowables.branch:If",
    _FLOW + "Switch": "jupyter_gov.engine.flowables.branch:Switch",
    _FLOW + "ForEach": "jupyter_gov.engine.flowables.foreach:ForEach",
    _FLOW + "EachSequential": "jupyter_gov.engine.flowables.foreach:EachSequential",
    _FLOW + "EachParallel": "jupyter_gov.engine.flowables.foreach:EachParallel",
    _FLOW + "Loop": "jupyter_gov.engine.flowables.loop:LoopOver",
    _FLOW + "LoopUntil": "jupyter_gov.engine.flowables.until:LoopUntil",
    _FLOW + "WaitFor": "jupyter_gov.engine.flowables.until:WaitFor",
    _FLOW + "Pause": "jupyter_gov.engine.flowables.pause:Pause",
    "io.kestra.plugin.ee.flow.HumanTask": "jupyter_gov.engine.flowables.pause:HumanTask",
    _FLOW + "Subflow": "jupyter_gov.engine.flowables.subflow:Subflow",
    _FLOW + "AllowFailure": "jupyter_gov.engine.flowables.sequential:AllowFailure",
    _FLOW + "ForEachItem": "jupyter_gov.engine.flowables.foreachitem:ForEachItem",
    _FLOW + "ForEachItem$ForEachItemSplit": "jupyter_gov.tasks.batches:Split",
    _FLOW + "ForEachItem$ForEachItemExecutable": "jupyter_gov.engine.flowables.foreachitem:Calls",
    _FLOW + "ForEachItem$ForEachItemMergeOutputs": "jupyter_gov.tasks.batches:Merge",
    _FLOW + "WorkingDirectory": "jupyter_gov.tasks.directory:WorkingDirectory",
    _FLOW + "Sleep": "jupyter_gov.tasks.core.flow:Sleep",
    "io.kestra.plugin.core.log.Log": "jupyter_gov.tasks.core.log:Log",
    "io.kestra.plugin.core.debug.Return": "jupyter_gov.tasks.core.debug:Return",
    "io.kestra.plugin.core.output.OutputValues": "jupyter_gov.tasks.core.output:OutputValues",
    "io.kestra.plugin.core.execution.Fail": "jupyter_gov.tasks.core.execution:Fail",
    "io.kestra.plugin.core.execution.Labels": "jupyter_gov.tasks.core.execution:Labels",
    "io.kestra.plugin.scripts.shell.Commands": "jupyter_gov.tasks.script.shell:Commands",
    "io.kestra.plugin.scripts.shell.Script": "jupyter_gov.tasks.script.shell:Script",
    "io.kestra.plugin.scripts.python.Commands": "jupyter_gov.tasks.script.python:Commands",
    "io.kestra.plugin.scripts.python.Script": "jupyter_gov.tasks.script.python:Script",
    "io.kestra.plugin.core.runner.Process": "jupyter_gov.tasks.script.runner:Process",
    "io.kestra.plugin.jdbc.duckdb.Query": "jupyter_gov.tasks.duckdb:Query",
    "io.kestra.plugin.jdbc.duckdb.Queries": "jupyter_gov.tasks.duckdb:Queries",
    "io.kestra.plugin.email.MailSend": "jupyter_gov.tasks.mail:MailSend",
    "io.kestra.plugin.ai.agent.AIAgent": "jupyter_gov.tasks.agent.agent:AIAgent",
    "io.kestra.plugin.ai.tool.CodeExecution": "jupyter_gov.tasks.agent.tools:CodeExecution",
    "jupyter_gov.provider.Scripted": "jupyter_gov.tasks.agent.providers:Scripted",
    "jupyter_gov.notebook.Papermill": "jupyter_gov.tasks.notebook:Papermill",
    **CORE,
    # Older names of the same types.
    _OLD_FLOW + "Sequential": "jupyter_gov.engine.flowables.sequential:Sequential",
    _OLD_FLOW + "Parallel": "jupyter_gov.engine.flowables.parallel:Parallel",
    _OLD_FLOW + "Dag": "jupyter_gov.engine.flowables.dag:Dag",
    _OLD_FLOW + "If": "jupyter_gov.engine.flowables.branch:If",
    _OLD_FLOW + "Switch": "jupyter_gov.engine.flowables.branch:Switch",
    _OLD_FLOW + "EachSequential": "jupyter_gov.engine.flowables.foreach:EachSequential",
    _OLD_FLOW + "EachParallel": "jupyter_gov.engine.flowables.foreach:EachParallel",
    _OLD_FLOW + "Pause": "jupyter_gov.engine.flowables.pause:Pause",
    _OLD_FLOW + "Subflow": "jupyter_gov.engine.flowables.subflow:Subflow",
    _OLD_FLOW + "Flow": "jupyter_gov.engine.flowables.subflow:Subflow",
    _OLD_FLOW + "ForEachItem": "jupyter_gov.engine.flowables.foreachitem:ForEachItem",
    _OLD_FLOW + "WorkingDirectory": "jupyter_gov.tasks.directory:WorkingDirectory",
    _OLD_FLOW + "Worker": "jupyter_gov.tasks.directory:WorkingDirectory",
    _OLD_FLOW + "AllowFailure": "jupyter_gov.engine.flowables.sequential:AllowFailure",
    "io.kestra.core.tasks.log.Log": "jupyter_gov.tasks.core.log:Log",
    "io.kestra.core.tasks.debugs.Return": "jupyter_gov.tasks.core.debug:Return",
    "io.kestra.core.tasks.executions.Fail": "jupyter_gov.tasks.core.execution:Fail",
    "io.kestra.core.tasks.executions.Labels": "jupyter_gov.tasks.core.execution:Labels",
    "io.kestra.plugin.notifications.mail.MailSend": "jupyter_gov.tasks.mail:MailSend",
}
"""Type name (or alias) -> ``module:Class``; a class is imported when a flow first names it."""
