"""What people install holds everything that runs: the wheel, and the sdist from which a wheel is made without Node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = "jupyter_gov-{version}.data/data/"
LAB = "share/jupyter/labextensions/jupyter-gov/"
FRONT_END = ("package.json", "install.json", "static/style.js", "schemas/jupyter-gov/plugin.json")
BUILT = (ROOT / "jupyter_gov/labextension/package.json", ROOT / "jupyter_gov/kernel/static/widget.js")
VERSION = json.loads((ROOT / "labextension/package.json").read_text())["version"]


def _build(target: str, source: Path, into: Path, **environment: str) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(into)],
        cwd=source,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        timeout=60,
    )
    [made] = into.iterdir()
    return made


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as opened:
        return {name.replace(DATA.format(version=VERSION), "") for name in opened.namelist() if "dist-info" not in name}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files of a wheel of this tree, with the front-end as it is found."""
    return _names(_build("wheel", ROOT, tmp_path_factory.mktemp("wheel"), SKIP_JUPYTER_BUILDER="1"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of this tree, as pip unpacks it."""
    sdist = _build("sdist", ROOT, tmp_path_factory.mktemp("sdist"), SKIP_JUPYTER_BUILDER="1")
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as opened:
        opened.extractall(folder, filter="data")
    [root] = folder.iterdir()
    return root


def _files(folder: Path) -> set[str]:
    found = (path.relative_to(ROOT) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in found if "__pycache__" not in path.parts and ".ipynb_checkpoints" not in path.parts}


def test_the_wheel_has_every_file_of_the_package(wheel: set[str]):
    shipped_elsewhere = _files(ROOT / "jupyter_gov" / "labextension")
    wanted = _files(ROOT / "jupyter_gov") - shipped_elsewhere
    assert {"jupyter_gov/py.typed", "jupyter_gov/docs/errors/lang.md"} <= wanted
    assert any(name.endswith(".j2") for name in wanted)
    assert not sorted(wanted - wheel)
    assert {f"jupyter_gov/{name}" for name in _files(ROOT / "examples")} <= wheel


def test_the_wheel_has_nothing_else(wheel: set[str]):
    places = ("jupyter_gov/", "etc/jupyter/jupyter_server_config.d/", LAB)
    assert not sorted(name for name in wheel if not name.startswith(places))
    assert not sorted(name for name in wheel if name.startswith("jupyter_gov/labextension/") or "__pycache__" in name)


def test_the_wheel_switches_the_server_extension_on(wheel: set[str]):
    assert "etc/jupyter/jupyter_server_config.d/jupyter_gov.json" in wheel


def test_the_wheel_has_the_front_end_whole_or_not_at_all(wheel: set[str]):
    lab = {name.removeprefix(LAB) for name in wheel if name.startswith(LAB)}
    if not all(path.is_file() for path in BUILT):
        assert not lab  # JupyterLab would list an extension that is not there
        if os.environ.get("CI"):
            pytest.fail("in CI the front-end must be built")
        pytest.skip("the front-end is not built here: it needs Node")
    assert lab >= set(FRONT_END)
    assert any(name.startswith("static/remoteEntry.") for name in lab)
    assert {"jupyter_gov/kernel/static/widget.js", "jupyter_gov/kernel/static/widget.css"} <= wheel


def test_a_wheel_of_the_sdist_needs_no_node_and_is_the_same(
    wheel: set[str], unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SKIP_JUPYTER_BUILDER", raising=False)
    (tmp_path / "bin").mkdir()
    (tmp_path / "dist").mkdir()
    assert _names(_build("wheel", unpacked, tmp_path / "dist", PATH=str(tmp_path / "bin"))) == wheel
