"""Runs every test, and installs what they need first: ``python -m tests`` in any virtual environment.

Needs nothing but Python: the package with its development tools, the front-end packages, and (as root, with apt)
Chromium and PostgreSQL are installed here. What cannot be had is named, and the tests that need it are reported as
skipped; where ``CI`` is set such a skip is a failure.

Options of its own are ``--no-install`` and ``--no-lint``; everything else goes to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONT = ROOT / "labextension"
CA_FILE = Path("/etc/ssl/certs/ca-certificates.crt")
PACKAGES = {"chromium": ("chromium", "chromium-browser"), "postgresql": ()}


def run(*command: str, cwd: Path = ROOT, check: bool = True, **environment: str) -> int:
    """Run a command, say which and how long it took, and stop at the first that fails."""
    print(f"\n$ {' '.join(command)}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, check=False).returncode
    print(f"  [{time.monotonic() - started:.0f} s, exit {code}]", flush=True)
    if code and check:
        raise SystemExit(code)
    return code


def tool(name: str) -> str:
    """Return the path of a tool of this environment."""
    return str(Path(sys.executable).parent / name)


def install() -> None:
    """Install the package with everything that its tests use."""
    if CA_FILE.is_file():
        # yarn looks only where node is told to look.
        os.environ.setdefault("NODE_EXTRA_CA_CERTS", str(CA_FILE))
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    install_system()
    shutil.rmtree(ROOT / "jupyter_gov" / "labextension", ignore_errors=True)
    run(sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "pip>=25.1")
    run(sys.executable, "-m", "pip", "install", "--quiet", "-e", ".[agent,postgres]", "--group", "dev")
    if shutil.which("node"):
        run(tool("jlpm"), "install", "--immutable", cwd=FRONT)
        run(tool("jlpm"), "build:prod", cwd=FRONT)
        run(tool("jupyter-builder"), "develop", "--overwrite", ".")


def install_system() -> None:
    """Install Chromium and PostgreSQL from Debian if that is possible, else say what is missing."""
    missing = [name for name in PACKAGES if not have(name)]
    if not missing:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, DEBIAN_FRONTEND="noninteractive")
    else:
        print(f"missing: {', '.join(missing)}; the tests that need them are skipped", flush=True)


def have(name: str) -> bool:
    """Return whether a system package is here."""
    if name == "postgresql":
        return any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return any(shutil.which(binary) for binary in PACKAGES[name])


def lint() -> None:
    """Check style, types, layers and the front-end."""
    run(tool("ruff"), "check", ".")
    run(tool("ruff"), "format", "--check", ".")
    run(tool("mypy"))
    run(tool("lint-imports"))
    if shutil.which("node"):
        run(tool("jlpm"), "lint", cwd=FRONT)
        run(tool("jlpm"), "test", cwd=FRONT)


def main() -> None:
    """Install, check, test."""
    arguments = sys.argv[1:]
    if "--no-install" in arguments:
        arguments.remove("--no-install")
    else:
        install()
    if "--no-lint" in arguments:
        arguments.remove("--no-lint")
    else:
        lint()
    raise SystemExit(
        run(sys.executable, "-m", "pytest", *(arguments or ["-n", "2", "--dist", "loadfile"]), check=False)
    )


if __name__ == "__main__":
    main()
