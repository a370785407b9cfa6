"""What expressions may reach while a flow runs; implements ``lang.ports.ExpressionHost``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_gov.domain.execution import Execution
from jupyter_gov.errors import TaskError
from jupyter_gov.lang.models.flow import Dialect
from jupyter_gov.lang.ports import JqAnswer
from jupyter_gov.runtime import jq
from jupyter_gov.runtime.clock import Clock
from jupyter_gov.runtime.files import FileAccess, allowed_directories
from jupyter_gov.runtime.kv import native
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.sealing import Sealer
from jupyter_gov.runtime.secrets import Secrets

if TYPE_CHECKING:
    from jupyter_gov.store import Store

_ERROR_LINES = 1000


class Host:
    """Files, secrets and logs of one execution (or of a flow that is about to start), for expressions.

    Parameters
    ----------
    execution
        None before there is one: then only local files can be read.
    masks
        Learns every secret that an expression reads.
    dialect
        Version of Kestra for which the flow is written: since 2.0 a value that is not there is an error.
    """

    def __init__(
        self,
        store: Store,
        namespace: str,
        execution: Execution | None = None,
        *,
        settings: Mapping[str, Any],
        secrets: Secrets,
        clock: Clock,
        masks: Masks | None = None,
        dialect: Dialect = "1.3",
    ) -> None:
        self._store = store
        self._namespace = namespace
        self._execution = execution
        self._settings = settings
        self._secrets = secrets
        self._clock = clock
        self._masks = masks
        self._dialect = dialect
        self._files: FileAccess | None = None

    @property
    def files(self) -> FileAccess:
        """What this execution may read."""
        if self._files is None:
            directories = allowed_directories(self._settings)
            self._files = FileAccess(self._store, self._execution, directories, self._namespace)
        return self._files

    def place(self) -> Mapping[str, str]:
        """Return address and environment of this installation, as far as they are set."""
        return self._settings.get("place") or {}

    def now(self) -> datetime:
        """Return the present time."""
        return self._clock()

    def read(self, uri: str) -> str:
        """Return the text of a file of this execution or namespace, or below the folder in which it was started."""
        return self.files.read_text(self.files.named(uri))

    def file_size(self, uri: str) -> int:
        """Return the size of a file in bytes."""
        return self.files.path(self.files.named(uri)).stat().st_size

    def file_exists(self, uri: str) -> bool:
        """Return whether the file exists."""
        return self.files.exists(self.files.named(uri))

    def file_uri(self, path: str) -> str:
        """Return the URI of a file of the namespace, or of one below the folder in which the execution was started."""
        found = self.files.named(path)
        return found if found != path else self.files.path(path).as_uri()

    def secret(self, name: str) -> str:
        """Return a secret of the namespace."""
        value = self._secrets.get(name, self._namespace)
        if self._masks is not None:
            self._masks.add(value)
        return value

    def open_sealed(self, ciphertext: str) -> str:
        """Return the text of a SECRET input; it is masked from now on."""
        value = Sealer(str(self._settings.get("encryption.key") or "")).open(ciphertext)
        if self._masks is not None:
            self._masks.add(value)
        return value

    def open_output(self, ciphertext: str) -> str:
        """Return the text that a task has sealed among its outputs.

        It is masked in logs from now on. In outputs it stays: whoever writes the expression there hands it on.
        """
        value = Sealer(str(self._settings.get("encryption.key") or "")).open(ciphertext)
        if self._masks is not None:
            self._masks.add_to_logs(value)
        return value

    def kv(self, key: str, namespace: str | None, error_on_missing: bool | None) -> Any:
        """Return a stored value of this namespace, or of another one.

        Raises
        ------
        TaskError
            ``GOV864``: there is none, and the expression insists on one.
        """
        space = namespace or self._namespace
        with self._store.read() as tx:
            found = self._store.kv.get(tx, space, key, now=self._clock())
        if found is not None:
            return native(found)
        if not (self._dialect == "2.0" if error_on_missing is None else error_on_missing):
            return None
        raise TaskError(
            f"The key '{key}' does not exist in the namespace '{space}'.",
            code="GOV864",
            hint="Set it by a task of type io.kestra.plugin.core.kv.Set, or write errorOnMissing=false.",
        )

    def error_logs(self) -> Sequence[Mapping[str, Any]]:
        """Return the ERROR log lines of the execution."""
        found: list[Mapping[str, Any]] = []
        if self._execution is None:
            return found
        after = 0
        with self._store.read() as tx:
            while lines := self._store.logs.after(tx, self._execution.id, after, None, _ERROR_LINES):
                after = lines[-1].id
                found += [_shown(line) for line in lines if line.level == "ERROR"]
                if len(found) >= _ERROR_LINES:
                    break
        return found[:_ERROR_LINES]

    def jq(self, program: str, source: str, *, seconds: float, characters: int) -> JqAnswer:
        """Run a jq program in a helper process."""
        return jq.ask(program, source, seconds=seconds, characters=characters)


def _shown(line: Any) -> Mapping[str, Any]:
    return {"taskId": line.task_id, "message": line.message, "level": line.level, "timestamp": line.at.isoformat()}
