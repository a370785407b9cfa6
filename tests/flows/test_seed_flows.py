"""The published flows check unchanged; each slip that stock Kestra refuses is named with its correction."""

from pathlib import Path

import pytest

from jupyter_gov.lang.check import check
from jupyter_gov.plugins.registry import Registry

SEED = Path(__file__).parents[1] / "data" / "seed"

# Flow -> (code, line, what the warning must name).
SLIPS: dict[str, list[tuple[str, int, str]]] = {
    "governed-model-training": [("GOV132", 8, "data_uri"), ("GOV160", 17, "errorMessage")],
    "model-deployment-with-approval": [],
    "governed-ai-agent": [
        ("GOV132", 7, "sales_data_uri"), ("GOV160", 15, "outputFiles"), ("GOV160", 22, "htmlTextContent"),
        ("GOV160", 22, "outputFiles"), ("GOV166", 22, "read("), ("GOV166", 22, "replace("),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", SLIPS)
def test_published_flow(name: str) -> None:
    result = check((SEED / f"{name}.yaml").read_text(encoding="utf-8"), Registry())
    flow = result.raise_for_errors()
    assert flow.id == name
    found = [(one.code, one.location.line, f"{one.message} {one.hint}") for one in result.warnings if one.location]
    for code, line, word in SLIPS[name]:
        assert any((code, line) == (one[0], one[1]) and word in one[2] for one in found), (code, line, word, found)


def test_inputs_and_properties_of_the_published_flows() -> None:
    flows = {
        name: check((SEED / f"{name}.yaml").read_text(encoding="utf-8"), Registry()).raise_for_errors()
        for name in SLIPS
    }
    training = flows["governed-model-training"]
    assert training.undeclared_inputs == ("data_uri",)
    assert "errorMessage" in training.index["fail-on-bad-data"].props
    agent = flows["governed-ai-agent"]
    assert agent.undeclared_inputs == ("sales_data_uri",)
    assert "htmlTextContent" in agent.index["send-email"].props
