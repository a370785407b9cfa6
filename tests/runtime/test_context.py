"""What a task sees of the world, and what of it is written down."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from jupyter_gov.config import JupyterGov
from jupyter_gov.domain.states import State
from jupyter_gov.errors import TaskError
from jupyter_gov.runtime.clock import utc_now
from jupyter_gov.runtime.logs import LogBuffer, LogLimits, LogPlace
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.secrets import Secrets, from_settings
from jupyter_gov.runtime.world import allowed_environment
from tests.runtime.rig import Rig, chain, run_of


def _secrets(**values: str) -> Secrets:
    encoded = {f"SECRET_{name}": base64.b64encode(value.encode()).decode() for name, value in values.items()}
    return from_settings(encoded, {"secrets": {"plain": "from settings"}})


def test_everything_a_context_offers(rig: Rig) -> None:
    loop = rig.loop(secrets=_secrets(TOKEN="hush-hush"))
    ended = rig.wait(rig.start(chain(1, "probe.Tell")))
    run = run_of(ended, "t0")
    assert run.state is State.WARNING
    outputs = dict(run.outputs or {})
    assert outputs["secret"] == "<********>"
    assert outputs["text"] == "content"
    assert outputs["typed"] == 2
    assert outputs["extra"] == "Ada"
    assert not Path(outputs["folder"]).exists()
    assert outputs["uri"].startswith(f"kestra:///company/team/chain-1/executions/{ended.id}/tasks/t0/{run.id}/")
    assert {label.key: label.value for label in ended.labels}["told"] == "yes"
    assert rig.logs(ended.id) == ["INFO the secret is ********", "WARN careful"]
    with rig.store.read() as tx:
        assert [(found.metric.name, found.metric.value) for found in rig.store.metrics.list(tx, ended.id)] == [
            ("rows", 3)
        ]
    assert loop.progress.of(ended.id) == {}


def test_what_a_flow_hands_back_holds_no_secret(rig: Rig) -> None:
    rig.loop(secrets=_secrets(TOKEN="hush-hush"))
    rig.register("""\
id: child
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.debug.Return
outputs:
  - id: token
    type: STRING
    value: "it is {{ secret('TOKEN') }}"
""")
    ended = rig.wait(
        rig.start("""\
id: parent
namespace: company.team
tasks:
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: company.team
    flowId: child
""")
    )
    outputs = run_of(ended, "call").outputs
    assert outputs is not None
    assert outputs["outputs"] == {"token": "it is ********"}
    assert rig.get(outputs["executionId"]).outputs == {"token": "it is ********"}


def test_a_missing_secret_fails_and_names_the_variable(rig: Rig) -> None:
    rig.loop(secrets=_secrets())
    ended = rig.wait(rig.start(chain(1, "probe.Tell", secret="nothing")))
    failure = run_of(ended, "t0").failure
    assert failure is not None
    assert failure.code == "GOV860"
    assert "SECRET_NOTHING" in str(failure.details)


def test_secrets_come_from_the_environment_alone() -> None:
    secrets = from_settings({"SECRET_A": "aGVs\nbG8=", "SECRET_BAD": "%%%"}, {"secrets": {"plain": "p"}})
    assert secrets.get("a", "ns") == "hello"
    for name in ("plain", "bad"):
        with pytest.raises(TaskError, match="GOV860"):
            secrets.get(name, "ns")


def test_a_secret_can_be_kept_to_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_GOV_SECRET_NAMESPACES", '{"key": ["company.team"], "nobody": []}')
    encoded = {"SECRET_KEY": "aGVsbG8=", "SECRET_NOBODY": "aGVsbG8=", "SECRET_FREE": "aGVsbG8="}
    secrets = from_settings(encoded, JupyterGov().task_settings())
    for namespace in ("company.team", "company.team.ai"):
        assert secrets.get("KEY", namespace) == "hello"
    for name, namespace in (("Key", "company"), ("key", "company.teams"), ("nobody", "company.team")):
        with pytest.raises(TaskError, match=f"kept from namespace '{namespace}'"):
            secrets.get(name, namespace)
    assert secrets.get("free", "anywhere") == "hello"


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("missing.txt", "GOV861"),
        ("../outside.txt", "GOV862"),
        ("/etc/passwd", "GOV862"),
        ("link.txt", "GOV862"),
        ("file:///etc/passwd", "GOV862"),
        ("https://example.org/x", "GOV862"),
        ("kestra:///company/team/x/executions/other/tasks/a/b/" + "0" * 64 + "/f.txt", "GOV862"),
        ("latin.txt", "GOV863"),
    ],
)
def test_files_outside_are_refused(rig: Rig, tmp_path: Path, uri: str, code: str) -> None:
    rig.folder = tmp_path / "start"
    rig.folder.mkdir()
    (tmp_path / "outside.txt").write_text("secret")
    (rig.folder / "link.txt").symlink_to("/etc/passwd")
    (rig.folder / "latin.txt").write_bytes(b"\xe9")
    rig.loop()
    ended = rig.wait(rig.start(chain(1, "probe.Read", uri=uri)))
    failure = run_of(ended, "t0").failure
    assert failure is not None
    assert failure.code == code


def test_files_of_the_start_folder_and_of_allowed_ones_are_read(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "data.txt").write_text("shared")
    rig.folder = tmp_path / "start"
    rig.folder.mkdir()
    (rig.folder / "data.txt").write_text("mine")
    rig.loop(settings={"paths.allowed": [str(tmp_path / "shared")]})
    mine = rig.wait(rig.start(chain(1, "probe.Read", uri="data.txt")))
    assert run_of(mine, "t0").outputs == {"text": "mine"}
    shared = rig.wait(rig.start(chain(1, "probe.Read", uri=f"{tmp_path}/shared/data.txt")))
    assert run_of(shared, "t0").outputs == {"text": "shared"}


def test_log_lines_are_bounded_and_the_last_words_are_kept(rig: Rig) -> None:
    rig.loop(settings={"logs.max_lines": 5, "logs.max_line_length": 20})
    ended = rig.wait(rig.start(chain(1, "probe.Shout", lines=50, length=100)))
    lines = rig.logs(ended.id)
    assert len(lines) == 7
    assert lines[0] == "INFO 0 xxxxxxxxxxxxxxxxxx … [82 characters cut]"
    assert "max_log_lines" in lines[5]
    assert lines[6] == "ERROR last words"


def test_lines_show_up_while_the_task_runs(rig: Rig) -> None:
    rig.loop()
    execution_id = rig.start(chain(1, "probe.Shout", lines=60, seconds=0.02))
    rig.wait(execution_id, lambda execution: len(rig.logs(execution_id)) >= 10)
    assert rig.get(execution_id).state is State.RUNNING
    rig.wait(execution_id)
    assert len(rig.logs(execution_id)) == 61


def test_log_level_and_log_file(rig: Rig) -> None:
    rig.loop()
    quiet = rig.wait(rig.start(chain(1, "probe.Shout", lines=3, logLevel="ERROR")))
    assert rig.logs(quiet.id) == ["ERROR last words"]
    filed = rig.wait(rig.start(chain(1, "probe.Shout", lines=3, logToFile="true")))
    uri = run_of(filed, "t0").attempts[0].log_file
    assert uri is not None
    assert len(rig.store.files.path(uri).read_text().splitlines()) == 4


def test_outputs_that_are_too_large_are_refused(rig: Rig) -> None:
    rig.loop(settings={"outputs.max_bytes": 3})
    ended = rig.wait(rig.start(chain(1)))
    failure = run_of(ended, "t0").failure
    assert failure is not None
    assert failure.code == "GOV866"


def test_masks_hide_each_line_and_the_longest_first() -> None:
    masks = Masks()
    masks.add("abcd")
    masks.add("abcdef\nsecond line\n")
    assert masks.apply("abcdef abcd second line") == "******** ******** ********"
    assert masks.apply_deep({"abcd": ["x abcd", 1, None]}) == {"********": ["x ********", 1, None]}


def test_the_environment_of_children_is_allow_listed() -> None:
    given = {"PATH": "/bin", "LC_ALL": "C", "JUPYTERHUB_API_TOKEN": "t", "JUPYTER_GOV_DB_URL": "u", "SECRET_X": "s"}
    assert allowed_environment(given) == {"PATH": "/bin", "LC_ALL": "C"}


def test_zero_bytes_do_not_reach_the_store() -> None:
    buffer = LogBuffer(LogPlace("e"), clock=utc_now, masks=Masks(), limits=LogLimits())
    buffer.info("a\0b")
    assert [line.message for line in buffer.take()] == ["a\ufffdb"]
