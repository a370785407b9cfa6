"""Inputs that are handed over as they are: not typed, not checked, but never in the clear and never outside the store."""

from __future__ import annotations

import base64

import pytest

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.sealed import is_sealed
from jupyter_gov.errors import InputError
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import StartRequest

ANN = Actor("ann", "Ann", assurance=Assurance.OS)
FLOW = """\
id: f
namespace: n
inputs:
  - {id: text, type: STRING}
  - {id: word, type: STRING, defaults: hello}
  - {id: more.number, type: INT, defaults: 3}
  - {id: twice, type: STRING, defaults: "{{ inputs.word }}-{{ inputs.word }}"}
  - {id: password, type: SECRET, required: false}
  - {id: file, type: FILE, required: false}
tasks:
  - {id: a, type: io.kestra.plugin.core.log.Log, message: x}
"""


@pytest.fixture
def gov(tmp_path):
    key = base64.b64encode(b"k" * 32).decode()
    service = open_gov(data_dir=str(tmp_path / "data"), run_as="ann", encryption_key=key)
    service.flows.register(FLOW, ANN)
    yield service
    service.close()


def start(gov, tmp_path, **inputs):
    request = StartRequest("n", "f", inputs=inputs, workdir=str(tmp_path), trusted=True)
    return gov.executions.start(request, ANN).inputs


def test_values_stay_as_they_are_and_defaults_come_in(gov, tmp_path):
    given = {"text": True, "more": {"other": [1]}, "unknown": None}
    assert start(gov, tmp_path, **given) == {
        "text": True,
        "unknown": None,
        "word": "hello",
        "twice": "hello-hello",
        "more": {"other": [1], "number": 3},
    }
    assert given["more"] == {"other": [1]}


def test_nothing_need_be_there(gov, tmp_path):
    assert "text" not in start(gov, tmp_path)
    with pytest.raises(InputError, match="missing required input"):
        gov.executions.start(StartRequest("n", "f"), ANN)


def test_secrets_are_sealed_and_files_stored(gov, tmp_path):
    (tmp_path / "a.txt").write_text("content")
    values = start(gov, tmp_path, password="swordfish", file="a.txt")
    assert is_sealed(values["password"])
    assert values["file"].startswith("kestra:///n/f/executions/")
    assert start(gov, tmp_path, file="not there")["file"] == "not there"


def test_what_looks_sealed_is_refused(gov, tmp_path):
    sealed = start(gov, tmp_path, password="swordfish")["password"]
    for name in ("text", "unknown"):
        with pytest.raises(InputError, match="may not look like a sealed one"):
            start(gov, tmp_path, **{name: sealed})
