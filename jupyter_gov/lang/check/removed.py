"""What Kestra 2 no longer has, and what to write instead: tables only.

A rule that is only ``old`` is still read by Kestra 2 under the name that it replaced; the others it refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Removed:
    """What to write instead.

    Attributes
    ----------
    to
        The new name, if that is all that changes.
    old
        Whether Kestra 2 still reads it.
    """

    hint: str
    to: str | None = None
    old: bool = False


def renamed(name: str, *, old: bool = False) -> Removed:
    """Return the rule of what only has another name."""
    return Removed(f"Write {name}.", name, old)


_CORE = "io.kestra.plugin.core."
_LOOP = _CORE + "flow.Loop"
_ITEM = "inside, taskrun.value is item.value and taskrun.iteration item.index; declare on it what it hands out"
_PLUGIN = "Use the task of the same name of Kestra's plugin for its own API, or `jupyter gov`."
_WHEN = "Write the condition as the expression `when` of the trigger"

RESERVED = frozenset(
    {"pause", "resume", "force-run", "change-status", "kill", "executions", "search", "source", "disable", "enable"}
)
"""Flow ids that Kestra 2 refuses since its API uses them."""
TYPES: Mapping[str, Removed] = {
    _CORE + "flow.ForEach": Removed(f"Write {_LOOP}: {_ITEM}."),
    _CORE + "flow.EachSequential": Removed(f"Write {_LOOP}, `values` for `value`: {_ITEM}."),
    _CORE + "flow.EachParallel": Removed(f"Write {_LOOP} with `concurrencyLimit: 0` and a Parallel inside: {_ITEM}."),
    _CORE + "flow.ForEachItem": Removed(
        f"Write {_LOOP} over the URI, a line for each iteration; for batches a storage.Split before it and a Subflow "
        "inside."
    ),
    _CORE + "flow.Template": Removed(f"Write {_CORE}flow.Subflow."),
    _CORE + "flow.WaitFor": renamed(_CORE + "flow.LoopUntil"),
    _CORE + "execution.Count": Removed(_PLUGIN),
    _CORE + "execution.Resume": Removed(_PLUGIN),
    _CORE + "log.Fetch": Removed(_PLUGIN),
    _CORE + "trigger.Toggle": Removed(_PLUGIN),
    _CORE + "debug.Echo": Removed(f"Write {_CORE}log.Log, `message` for `format`."),
    _CORE + "storage.LocalFiles": Removed("Write inputFiles and outputFiles on the task or the WorkingDirectory."),
    _CORE + "state.Get": Removed(f"Write {_CORE}kv.Get."),
    _CORE + "state.Set": Removed(f"Write {_CORE}kv.Set."),
    _CORE + "state.Delete": Removed(f"Write {_CORE}kv.Delete."),
}
"""Type -> what replaces it."""

PREFIXES: Mapping[str, Removed] = {
    "io.kestra.plugin.langchain4j.": Removed("Write the type of io.kestra.plugin.ai that does the same."),
    "io.kestra.plugin.notifications.mail.": Removed("Write io.kestra.plugin.email.MailSend."),
    "io.kestra.plugin.notifications.slack.": Removed("Write the type of io.kestra.plugin.slack.notifications."),
    _CORE + "condition.": Removed(_WHEN + "."),
}
"""Beginning of types -> what replaces them; old names of types that we know are found by their aliases."""

FLOW_KEYS: Mapping[str, Removed] = {
    "pluginDefaults": Removed("Write the values on the tasks, or as `variables` that they read."),
    "taskDefaults": Removed("Write the values on the tasks, or as `variables` that they read."),
    "workerGroup": Removed("Write workerSelector with `tags`."),
}
TASK_KEYS: Mapping[str, Removed] = {
    "runIf": renamed("when", old=True),
    "workerGroup": Removed("Write workerSelector with `tags`."),
}
TRIGGER_KEYS: Mapping[str, Removed] = {
    "conditions": Removed(_WHEN + ", of a Flow trigger as entries of `dependsOn`."),
    "scheduleConditions": Removed(_WHEN + "."),
    "preconditions": Removed("Write an entry of `dependsOn` for each flow, and `window` for the time window."),
    "multipleConditions": Removed("Write an entry of `dependsOn` for each condition, and `window` with `every`."),
    "workerGroup": Removed("Write workerSelector with `tags`."),
}
OF_TYPE: Mapping[str, Mapping[str, Removed]] = {
    _CORE + "flow.Pause": {
        "delay": renamed("pauseDuration"),
        "timeout": Removed("Write pauseDuration with `behavior: FAIL`."),
        "tasks": Removed("Write the tasks after the Pause."),
    },
}
"""Type -> its own properties that are gone."""
SCRIPT_KEYS: Mapping[str, Removed] = {
    "runner": Removed("Write taskRunner: {type: …}."),
    "docker": Removed("Write containerImage, and the options on taskRunner."),
    "outputDirectory": Removed("Write outputFiles."),
    "outputsFiles": renamed("outputFiles"),
    "files": renamed("inputFiles"),
}
"""Properties of every script type (``SCRIPTS``) that are gone."""
SCRIPTS = "io.kestra.plugin.scripts."

INPUT_KEYS: Mapping[str, Removed] = {"name": renamed("id"), "options": renamed("values")}
INPUT_TYPES: Mapping[str, Removed] = {"BOOLEAN": renamed("BOOL"), "ENUM": renamed("SELECT")}

FUNCTIONS: Mapping[str, Removed] = {"json": renamed("fromJson()"), "jsonDecode": renamed("fromJson()")}
FILTERS: Mapping[str, Removed] = {"json": renamed("toJson")}
ARGUMENTS: Mapping[tuple[str, str], Removed] = {
    ("read", "version"): renamed("revision"),
    ("fileURI", "version"): renamed("revision"),
}
"""Function and argument -> the argument's name now."""
NAMES: Mapping[str, Removed] = {"outputDir": Removed("Write outputFiles, and the names of the files.")}
"""First part of a path in an expression."""
OF_LOOPS: Mapping[tuple[str, ...], str] = {
    ("taskrun", "value"): "item.value",
    ("taskrun", "iteration"): "item.index",
    ("parent", "taskrun", "value"): "item.value",
    ("parents",): "item.value, or item.parents for loops further out",
}
"""Beginning of a path that has no value inside of a Loop -> what has."""
EACH_FUNCTIONS = frozenset({"currentEachOutput", "iterationOutput", "parentOutput"})
"""Functions that know the loops of before only."""
