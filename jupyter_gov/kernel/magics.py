"""``%%govflow``, ``%%govtest``, ``%gov``: what a person types. Options stand on the magic line, text in the cell."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, line_cell_magic, magics_class, no_var_expand

from jupyter_gov.kernel import options as opts
from jupyter_gov.kernel.ipy import argument, display, magic_arguments

if TYPE_CHECKING:
    from jupyter_gov.kernel.session import Session

ENTRY = "_jupyter_gov_cell"
"""Attribute of the shell that a rewritten cell awaits."""


def rewrite(lines: list[str]) -> list[str]:
    """Turn a ``%%govflow`` cell into one awaited call, so that the kernel stays responsive while the cell waits.

    A click on a widget does not reach a kernel whose main thread is blocked, but it reaches one that awaits.
    """
    if not lines or not lines[0].startswith("%%govflow"):
        return lines
    name, _, line = lines[0].rstrip("\n").partition(" ")
    if name != "%%govflow":
        return lines
    return [f"await get_ipython().{ENTRY}({line.strip()!r}, {''.join(lines[1:])!r})\n"]


@magics_class
class GovMagics(Magics):
    """The magics of ``jupyter_gov``."""

    def __init__(self, shell: Any, session: Session) -> None:
        super().__init__(shell)
        self._session = session

    @no_var_expand
    @magic_arguments("%%govflow")
    @argument("--run", action="store_true", help="check, store and run the flow (this is the default)")
    @argument("--validate", action="store_true", help="only check it; nothing is stored")
    @argument("--register", action="store_true", help="check and store it; nothing is run")
    @argument("-i", "--input", action="append", metavar="NAME=VALUE", help="value of an input; may be repeated")
    @argument("--inputs-json", metavar="VAR", help="a dict of the notebook that holds inputs")
    @argument(
        "--wait", dest="wait", action="store_true", default=None, help="stay until the run has ended, also at a gate"
    )
    @argument(
        "--no-wait", dest="wait", action="store_false", help="leave at a gate (the default where somebody can click)"
    )
    @argument("--timeout", metavar="DURATION", help="how long to stay, such as PT10M; the run goes on afterwards")
    @argument("--as", dest="name", metavar="NAME", help="also bind the result to this variable")
    @argument("--quiet", action="store_true", help="show only the end")
    @argument("--format", choices=("html", "text", "json"), default="html", help="how to show the run")
    @argument("--label", action="append", metavar="KEY=VALUE", help="label of the execution; may be repeated")
    @argument("--allow-unknown-types", action="store_true", help="warn of task types that no plugin offers")
    @cell_magic
    def govflow(self, line: str, cell: str) -> Any:
        """Check, run and govern the flow in this cell.

        The cell holds a Kestra-compatible flow as YAML; it becomes a stored revision, runs, and stops at its gates
        until somebody approves. The result is an ExecutionView: look at it, or ask it for ``outputs``, ``logs()``,
        ``wait()``, ``approve(reason=...)``.

        Examples
        --------
        Run a flow, giving it an input::

            %%govflow -i who=World
            id: hello
            namespace: demo
            inputs:
              - id: who
                type: STRING
            tasks:
              - id: greet
                type: io.kestra.plugin.core.log.Log
                message: "Hello {{ inputs.who }}"

        Only check it, and keep the result in a variable for later::

            %%govflow --validate
            id: hello
            namespace: demo
            tasks: []

        ``%gov help`` lists what can be asked of runs, gates and the history.
        """
        from jupyter_gov.kernel.cell import run_blocking  # noqa: PLC0415 - see Session.screen

        if opts.wants_help(line):
            return self._help()
        return run_blocking(self._session, self._options(line), cell)

    async def run_cell(self, line: str, cell: str) -> Any:
        """Run a cell that ``rewrite`` turned into an awaited call."""
        from jupyter_gov.kernel.cell import run_awaited  # noqa: PLC0415 - see Session.screen

        if opts.wants_help(line):
            return self._help()
        return await run_awaited(self._session, self._options(line), cell)

    def _help(self) -> None:
        magics: Any = self
        display({"text/plain": magics.govflow.parser.format_help()})

    def _options(self, line: str) -> Namespace:
        magics: Any = self
        options = opts.parse(magics.govflow.parser, line)
        opts.mode(options)
        return options

    @no_var_expand
    @magic_arguments("%%govtest")
    @argument("--flow", metavar="FILE", help="file of the flow; the stored one if absent")
    @argument("--case", action="append", metavar="ID", help="only this case; may be repeated")
    @argument("--timeout", metavar="DURATION", help="how long a case may take, such as PT2M")
    @argument("--as", dest="name", metavar="NAME", help="also bind the result to this variable")
    @argument("--format", choices=("html", "text", "json"), default="html", help="how to show the results")
    @cell_magic
    def govtest(self, line: str, cell: str) -> Any:
        """Test a flow with the cases in this cell.

        The cell holds tests as YAML, in the form of Kestra's unit tests. Each case runs the flow in a store of its own
        that is thrown away, with fixtures in the place of tasks; the cell fails if a case fails.

        Examples
        --------
        ::

            %%govtest
            id: hello-tests
            namespace: demo
            flowId: hello
            testCases:
              - id: greets
                type: io.kestra.core.tests.flow.UnitTest
                fixtures:
                  inputs:
                    who: World
                assertions:
                  - value: "{{ outputs.greet.value }}"
                    equalTo: Hello World
        """
        from jupyter_gov.kernel.testing import run_tests  # noqa: PLC0415 - see Session.screen

        magics: Any = self
        parser = magics.govtest.parser
        if opts.wants_help(line):
            display({"text/plain": parser.format_help()})
            return None
        return run_tests(self._session, opts.parse(parser, line), cell)

    @no_var_expand
    @line_cell_magic
    def gov(self, line: str, cell: str | None = None) -> Any:
        """Ask and act: ``%gov help`` lists the verbs, ``%gov VERB --help`` explains one.

        Examples
        --------
        ::

            %gov runs
            %gov show last
            %gov approve 4f9KmQ2x --reason "numbers checked"

            %%gov sql
            SELECT state, count(*) FROM executions GROUP BY state
        """
        from jupyter_gov.kernel.verbs import run_verb  # noqa: PLC0415 - see Session.screen

        return run_verb(self._session, line, cell)
