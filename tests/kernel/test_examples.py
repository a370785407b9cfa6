"""Every example notebook runs from top to bottom, as it would in JupyterLab's *Run All* or in a batch."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from jupyter_gov.lang.check import check
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.service.api import Gov
from jupyter_gov.service.identity import local_actor
from tests.faces import ROOT, Approver

EXAMPLES = ROOT / "examples"
GATED: dict[str, dict[str, str]] = {"02_deployment_approval": {"stage": "production"}, "03_ai_agent": {}}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebook(workspace: Path, gov: Gov, path: Path) -> None:
    notebook = nbformat.read(workspace / path.name, 4)
    approver = Approver(gov, **GATED[path.stem]) if path.stem in GATED else None
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(workspace)}}).execute()
    if approver:
        approver.join()
    assert str(workspace) not in nbformat.writes(notebook)
    unended = [run for run in gov.executions.list(local_actor()) if not run.state.is_terminal]
    assert not unended


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebook_is_saved_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("flows/*.yaml")), ids=lambda path: path.stem)
def test_flow_has_nothing_to_remark(path: Path) -> None:
    found = check(path.read_text(encoding="utf-8"), Registry())
    assert not found.diagnostics, [(item.code, item.message) for item in found.diagnostics]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("flows/*.yaml")), ids=lambda path: path.stem)
def test_notebooks_show_the_flows_as_they_are(path: Path) -> None:
    """The flows stand twice, as files and in cells: were they not the same text, each would become a revision."""
    text = path.read_text(encoding="utf-8")
    sources = [cell.source for book in EXAMPLES.glob("*.ipynb") for cell in nbformat.read(book, 4).cells]
    assert any(source.startswith("%%govflow") and source.partition("\n")[2] + "\n" == text for source in sources)


def test_a_cell_and_its_file_are_one_revision(workspace: Path, gov: Gov) -> None:
    path = workspace / "01_model_training.ipynb"
    NotebookClient(nbformat.read(path, 4), timeout=120, resources={"metadata": {"path": str(workspace)}}).execute()
    gov.flows.register((workspace / "flows" / "governed-model-training.yaml").read_text(), local_actor())
    assert [flow.revision for flow in gov.flows.list(local_actor())] == [1]
