"""Published blueprint flows: no crash, and exactly the errors that the table names, each at a line with a way out.

Most use types of plugins that are not here, so that this is above all about flows of which one part is unknown.
``blueprints.txt`` is the table, read by a person; it is not written by a program.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from jupyter_gov.lang.check import CheckedFlow, check
from jupyter_gov.lang.diagnostics import render
from jupyter_gov.plugins.registry import Registry
from tests.conformance.conftest import corpus_of

TABLE = Path(__file__).parent / "blueprints.txt"
REGISTRY = Registry()


def expected() -> Mapping[str, list[str]]:
    """Return the table: file -> codes."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(":") for line in lines if line and not line.startswith("#"))
    return {name: codes.split() for name, _, codes in pairs}


def folder(config: pytest.Config) -> Path | None:
    corpus = corpus_of(config)
    found = None if corpus is None else corpus / "blueprints"
    return found if found is not None and found.is_dir() else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "file" not in metafunc.fixturenames:
        return
    found = folder(metafunc.config)
    if found is None:
        reason = "no blueprints: give --corpus DIR or JUPYTER_GOV_CORPUS"
        metafunc.parametrize("file", [pytest.param(None, id="blueprints", marks=pytest.mark.skip(reason=reason))])
        return
    mark = pytest.mark.conformance("blueprints", "check")
    metafunc.parametrize("file", [pytest.param(one, id=one.stem, marks=mark) for one in sorted(found.glob("*.y*ml"))])


def codes(checked: CheckedFlow) -> list[str]:
    return sorted({one.code for one in checked.errors})


def test_blueprint(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    table = expected()
    assert file.name in table, f"{file.name} is not in the table: {render(check(text, REGISTRY).errors, text)}"
    checked = check(text, REGISTRY)
    assert codes(checked) == table[file.name], render(checked.errors, text)
    for one in checked.errors:
        assert one.location is not None
        if one.code == "GOV111":
            assert one.hint
            assert "--allow-unknown-types" in (one.note or "")
    allowed = check(text, REGISTRY, allow_unknown_types=True)
    assert codes(allowed) == [code for code in table[file.name] if code != "GOV111"]
    assert any(one.code == "GOV165" for one in allowed.warnings) is ("GOV111" in table[file.name])
    check(text, REGISTRY, target="2.0", allow_unknown_types=True)


def test_the_table_names_no_file_that_is_not_there(pytestconfig: pytest.Config) -> None:
    found = folder(pytestconfig)
    if found is None:
        pytest.skip("no blueprints: give --corpus DIR or JUPYTER_GOV_CORPUS")
    assert set(expected()) <= {one.name for one in found.iterdir()}
