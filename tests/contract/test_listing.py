"""Lists and counts against a plain Python answer over the same executions."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from jupyter_gov.domain.execution import Execution, Label
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.states import State
from jupyter_gov.store import Store
from tests.contract import build
from tests.contract.build import SECOND, T0

FILTERS = [
    ExecutionFilter(),
    ExecutionFilter(namespace="a"),
    ExecutionFilter(namespace="a", flow_id="f1"),
    ExecutionFilter(states=frozenset({State.FAILED})),
    ExecutionFilter(namespace="b", states=frozenset({State.FAILED, State.SUCCESS, State.RUNNING})),
    ExecutionFilter(starter="bob"),
    ExecutionFilter(starter="bob", states=frozenset({State.RUNNING}), flow_id="f2"),
    ExecutionFilter(label=("team", "risk")),
    ExecutionFilter(label=("team", "risk"), namespace="a", states=frozenset({State.SUCCESS})),
    ExecutionFilter(namespace="nowhere"),
]


def fits(run: Execution, where: ExecutionFilter) -> bool:
    return (
        where.namespace in {None, run.namespace}
        and where.flow_id in {None, run.flow_id}
        and where.starter in {None, run.starter}
        and (not where.states or run.state in where.states)
        and (where.label is None or Label(*where.label) in run.labels)
    )


@pytest.fixture
def runs(store: Store) -> list[Execution]:
    dice = random.Random(7)
    made = [
        build.execution(
            namespace=dice.choice("ab"),
            flow_id=dice.choice(["f1", "f2"]),
            state=dice.choice([State.SUCCESS, State.FAILED, State.RUNNING]),
            starter=dice.choice(["ada", "bob"]),
            created=T0 + dice.randrange(20) * SECOND,
            labels=dice.choice([(), (Label("team", "risk"),), (Label("team", "ops"), Label("x", "y"))]),
        )
        for _ in range(120)
    ]
    with store.write() as tx:
        for run in made:
            store.executions.insert(tx, run, (build.created_fact(run),), None)
    return sorted(made, key=lambda run: (run.created, run.id), reverse=True)


@pytest.mark.parametrize("where", FILTERS, ids=[str(n) for n in range(len(FILTERS))])
def test_lists_and_counts(store: Store, runs: list[Execution], where: ExecutionFilter) -> None:
    wanted = [run.id for run in runs if fits(run, where)]
    with store.read() as tx:
        pages: list[str] = []
        while page := store.executions.list(tx, where, before=pages[-1] if pages else None, limit=7):
            assert len(page) <= 7
            pages += [one.id for one in page]
        counts = store.executions.count_by_state(tx, where)
    assert pages == wanted
    assert sum(counts.values()) == len(wanted)
    assert counts == Counter(run.state for run in runs if fits(run, where))


def test_an_unknown_place_to_continue_is_the_end(store: Store, runs: list[Execution]) -> None:
    with store.read() as tx:
        assert store.executions.list(tx, before="nobody") == []
        assert len(store.executions.list(tx, replace(FILTERS[0]))) == 50
