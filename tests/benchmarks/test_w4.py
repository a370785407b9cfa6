"""W4 measures what people wait for: a decision with its checks and its vote, by whichever way it comes."""

from __future__ import annotations

import pytest

from tests.benchmarks import w4
from tests.benchmarks.common import ACTOR, bench


@pytest.mark.parametrize("way", [w4.here, w4.elsewhere, w4.by_rest])
def test_each_way_leaves_a_vote(way: w4.Way) -> None:
    with bench(None) as made:
        figures = w4.delays(made, way, times=1)
        assert set(figures) == {"p50_ms", "p95_ms", "p99_ms"}
        assert figures["p50_ms"] > 0
        with w4.service(made) as gov:
            [gate] = gov.approvals.list(ACTOR, status=None)
        [vote] = gate.votes
        assert vote.actor_id == gate.approval.status_by
        assert vote.actor_id.startswith("anonymous@") is (way is w4.by_rest)
