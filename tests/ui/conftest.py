"""A real JupyterLab (and Notebook 7) in a real Chromium.

Without Chromium or the built front-end these tests are reported as skipped; where ``CI`` is set that is a failure.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

import jupyter_gov

# A busy machine starts kernels and interpreters slowly; nothing waits longer than it must.
expect.set_options(timeout=30_000)

PACKAGE = Path(jupyter_gov.__file__).parent
SCREENSHOTS = Path(__file__).parent / "screenshots" / ("" if os.environ.get("UPDATE_SCREENSHOTS") else "new")
"""The committed pictures are replaced only on demand: dates and ids differ with each run."""
AXE = PACKAGE.parent / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
]
CONFIG = """
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
c.LabApp.expose_app_in_browser = True
c.JupyterNotebookApp.expose_app_in_browser = True
c.ServerApp.jpserver_extensions = {"jupyter_gov": True}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.ui)


def missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"in CI the browser tests must run: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        missing("there is no Chromium: install it, or set CHROMIUM to its path")
    for built in (PACKAGE / "labextension" / "package.json", PACKAGE / "kernel" / "static" / "widget.js"):
        if not built.is_file():
            missing(f"the front-end is not built: {built.name} is missing (jlpm build:prod in labextension)")
    return found or ""


@pytest.fixture(scope="session")
def axe() -> Path:
    """The script that reads a page as people with a screen reader or weak eyes meet it."""
    if not AXE.is_file():
        missing("the front-end's packages are not installed: jlpm install in labextension")
    return AXE


@dataclass(frozen=True)
class Lab:
    """A running server."""

    url: str
    token: str
    root: Path
    home: Path
    environment: dict[str, str]

    def write(self, name: str, *cells: str) -> str:
        """Put a notebook with these code cells under the server's root."""
        document = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "cells": [
                {
                    "cell_type": "code",
                    "id": secrets.token_hex(4),
                    "metadata": {},
                    "source": cell,
                    "outputs": [],
                    "execution_count": None,
                }
                for cell in cells
            ],
            "metadata": {
                "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
                "language_info": {"name": "python"},
            },
        }
        (self.root / name).write_text(json.dumps(document))
        return name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(home: Path) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    for kind in ("config", "data", "runtime"):
        environment[f"JUPYTER_{kind.upper()}_DIR"] = str(home / kind)
    environment |= {
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "JUPYTER_GOV_DATA_DIR": str(home / "gov"),
        # Pictures name neither the machine nor its user.
        "JUPYTER_GOV_SERVER_NAME": "lab",
        "LOGNAME": "ann",
        # Times in pictures must not depend on where they were taken.
        "TZ": "UTC",
    }
    return environment


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, chromium_path: str) -> Iterator[Lab]:
    """One server for the whole suite."""
    home = tmp_path_factory.mktemp("lab")
    for folder in ("root", "config", "extensions"):
        (home / folder).mkdir()
    notices = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notices.parent.mkdir(parents=True)
    notices.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    # The files of this source tree, whatever is installed besides.
    (home / "extensions" / "jupyter-gov").symlink_to(PACKAGE / "labextension")
    extra = f'c.LabServerApp.extra_labextensions_path = ["{home / "extensions"}"]\n'
    (home / "config" / "jupyter_server_config.py").write_text(CONFIG + extra)
    found = Lab(f"http://127.0.0.1:{_free_port()}", secrets.token_hex(16), home / "root", home, _environment(home))
    with _server(found):
        yield found


@contextlib.contextmanager
def _server(found: Lab) -> Iterator[None]:
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        f"--port={found.url.rpartition(':')[2]}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={found.token}",
        f"--ServerApp.root_dir={found.root}",
    ]
    with (found.home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=found.environment, stdout=log, stderr=log, start_new_session=True, cwd=found.root
        )
    try:
        _await_server(found, process)
        yield
    finally:
        # Its own session: nothing else can be hit.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _await_server(found: Lab, process: subprocess.Popen[bytes]) -> None:
    request = urllib.request.Request(f"{found.url}/api/status", headers={"Authorization": f"token {found.token}"})
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(request, timeout=5).close()
            return
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail((found.home / "server.log").read_text(errors="replace")[-5000:])
        time.sleep(0.1)


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    # For one module only: Playwright keeps an event loop running, beside which tests of other suites cannot start one.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, lab: Lab) -> Iterator[Page]:
    """A signed-in page; what it writes to its console as an error is kept in ``page.errors``."""
    context = chromium.new_context(
        viewport={"width": 1180, "height": 900}, locale="en-GB", timezone_id="UTC", reduced_motion="reduce"
    )
    found = context.new_page()
    found.set_default_timeout(30_000)
    found.goto(f"{lab.url}/login?token={lab.token}")
    yield found
    context.close()


READY = """async () => {
  const found = jupyterapp.shell.currentWidget.context;
  await found.ready; await found.sessionContext.ready; await found.sessionContext.session.kernel.info;
}"""


@dataclass(frozen=True)
class Notebook:
    """An open notebook."""

    page: Page

    def run_all(self) -> None:
        """Start all cells, and do not wait: a cell may block."""
        self.page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')")

    def command(self, name: str, **arguments: Any) -> None:
        self.page.evaluate("([name, args]) => jupyterapp.commands.execute(name, args)", [name, arguments])

    def editor(self, index: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index).locator(".cm-content")

    def output(self, index: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index).locator(".jp-Cell-outputArea")

    @property
    def run(self) -> Locator:
        return self.page.get_by_test_id("jp-gov-run")

    def theme(self, name: str) -> None:
        """Switch the theme and wait until it is on."""
        self.command("apputils:change-theme", theme=name)
        dark = "false" if "Dark" in name else "true"
        self.page.locator(f'body[data-jp-theme-light="{dark}"]').wait_for(state="attached")

    def picture(self, name: str, target: Locator, check: Callable[[Page], None] | None = None) -> None:
        """Keep how something looks, in light and dark."""
        # Else what is taller than the notebook's panel would be cut.
        size = self.page.viewport_size or {"width": 1180, "height": 900}
        self.page.set_viewport_size({"width": size["width"], "height": 2200})
        for theme, suffix in (("JupyterLab Light", "light"), ("JupyterLab Dark", "dark")):
            self.theme(theme)
            keep(f"{name}-{suffix}", target)
            if check:
                check(self.page)
        self.theme("JupyterLab Light")
        self.page.set_viewport_size(size)


OVER = """all => all.flatMap(node => {
  const box = node.querySelector('rect').getBoundingClientRect();
  return [...node.querySelectorAll('text')]
    .map(text => [text.textContent, Math.round(box.right - text.getBoundingClientRect().right)])
    .filter(found => found[1] < 4);
})"""


def over_the_edge(run: Locator) -> list[Any]:
    """Return the texts of a graph's boxes that come too near to their edge."""
    found: list[Any] = run.locator(".jp-gov-node").evaluate_all(OVER)
    return found


def keep(name: str, target: Locator) -> None:
    """Store a picture."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    target.scroll_into_view_if_needed()
    target.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled", caret="hide")


@pytest.fixture
def notebook(page: Page, lab: Lab) -> Callable[..., Notebook]:
    """Open a notebook with the given cells in JupyterLab, its kernel ready."""

    def opened(*cells: str, name: str | None = None) -> Notebook:
        file = name or lab.write(f"{secrets.token_hex(4)}.ipynb", *cells)
        page.goto(f"{lab.url}/lab/tree/{file}?reset")
        page.wait_for_selector(".jp-Cell")
        page.evaluate(READY)
        found = Notebook(page)
        found.command("application:toggle-left-area")
        return found

    return opened
