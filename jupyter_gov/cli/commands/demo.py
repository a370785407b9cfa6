"""The main job from end to end on example data: governed flows, a gate, a notebook, mail, and a verified history."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jupyter_gov.cli import describe, health, leaving, screen, slips, workspace
from jupyter_gov.cli.commands.history import print_report
from jupyter_gov.cli.follow import Wish, follow
from jupyter_gov.cli.mailsink import MailSink
from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.approval import Verdict
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import ApprovalDetail, Gov, StartRequest
from jupyter_gov.service.identity import local_actor
from jupyter_gov.service.outcome import GOOD, Exit

_PROMPT = "Approve? [y/n] "


@dataclass(frozen=True, slots=True)
class Stage:
    """What the steps of the demonstration share."""

    gov: Gov
    actor: Actor
    yes: bool

    def run(self, file: str, inputs: Mapping[str, str]) -> Execution:
        """Run a flow of the workspace to its end, answering its gates."""
        revision = self.gov.flows.register(Path(file).read_text(encoding="utf-8"), self.actor)
        request = StartRequest(
            revision.namespace,
            revision.flow_id,
            revision=revision.revision,
            inputs=inputs,
            labels={"demo": "true"},
            workdir=str(Path.cwd()),
        )
        execution = self.gov.executions.start(request, self.actor)
        execution = follow(self.gov, self.actor, execution.id, Wish(self.answer))
        gates = self.gov.approvals.list(self.actor, status=None, execution_id=execution.id)
        describe.ending(execution, [gate.approval for gate in gates])
        return execution

    def answer(self, gate: ApprovalDetail) -> None:
        """Show what waits and answer it: by ``--yes``, or as the person at the terminal says."""
        found = gate.approval
        screen.say(f'‖ gate "{found.task_id}" asks:', style="yellow")
        screen.block(found.description)
        for artefact in found.artefacts:
            file = self.gov.executions.file(found.execution_id, artefact["uri"], self.actor)
            screen.block(file.read_text(encoding="utf-8", errors="replace")[:2_000], style="dim")
        approved = self.yes or _asks()
        self.gov.approvals.decide(
            found.id,
            Verdict.APPROVE if approved else Verdict.REJECT,
            self.actor,
            subject_digest=found.subject_digest,
            reason="demonstration, answered by --yes" if self.yes else "answered in the demonstration",
        )


def _asks() -> bool:
    if not sys.stdin.isatty():
        screen.say("    nobody is at the terminal: rejected (give --yes to approve)")
        return False
    while (answer := input(_PROMPT).strip().lower()[:1]) not in {"y", "n"}:
        screen.say("    please answer y or n")
    return answer == "y"


def demo(folder: Path, *, lab: bool, yes: bool) -> int:
    """Prepare the workspace, run everything, and return the exit code."""
    folder = folder.absolute()
    slips.warn_of_variables()
    workspace.prepare(folder)
    _title(f"Workspace {folder}")
    with chdir(folder), MailSink(folder / "mail") as mail:
        code = _play(mail, yes=yes)
    goodbye(folder, mail)
    if lab:
        command = [sys.executable, "-m", "jupyterlab", "00_start.ipynb"]
        return subprocess.run(command, cwd=folder, check=False).returncode  # noqa: S603 - our own words
    return code


def _play(mail: MailSink, *, yes: bool) -> int:
    leaving.properly()
    gov = open_gov()
    try:
        gov.start_loop()
        stage = Stage(gov, local_actor(), yes)
        ended = [*_flows(stage), _agent(stage, mail), _notebook(stage)]
        _title("The history")
        report = gov.audit.verify(stage.actor)
        print_report(report)
        if not report.ok:
            return int(Exit.UNTRUSTED)
        return int(Exit.DONE if all(ended) else Exit.FAILED)
    finally:
        gov.close()


def _flows(stage: Stage) -> list[bool]:
    training = "flows/governed-model-training.yaml"
    _title("A model is not trained on data with missing user ids")
    refused = stage.run(training, {"data_uri": "data/users-with-nulls.parquet"})
    _title("... and is on good data")
    trained = stage.run(training, {"data_uri": "data/users.parquet"})
    _title("Deployment waits for a person")
    deployed = stage.run("flows/model-deployment-with-approval.yaml", {})
    return [refused.state is State.FAILED, trained.state in GOOD, deployed.state in GOOD]


def _agent(stage: Stage, mail: MailSink) -> bool:
    _title("An agent drafts, a person reads, then it is mailed")
    if find_spec("pydantic_ai") is None:
        screen.say('left out: it needs  pip install "jupyter_gov[agent]"')
        return True
    inputs = {"mail_host": "127.0.0.1", "mail_port": str(mail.port)}
    return stage.run("flows/governed-ai-agent.yaml", inputs).state in GOOD


def _notebook(stage: Stage) -> bool:
    _title("A notebook, executed by papermill")
    execution = stage.run("flows/notebook-report.yaml", {})
    run = execution.find("report")
    if execution.state not in GOOD or run is None or run.outputs is None:
        return False
    executed = stage.gov.executions.file(execution.id, run.outputs["notebook"], stage.actor)
    shutil.copyfile(executed, "report-executed.ipynb")
    screen.say("  executed notebook: report-executed.ipynb")
    return True


def _title(text: str) -> None:
    screen.say()
    screen.say(text, style="bold")


def goodbye(folder: Path, mail: MailSink) -> None:
    """Say where to go on, and what JupyterLab would not show there and why."""
    screen.say()
    for message in mail.kept:
        screen.say(f"mailed: {message}")
    first = _activation()
    if first:
        screen.say(f"First, once in this terminal: {first}")
    screen.say("Look around:  jupyter gov runs   jupyter gov show last   jupyter gov audit show")
    screen.say(f"In JupyterLab: cd {folder} && jupyter lab 00_start.ipynb")
    for check in (health.lab_extension(), health.widget()):
        if check.status == "broken":
            screen.say(f"    ! {check.name}: {check.detail}", style="yellow")
            screen.say(f"      {check.cure}")


def _activation() -> str | None:
    """Return what lets this terminal find the commands named here, as its user spells the way there."""
    if shutil.which("jupyter") and shutil.which("jupyter-gov"):
        return None
    here = Path(sys.argv[0])
    folder = here.parent if here.stem == "jupyter-gov" else Path(sys.executable).parent
    script = folder / "activate"
    if script.is_file():
        return f". {shlex.quote(str(script))}"
    return f'export PATH={shlex.quote(str(folder.absolute()))}:"$PATH"'
