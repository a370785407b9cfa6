"""Every setting once: its trait, environment name, default and help.

Precedence: call argument, command line, config file, environment, default. The same class configures the server
(``jupyter_server_config.py``), the kernel (``ipython_config.py``), the command line and scripts
(``jupyter_gov_config.py`` or ``.json``). ``python -m tests.arch.test_settings`` writes the table of the README.
"""

from __future__ import annotations

import getpass
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

try:
    import pwd
except ImportError:  # Windows
    pwd = None  # type: ignore[assignment]

from traitlets import Bool, Dict, Enum, Float, Int, List, TraitError, TraitType, Unicode
from traitlets.config import Config, Configurable

from jupyter_gov.errors import InstallationError
from jupyter_gov.runtime import limits, secrets

if TYPE_CHECKING:
    from jupyter_gov.lang.check import Target

ENV_PREFIX = "JUPYTER_GOV_"
COMMAND_LINE_PREFIX = f"{ENV_PREFIX}COMMAND_LINE_"
"""Begins the variables by which a command line hands on what was chosen there, above all config files: a kernel that it
starts must not use another database than the command that waits for it."""
BAD_SETTING = "GOV920"
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
_HIDDEN = "(set, not shown)"
_PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*@|((?:^|[?&])(?:ssl)?password=)[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as people read it: ``value`` is what is in effect, without what is secret in it."""

    name: str
    value: str
    origin: str
    """``default``, the environment variable, the config file, or who called."""


class JupyterGov(Configurable):
    """Settings of AI governance in Jupyter."""

    kestra_version = Enum(
        ("auto", "1.3", "2.0"),
        "auto",
        help="Version of Kestra by whose rules flows are read: 1.3, 2.0, or auto, the one that a flow is written for.",
    ).tag(config=True)
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
        help="Identity whose executions this installation carries on; if empty the account, with the hub's user if any."
    ).tag(config=True)
    server_name = Unicode(
        help="What a Jupyter server that cannot name its users calls all of them: anonymous@<this>; its host if empty."
    ).tag(config=True)
    url = Unicode(
        help="Address of the pages that show executions, at <url>/ui/executions/NAMESPACE/FLOW/ID; none if empty."
    ).tag(config=True)
    environment = Unicode(
        help="Name of this environment, such as production: expressions read it as `kestra.environment`; none if empty."
    ).tag(config=True)
    workers = Int(4, min=1, help="How many scripts, queries and notebooks run at once in one process.").tag(config=True)
    lease_seconds = Float(
        15.0, min=1.0, help="After how many seconds without a sign of life another process takes an execution over."
    ).tag(config=True)
    background_loop = Bool(
        default_value=True,
        help="Whether the Jupyter server fires triggers and carries on executions whose kernel is gone.",
    ).tag(config=True)
    webhook_calls_per_minute = Int(
        60, min=1, help="How often one address may call webhooks of the Jupyter server in a minute."
    ).tag(config=True)
    mail_host = Unicode(help="Mail server for MailSend tasks that name none.").tag(config=True)
    mail_port = Int(25, help="Port of that mail server.").tag(config=True)
    mail_username = Unicode(help="User name at that mail server.").tag(config=True)
    mail_password_secret = Unicode(help="Name of the secret that holds the password at that mail server.").tag(
        config=True
    )
    mail_transport = Unicode("SMTP", help="SMTP, SMTPS or SMTP_TLS.").tag(config=True)
    ai_provider = Dict(help="Provider of AIAgent tasks that name none, as written in a flow: {'type': …}.").tag(
        config=True, secret=True
    )
    secret_namespaces = Dict(
        key_trait=Unicode(),
        value_trait=List(Unicode()),
        help="Namespaces, with those below them, that alone may read a secret: {'NAME': ['company.team']}.",
    ).tag(config=True)
    secret_providers = List(
        Enum(secrets.PROVIDERS),
        list(secrets.DEFAULT_PROVIDERS),
        help="Where secrets are looked for, in this order: environment, file, keyring.",
    ).tag(config=True)
    secret_path = Unicode(
        help="Folder with one file per secret, or one file (YAML or dotenv) with all; nobody but its owner may read it."
    ).tag(config=True)
    secret_keyring_service = Unicode(
        secrets.DEFAULT_SERVICE, help="Service of the keyring whose entries are secrets; needs jupyter_gov[keyring]."
    ).tag(config=True)
    encryption_key = Unicode(
        help="Base64 of 32 bytes that seals SECRET inputs; without it such inputs are refused."
    ).tag(config=True, secret=True)
    max_output_bytes = Int(
        limits.OUTPUT_BYTES, min=1000, help="How much a script may write to its output before it is stopped."
    ).tag(config=True)
    max_log_lines = Int(limits.LOG_LINES, min=100, help="How many log lines of one attempt are kept.").tag(config=True)
    max_log_bytes = Int(limits.LOG_BYTES, min=1000, help="How much text the log of one attempt keeps.").tag(config=True)
    max_log_line_length = Int(limits.LOG_LINE_LENGTH, min=80, help="After how many characters a log line is cut.").tag(
        config=True
    )
    max_result_bytes = Int(
        limits.RESULT_BYTES, min=1000, help="How large the outputs of a task may be, without its files."
    ).tag(config=True)
    work_dir = Unicode(help="Where attempts get their temporary folders; the system's place if empty.").tag(config=True)
    globals = Dict(help="What expressions find below `globals`.").tag(config=True)
    duckdb_memory_limit = Unicode(
        help="How much memory a query may take, such as 4GB; DuckDB's own limit if empty."
    ).tag(config=True)
    duckdb_threads = Int(0, min=0, help="How many threads a query may use; DuckDB's own number if 0.").tag(config=True)
    warm_kernels = Int(1, min=0, help="How many notebook kernels are kept ready after the first notebook task.").tag(
        config=True
    )

    @property
    def target(self) -> Target:
        """Version of Kestra by whose rules flows are checked."""
        return cast("Target", self.kestra_version)

    def __init__(self, **kwargs: Any) -> None:
        config = kwargs.pop("config", None)
        self._origins: dict[str, str] = {}
        if config is None:
            config = self._from_files()
        else:
            self._note(config, "config of this process")
        try:
            super().__init__(config=config)
        except TraitError as error:
            raise _bad(str(error), "a config file") from error
        for name, trait in self.class_own_traits(config=True).items():
            variable = environment_name(name)
            text = os.environ.get(variable)
            if text is not None and name not in self._origins:
                self._set(name, _from_text(trait, text, variable), variable)
            chosen = os.environ.get(COMMAND_LINE_PREFIX + name.upper())
            if chosen is not None:
                self._set(name, _from_text(trait, chosen, "the command line"), "command line")
        for name, value in kwargs.items():
            self._set(name, value, "call argument")

    def _from_files(self) -> Config:
        merged = Config()
        for file, found in config_files():
            self._note(found, str(file))
            merged.merge(found)
        return merged

    def _note(self, config: Config, origin: str) -> None:
        self._origins.update(dict.fromkeys(config.get(type(self).__name__, {}), origin))

    def _set(self, name: str, value: Any, origin: str) -> None:
        try:
            setattr(self, name, value)
        except TraitError as error:
            raise _bad(str(error), origin) from error
        self._origins[name] = origin

    def in_effect(self) -> list[Setting]:
        """Return every setting with its value and where that comes from, for people to read."""
        resolved = {
            "data_dir": self.resolved_data_dir,
            "db_url": self.resolved_db_url,
            "files_root": self.resolved_files_root,
            "run_as": self.resolved_run_as,
        }
        return [
            Setting(
                name,
                _HIDDEN if trait.metadata.get("secret") and getattr(self, name) else _shown(value),
                self._origins.get(name, "default"),
            )
            for name, trait in sorted(self.class_own_traits(config=True).items())
            for value in [resolved[name]() if name in resolved else getattr(self, name)]
        ]

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
        return self.run_as or local_identity()

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
            "secrets.namespaces": {name: tuple(places) for name, places in self.secret_namespaces.items()},
            "secrets.providers": tuple(self.secret_providers),
            "secrets.path": str(Path(self.secret_path).expanduser().absolute()) if self.secret_path else None,
            "secrets.keyring_service": self.secret_keyring_service,
            "process.max_output_bytes": self.max_output_bytes,
            "outputs.max_bytes": self.max_result_bytes,
            "logs.max_lines": self.max_log_lines,
            "logs.max_bytes": self.max_log_bytes,
            "logs.max_line_length": self.max_log_line_length,
            "paths.work": str(Path(self.work_dir).expanduser().absolute()) if self.work_dir else None,
            "globals": dict(self.globals),
            "place": {k: v for k, v in (("url", self.url), ("environment", self.environment)) if v},
            "duckdb.memory_limit": self.duckdb_memory_limit or None,
            "duckdb.threads": self.duckdb_threads or None,
            "notebook.warm_kernels": self.warm_kernels,
        }


def account() -> str:
    """Return the account of this process as the system knows it: who can set a variable is not somebody else."""
    if pwd is None:
        return getpass.getuser()
    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # a container that runs under a number of its own
        return f"uid{number}"


def local_identity() -> str:
    """Return who this process acts for: the account, followed by ``:`` and the hub's user where that is another name.

    Under a hub that runs everybody in containers all have the same account, so its user must part them. But anybody can
    set the variable: since no account has a colon in its name, what it says never makes one account look like another.
    """
    name, hub_user = account(), os.environ.get("JUPYTERHUB_USER")
    return name if not hub_user or hub_user == name else f"{name}:{hub_user}"


def settings_table() -> list[tuple[str, str, str]]:
    """Return ``(name, default, help)`` of every setting, for the docs."""
    traits = sorted(JupyterGov.class_own_traits(config=True).items())
    return [(name, _shown(trait.default()), str(trait.help)) for name, trait in traits]


def environment_name(name: str) -> str:
    """Return the environment variable of a setting."""
    return ENV_PREFIX + name.upper()


def _from_text(trait: TraitType[Any, Any], text: str, variable: str) -> Any:
    try:
        if isinstance(trait, Bool):
            return _flag(text)
        if isinstance(trait, Int):
            return int(text)
        if isinstance(trait, Float):
            return float(text)
        if isinstance(trait, Dict):
            return json.loads(text)
    except ValueError as error:
        raise _bad(f"{error}", variable) from error
    if isinstance(trait, List):
        return [part for part in text.split(os.pathsep) if part]
    return text


def _flag(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        # Anything unknown would otherwise switch off what somebody wanted on.
        raise ValueError(f"expected true or false, got {text!r}")
    return word in _TRUE


def _bad(problem: str, origin: str) -> InstallationError:
    return InstallationError(
        f"a setting from {origin} cannot be used: {problem}",
        code=BAD_SETTING,
        hint="Correct it or take it out; `jupyter gov doctor` lists the settings in effect.",
    )


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return os.pathsep.join(map(str, value))
    if isinstance(value, Mapping):
        return json.dumps(value) if value else ""
    return _PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", str(value))


def load_config_files() -> Config:
    """Return what ``jupyter_gov_config.py`` and ``.json`` of the Jupyter config path say; the nearest wins."""
    merged = Config()
    for _file, found in config_files():
        merged.merge(found)
    return merged


def config_files() -> Iterator[tuple[Path, Config]]:
    """Yield each config file with what it says, the one that wins last.

    Raises
    ------
    InstallationError
        ``GOV920``: a file cannot be read.
    """
    from jupyter_core.paths import jupyter_config_path  # noqa: PLC0415 - see resolved_data_dir
    from traitlets.config.loader import JSONFileConfigLoader, PyFileConfigLoader  # noqa: PLC0415

    for folder in reversed(jupyter_config_path()):
        for loader, suffix in ((PyFileConfigLoader, "py"), (JSONFileConfigLoader, "json")):
            file = Path(folder, f"jupyter_gov_config.{suffix}")
            if not file.is_file():
                continue
            try:
                yield file, loader(file.name, path=folder).load_config()
            except (OSError, SyntaxError, NameError, AttributeError, ImportError, TypeError, ValueError) as error:
                raise _bad(str(error), str(file)) from error
