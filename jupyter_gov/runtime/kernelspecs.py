"""Which kernel a notebook needs, and when two runs may share a kernel that waits."""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel

from jupyter_gov.errors import TaskError


@dataclass(frozen=True, slots=True)
class KernelKey:
    """What two runs must share so that a kernel started for one may serve the other."""

    identity: str
    kernel_name: str
    cwd: str
    digest: str


@dataclass(frozen=True, slots=True)
class KernelWant:
    """A kernel that somebody needs: the key, and how to start one."""

    key: KernelKey
    spec: KernelSpec
    environment: Mapping[str, str]

    @property
    def poolable(self) -> bool:
        """Whether a kernel can be given its own environment after it started, by a request in Python."""
        return is_python(self.spec)


_READ_AT_START = ("PYTHON", "IPYTHON", "JUPYTER", "LD_", "DYLD_", "LC_", "MALLOC_")
_READ_AT_START_EXACTLY = frozenset({"HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "MPLBACKEND"})


def at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a process reads only when it starts: a kernel that waits already has read them."""
    return {
        name: value
        for name, value in environment.items()
        if name in _READ_AT_START_EXACTLY or (name.startswith(_READ_AT_START) and not name.startswith("JUPYTER_GOV_"))
    }


def is_python(spec: KernelSpec) -> bool:
    """Return whether a kernel is IPython's."""
    return spec.language.lower() == "python" and any("ipykernel" in word for word in spec.argv)


def find_spec(name: str) -> KernelSpec:
    """Return the installed kernel of this name.

    Raises
    ------
    TaskError
        ``GOV844``: there is none.
    """
    manager = KernelSpecManager()
    try:
        return manager.get_kernel_spec(name)
    except NoSuchKernel:
        known = ", ".join(sorted(manager.find_kernel_specs())) or "none"
        raise TaskError(
            f"There is no kernel named {name!r}; installed: {known}.",
            code="GOV844",
            hint='Install it, or name another with "kernelName".',
        ) from None


def want(identity: str, name: str, cwd: Path, environment: Mapping[str, str]) -> KernelWant:
    """Describe the kernel that a run needs.

    Raises
    ------
    TaskError
        ``GOV844`` no such kernel, ``GOV845`` no such folder.
    """
    spec = find_spec(name)
    try:
        folder = cwd.stat()
    except OSError as error:
        raise TaskError(f"The kernel cannot start in {str(cwd)!r}: {error.strerror}.", code="GOV845") from error
    # A folder that was deleted and made again is another one, and a kernel that started before a package was
    # installed may not see it: .pth files are read once.
    packages = _mtime(sysconfig.get_path("purelib"))
    parts = [sorted(environment.items()), spec.to_dict(), folder.st_dev, folder.st_ino, sys.executable, packages]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
    return KernelWant(KernelKey(identity, name, str(cwd), digest), spec, environment)


def _mtime(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0
