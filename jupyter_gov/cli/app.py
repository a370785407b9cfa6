"""The map of the command line: each command's words here, what it does in ``commands``; what an error becomes.

Nothing but this module and ``keeping`` is imported for ``--help`` and for completion in the shell.
"""

from __future__ import annotations

import importlib
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jupyter_gov.cli import keeping
from jupyter_gov.cli import options as opt
from jupyter_gov.errors import AccessError, AuditError, GovError, InputError

FAILED, USAGE, REFUSED, UNTRUSTED = 1, 2, 4, 5
_START, _WATCH, _DECIDE, _TRUST = "Start", "Watch and steer", "Decide", "Look back"
_KEEP, _CARE = "Keep", "Look after"
_HELP = {"help_option_names": ["-h", "--help"]}


class Schema(StrEnum):
    """What a JSON Schema is of."""

    FLOWS = "flows"
    TESTS = "tests"


app = typer.Typer(
    name="jupyter gov",
    help="AI governance that runs: flows, approval gates, and a history that can be verified.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 waits for approval, 4 refused, 5 history not to be trusted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)
audit = typer.Typer(help="Verify, show and export the history.", no_args_is_help=True)
db = typer.Typer(help="Look after the database.", no_args_is_help=True)
triggers = typer.Typer(
    help="List what starts by itself, turn it off and on, fire for past dates.", invoke_without_command=True
)
app.add_typer(triggers, name="triggers", rich_help_panel=_WATCH)
app.add_typer(audit, name="audit", rich_help_panel=_TRUST)
app.add_typer(db, name="db", rich_help_panel=_CARE)
app.add_typer(keeping.files, name="files", rich_help_panel=_CARE)
app.add_typer(keeping.kv, name="kv", rich_help_panel=_KEEP)
app.add_typer(keeping.namespace_files, name="namespace-files", rich_help_panel=_KEEP)


def _of(module: str) -> Any:
    return importlib.import_module(f"jupyter_gov.cli.commands.{module}")


def _version(wanted: bool) -> None:
    if wanted:
        from jupyter_gov import __version__  # noqa: PLC0415 - only then

        sys.stdout.write(f"jupyter_gov {__version__}\n")
        raise typer.Exit


@app.callback()
def _main(
    *,
    database: Annotated[
        str | None, typer.Option("--db", metavar="URL", help="Database, if not the configured one: a path or a URL.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    if database:
        # Kernels and servers that this command starts inherit it, wherever they run.
        os.environ["JUPYTER_GOV_COMMAND_LINE_DB_URL"] = _absolute(database)


def _absolute(database: str) -> str:
    scheme, separator, path = database.rpartition("sqlite:///")
    if scheme or (not separator and "://" in database):
        return database
    return f"{separator}{Path(path).expanduser().absolute()}"


@app.command(rich_help_panel=_START)
def demo(
    *,
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to put the workspace.")] = Path(
        "jupyter-gov-demo"
    ),
    lab: Annotated[bool, typer.Option("--lab", help="Open the workspace in JupyterLab afterwards.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve the gates without asking.")] = False,
) -> None:
    """Prepare a workspace with examples, and run governed flows, a gate, a notebook and the check of the history."""
    raise typer.Exit(_of("demo").demo(folder, lab=lab, yes=yes))


@app.command(rich_help_panel=_START)
def check(
    *,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Flow files; - reads the standard input.")],
    target: opt.Target = "auto",
    allow_unknown_types: opt.Unknown = False,
    as_json: opt.Json = False,
) -> None:
    """Check flow files: every problem at once, nothing is stored."""
    code = _of("flows").check(files, target=target, allow_unknown_types=allow_unknown_types, as_json=as_json)
    raise typer.Exit(code)


@app.command(rich_help_panel=_START)
def register(
    *,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Flow files; - reads the standard input.")],
    allow_unknown_types: opt.Unknown = False,
    as_json: opt.Json = False,
) -> None:
    """Store flow files without running them; if one has errors, none is stored."""
    _of("flows").register(files, allow_unknown_types=allow_unknown_types, as_json=as_json)


@app.command(rich_help_panel=_START)
def schema(
    *,
    what: Annotated[Schema, typer.Argument(help="Of flow files, or of test files.")] = Schema.FLOWS,
) -> None:
    """Print the JSON Schema of flow files or of test files, for editors."""
    _of("flows").schema(tests=what is Schema.TESTS)


@app.command(rich_help_panel=_START)
def docs(
    *,
    type_name: Annotated[
        str | None,
        typer.Argument(metavar="[TYPE]", help="Such as Log, core.log.Log, Schedule, SELECT."),
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Print the page of a task, trigger, condition or input type; without one list them all."""
    _of("docs").docs(type_name, as_json=as_json)


@app.command("test", rich_help_panel=_START)
def run_tests(
    *,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE...]", help="Test files, or folders that hold some.")
    ] = None,
    flow: Annotated[
        list[Path] | None,
        typer.Option("--flow", metavar="FILE", help="File of the flow; else one near the test, else the stored one."),
    ] = None,
    case: Annotated[
        list[str] | None, typer.Option("--case", metavar="ID", help="Only this case; may be repeated.")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="DURATION", help="How long a case may take, such as PT2M.")
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Also write JUnit XML.")] = None,
    as_json: opt.Json = False,
) -> None:
    """Test flows: each case runs in a store of its own, with fixtures in the place of tasks; exit code 1 on failure."""
    wanted = _of("tests").Wanted(files or [Path()], flow or [], case or [], opt.seconds(timeout), junit)
    raise typer.Exit(_of("tests").run_tests(wanted, as_json=as_json))


@app.command(rich_help_panel=_START)
def run(
    *,
    target: Annotated[str, typer.Argument(help="A flow file, a stored NAMESPACE.FLOW, or a notebook (.ipynb).")],
    given: opt.Input = None,
    parameter: opt.Parameter = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write the executed notebook.")] = None,
    label: opt.Label = None,
    at: opt.At = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Stay at a gate until it is decided.")] = True,
    timeout: opt.Timeout = None,
    quiet: opt.Quiet = False,
    allow_unknown_types: opt.Unknown = False,
    as_json: opt.Json = False,
) -> None:
    """Run a flow or a notebook, and stay until it has ended."""
    if target.endswith(".ipynb"):
        parameters = opt.pairs(parameter, "-p")
        raise typer.Exit(
            _of("notebooks").run_notebook(
                Path(target), output, parameters, wait=wait, timeout=timeout, quiet=quiet, as_json=as_json
            )
        )
    if parameter or output:
        raise typer.BadParameter("only a notebook takes -p and -o; the inputs of a flow are given with -i")
    wanted = _of("runs").Wanted(
        target, opt.pairs(given, "-i"), opt.pairs(label, "--label"), allow_unknown_types, opt.date(at, "--at")
    )
    patience = opt.seconds(timeout)
    raise typer.Exit(_of("runs").run(wanted, wait=wait, timeout=patience, quiet=quiet, as_json=as_json))


@app.command(rich_help_panel=_START)
def flows(
    *,
    namespace: Annotated[str | None, typer.Option("--namespace", help="Only this namespace.")] = None,
    limit: opt.Limit = 100,
    as_json: opt.Json = False,
) -> None:
    """List the stored flows."""
    _of("flows").flows(namespace, limit, as_json=as_json)


@app.command(rich_help_panel=_WATCH)
def runs(
    *,
    flow: Annotated[
        str | None, typer.Option("--flow", metavar="NAMESPACE.FLOW", help="Only runs of this flow.")
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only runs in this state; may be repeated.")
    ] = None,
    limit: opt.Limit = 20,
    as_json: opt.Json = False,
) -> None:
    """List the latest runs."""
    _of("runs").runs(flow, state or [], limit, as_json=as_json)


@app.command(rich_help_panel=_WATCH)
def show(
    *,
    run_id: opt.RunId,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Stay until it has ended; carry it on if nobody else does.")
    ] = False,
    as_json: opt.Json = False,
) -> None:
    """Show a run: tasks, gates, inputs, outputs."""
    raise typer.Exit(_of("runs").show(run_id, follow=follow, as_json=as_json))


@app.command(rich_help_panel=_WATCH)
def logs(
    *,
    run_id: opt.RunId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")] = False,
    task: Annotated[str | None, typer.Option("--task", help="Only the lines of this task.")] = None,
    as_json: opt.Json = False,
) -> None:
    """Print the log of a run."""
    _of("runs").logs(run_id, task, follow=follow, as_json=as_json)


@app.command(rich_help_panel=_WATCH)
def kill(*, run_id: opt.RunId, reason: opt.Reason = None, follow: opt.Follow = True, as_json: opt.Json = False) -> None:
    """Stop a run and everything it started."""
    _of("runs").kill(run_id, reason, follow=follow, as_json=as_json)


@app.command(rich_help_panel=_WATCH)
def restart(*, run_id: opt.RunId, follow: opt.Follow = True, as_json: opt.Json = False) -> None:
    """Continue an ended run from its failed tasks."""
    raise typer.Exit(_of("runs").restart(run_id, follow=follow, as_json=as_json))


@app.command(rich_help_panel=_WATCH)
def replay(
    *,
    run_id: opt.RunId,
    task: Annotated[str | None, typer.Option("--from", help="Task (or task run) to begin with; else all.")] = None,
    revision: Annotated[int | None, typer.Option("--revision", help="Another revision of the flow.")] = None,
    as_json: opt.Json = False,
) -> None:
    """Begin a run again as a new run with the same inputs, from the start or from one of its tasks."""
    raise typer.Exit(_of("runs").replay(run_id, task, revision, as_json=as_json))


@triggers.callback()
def triggers_list(
    context: typer.Context,
    *,
    namespace: Annotated[str | None, typer.Option("--namespace", help="Only this namespace.")] = None,
    as_json: opt.Json = False,
) -> None:
    """List what starts by itself, turn it off and on, fire for past dates."""
    if context.invoked_subcommand is None:
        _of("triggers").triggers(namespace, as_json=as_json)


@triggers.command("toggle")
def triggers_toggle(
    *,
    name: opt.TriggerName,
    on: Annotated[bool, typer.Option("--on/--off", help="From now on (nothing is caught up on), or no more.")],
    as_json: opt.Json = False,
) -> None:
    """Turn a trigger off, or on again; it goes on record."""
    _of("triggers").toggle(name, disabled=not on, as_json=as_json)


@triggers.command("backfill")
def triggers_backfill(
    *,
    name: opt.TriggerName,
    start: Annotated[str | None, typer.Option("--start", metavar="TIME", help="Fire for dates from then on.")] = None,
    end: Annotated[str | None, typer.Option("--end", metavar="TIME", help="Until then; now if left out.")] = None,
    given: opt.Input = None,
    label: opt.Label = None,
    act: Annotated[
        Literal["pause", "resume", "cancel"] | None,
        typer.Option("--change", help="Change the one under way; while it is paused, the schedule goes on."),
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Let a schedule fire for its dates of the past, one after the other; then it goes on as before."""
    begins = opt.date(start, "--start")
    if (begins is None) is (act is None):
        raise typer.BadParameter("expects --start, or --change for the backfill that is under way")
    if begins is None:
        _of("triggers").change_backfill(name, act, as_json=as_json)
        return
    inputs, labels = opt.pairs(given, "-i"), opt.pairs(label, "--label")
    _of("triggers").backfill(name, begins, opt.date(end, "--end"), inputs, labels, as_json=as_json)


@app.command(rich_help_panel=_WATCH)
def delete(
    *,
    run_id: opt.RunId,
    reason: opt.Reason = None,
    keep_logs: Annotated[bool, typer.Option("--keep-logs", help="Leave its log lines.")] = False,
    keep_metrics: Annotated[bool, typer.Option("--keep-metrics", help="Leave its metrics.")] = False,
    keep_files: Annotated[
        bool, typer.Option("--keep-files", help="Leave its stored files; else the next clean-up takes their bytes.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    as_json: opt.Json = False,
) -> None:
    """Delete an ended run; its history stays, and says who deleted it."""
    kept = {"logs": not keep_logs, "metrics": not keep_metrics, "storage": not keep_files}
    _of("runs").delete(run_id, reason, kept, sure=yes or as_json, as_json=as_json)


@app.command(rich_help_panel=_DECIDE)
def approvals(
    *,
    every: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
    as_json: opt.Json = False,
) -> None:
    """List the gates that wait for an answer."""
    _of("gates").approvals(every=every, as_json=as_json)


@app.command(rich_help_panel=_DECIDE)
def approve(
    *,
    gate_id: opt.GateId,
    reason: opt.Reason = None,
    given: opt.Input = None,
    follow: opt.Follow = True,
    as_json: opt.Json = False,
) -> None:
    """Approve a gate, and carry the run on."""
    raise typer.Exit(_of("gates").approve(gate_id, reason, opt.pairs(given, "-i"), follow=follow, as_json=as_json))


@app.command(rich_help_panel=_DECIDE)
def reject(
    *,
    gate_id: opt.GateId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it goes on record.")],
    follow: opt.Follow = True,
    as_json: opt.Json = False,
) -> None:
    """Reject a gate; the run fails there."""
    _of("gates").reject(gate_id, reason, follow=follow, as_json=as_json)


@app.command(rich_help_panel=_TRUST)
def sql(
    *,
    query: Annotated[str, typer.Argument(help='Such as: "select state, count(*) from executions group by state".')],
    as_json: opt.Json = False,
) -> None:
    """Ask the history a question in SQL; read-only."""
    _of("history").sql(query, as_json=as_json)


@audit.command("verify")
def audit_verify(
    *,
    files: Annotated[bool, typer.Option("--files", help="Read the files too that the history refers to.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say also what this check cannot see.")] = False,
    as_json: opt.Json = False,
) -> None:
    """Check every chain, and that the state tables agree with it; exit code 5 if not."""
    raise typer.Exit(_of("history").verify(as_json=as_json, files=files, verbose=verbose))


@audit.command("show")
def audit_show(
    *,
    run_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only the history of this run.")] = None,
    limit: opt.Limit = 50,
    as_json: opt.Json = False,
) -> None:
    """List the latest entries of the history, the newest last."""
    _of("history").show(run_id, limit, as_json=as_json)


@audit.command("export")
def audit_export(
    *,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write: one JSON document per line.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    as_json: opt.Json = False,
) -> None:
    """Write the whole history to a file that others can verify."""
    _of("history").export(target, force=force, as_json=as_json)


@db.command("upgrade")
def db_upgrade(*, as_json: opt.Json = False) -> None:
    """Bring the database to the layout of this version; a SQLite file is backed up first."""
    _of("admin").upgrade(as_json=as_json)


@app.command(rich_help_panel=_CARE)
def doctor(*, as_json: opt.Json = False) -> None:
    """Examine the installation, and say which command repairs each fault."""
    raise typer.Exit(_of("admin").doctor(as_json=as_json))


def exit_code(error: GovError) -> int:
    """Return the exit code that an error means."""
    code = getattr(error, "exit", None)
    if code is not None:
        return int(code)
    match error:
        case InputError():
            return USAGE
        case AccessError():
            return REFUSED
        case AuditError():
            return UNTRUSTED
        case _:
            return FAILED


def main() -> int:
    """Run the command line and return its exit code; an error of ours is a message, never a traceback."""
    # Shells complete `jupyter-gov`; people are shown the name that they type.
    completes = "_JUPYTER_GOV_COMPLETE" in os.environ or any(word.endswith("-completion") for word in sys.argv[1:])
    try:
        app(prog_name="jupyter-gov" if completes else "jupyter gov")
    except GovError as error:
        from jupyter_gov.cli import screen  # noqa: PLC0415 - rich, which --help does not need

        screen.fail(error, as_json="--json" in sys.argv)
        return exit_code(error)
    except BrokenPipeError:
        # The reader (head, less) has gone; Python must not complain again while it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except SystemExit as end:
        if "--install-completion" in sys.argv and not end.code:
            sys.stdout.write("It completes the spelling `jupyter-gov …`; `jupyter gov …` belongs to jupyter itself.\n")
        return end.code if isinstance(end.code, int) else FAILED
    return 0
