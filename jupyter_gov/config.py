"""Every setting once: its trait, environment name, default and help.

Precedence: call argument, command line, config file, environment, default. The same class configures the server
(``jupyter_server_config.py``), the kernel (``ipython_config.py``), the command line and scripts
(``jupyter_gov_config.py`` or ``.json``).
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from traitlets import Bool, Dict, Float, Int, List, TraitType, Unicode
from traitlets.config import Config, Configurable

ENV_PREFIX = "JUPYTER_GOV_"


class JupyterGov(Configurable):
    """Settings of AI governance in Jupyter."""

    data_dir = Unicode(
        help="Folder of the database and the stored files; <jupyter data dir>/jupyter_gov if empty."
    ).tag(config=True)
    db_url = Unicode(
        help="Database: a path or sqlite:/// URL, or postgresql+psycopg://…; gov.db in data_dir if empty."
    ).tag(config=True)
    files_root = Unicode(help="Folder of the stored files; files in data_dir if empty.").tag(config=True)
    allowed_paths = List(
        Unicode(), help="Folders whose files flows may read, besides the one in which an execution was started."
    ).tag(config=True)
    run_as = Unicode(
        help="Identity whose executions this installation carries on; the hub's or the local user if empty."
    ).tag(config=True)
    server_name = Unicode(
        help="What a Jupyter server that cannot name its users calls all of them: anonymous@<this>; its host if empty."
    ).tag(config=True)
    workers = Int(4, min=1, help="How many scripts, queries and notebooks run at once in one process.").tag(config=True)
    lease_seconds = Float(
        15.0, min=1.0, help="After how many seconds without a sign of life another process takes an execution over."
    ).tag(config=True)
    background_loop = Bool(
        default_value=True, help="Whether the Jupyter server carries on executions whose kernel is gone."
    ).tag(config=True)
    mail_host = Unicode(help="Mail server for MailSend tasks that name none.").tag(config=True)
    mail_port = Int(25, help="Port of that mail server.").tag(config=True)
    mail_username = Unicode(help="User name at that mail server.").tag(config=True)
    mail_password_secret = Unicode(help="Name of the secret that holds the password at that mail server.").tag(
        config=True
    )
    mail_transport = Unicode("SMTP", help="SMTP, SMTPS or SMTP_TLS.").tag(config=True)
    ai_provider = Dict(help="Provider of AIAgent tasks that name none, as written in a flow: {'type': …}.").tag(
        config=True
    )
    encryption_key = Unicode(
        help="Base64 of 32 bytes that seals SECRET inputs; without it such inputs are refused."
    ).tag(config=True)
    max_output_bytes = Int(
        50_000_000, min=1000, help="How much a script may write to its output before it is stopped."
    ).tag(config=True)
    max_log_lines = Int(100_000, min=100, help="How many log lines of one attempt are kept.").tag(config=True)
    warm_kernels = Int(1, min=0, help="How many notebook kernels are kept ready after the first notebook task.").tag(
        config=True
    )

    def __init__(self, **kwargs: Any) -> None:
        config = kwargs.pop("config", None)
        super().__init__(config=config if config is not None else load_config_files())
        written = self._written()
        for name, trait in self.class_own_traits(config=True).items():
            text = os.environ.get(ENV_PREFIX + name.upper())
            if text is not None and name not in written:
                setattr(self, name, _from_text(trait, text))
        for name, value in kwargs.items():
            setattr(self, name, value)

    def _written(self) -> set[str]:
        section = self.config.get(type(self).__name__, {})
        return set(section)

    def resolved_data_dir(self) -> Path:
        """Return the folder of everything that is kept."""
        if self.data_dir:
            return Path(self.data_dir).expanduser().absolute()
        from jupyter_core.paths import jupyter_data_dir  # noqa: PLC0415 - 20 ms that most callers do not need

        return Path(jupyter_data_dir()) / "jupyter_gov"

    def resolved_db_url(self) -> str:
        """Return the database URL with its default filled in."""
        return self.db_url or str(self.resolved_data_dir() / "gov.db")

    def resolved_files_root(self) -> Path:
        """Return the folder of stored files with its default filled in."""
        if self.files_root:
            return Path(self.files_root).expanduser().absolute()
        if self.data_dir or not self.db_url or "://" in self.db_url:
            return self.resolved_data_dir() / "files"
        return Path(self.db_url).expanduser().absolute().parent / "files"

    def resolved_run_as(self) -> str:
        """Return whose executions this process carries on."""
        return self.run_as or os.environ.get("JUPYTERHUB_USER") or getpass.getuser()

    def task_settings(self) -> Mapping[str, Any]:
        """Return what tasks see in ``ctx.settings``, by dotted name."""
        return {
            "paths.allowed": [str(Path(path).expanduser().absolute()) for path in self.allowed_paths],
            "mail.host": self.mail_host or None,
            "mail.port": self.mail_port,
            "mail.username": self.mail_username or None,
            "mail.password_secret": self.mail_password_secret or None,
            "mail.transport": self.mail_transport,
            "encryption.key": self.encryption_key or None,
            "ai.provider": dict(self.ai_provider) or None,
            "process.max_output_bytes": self.max_output_bytes,
            "logs.max_lines": self.max_log_lines,
            "notebook.warm_kernels": self.warm_kernels,
        }


def _from_text(trait: TraitType[Any, Any], text: str) -> Any:
    if isinstance(trait, Bool):
        return text.strip().lower() in {"1", "true", "yes", "on"}
    if isinstance(trait, Int):
        return int(text)
    if isinstance(trait, Float):
        return float(text)
    if isinstance(trait, Dict):
        return json.loads(text)
    if isinstance(trait, List):
        return [part for part in text.split(os.pathsep) if part]
    return text


def load_config_files() -> Config:
    """Return what ``jupyter_gov_config.py`` and ``.json`` of the Jupyter config path say; the nearest wins."""
    from jupyter_core.paths import jupyter_config_path  # noqa: PLC0415 - see resolved_data_dir
    from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader  # noqa: PLC0415

    config = Config()
    for folder in reversed(jupyter_config_path()):
        for loader in (PyFileConfigLoader, JSONFileConfigLoader):
            suffix = "py" if loader is PyFileConfigLoader else "json"
            try:
                config.merge(loader(f"jupyter_gov_config.{suffix}", path=folder).load_config())
            except ConfigFileNotFound:
                continue
    return config


def settings_table() -> list[tuple[str, str, str, str]]:
    """Return ``(name, environment name, default, help)`` of every setting, for the docs."""
    rows = []
    for name, trait in sorted(JupyterGov.class_own_traits(config=True).items()):
        rows.append((name, ENV_PREFIX + name.upper(), str(trait.default()), str(trait.help)))
    return rows
