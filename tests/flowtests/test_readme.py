"""The flow and the tests that the README shows do what it says."""

from __future__ import annotations

import re

from jupyter_gov.service.api import Gov
from jupyter_gov.service.identity import local_actor
from tests.faces import ROOT


def test_the_readme_runs(gov: Gov) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    [flow] = [
        block.removeprefix("%%govflow\n") for block in blocks if "id: release\n" in block and "tasks:" in block[:80]
    ]
    [tests] = [block for block in blocks if "testCases:" in block]
    result = gov.tests.run(tests, local_actor(), flow=flow)
    assert result.ok, result
    assert not result.coverage.missed
