"""Mutated and random flows and expressions end in a diagnostic, a ``GovError`` or a correct run, within their limits."""

from __future__ import annotations

import json

import pytest

from tests.bad_input.fuzz import campaign, cases
from tests.conftest import corpus_of

FEW, MANY = 600, 30_000


def _says(figures: campaign.Figures) -> str:
    return "\n\n".join(f"seed {seed}:\n{why[-3000:]}" for seed, why in list(figures.crashes.items())[:5])


def test_a_seed_makes_the_same_case_each_time():
    assert [cases.make(seed) for seed in range(40)] == [cases.make(seed) for seed in range(40)]
    assert len({cases.make(seed).kind for seed in range(100)}) == 7


def test_what_takes_too_long_is_found_and_the_run_goes_on(monkeypatch):
    monkeypatch.setattr(campaign, "SECONDS", 0.001)
    figures = campaign.run(0, 120, processes=1)
    assert figures.cases == 120
    assert any("SIGPROF" in why for why in figures.crashes.values())


def test_no_case_of_a_few_crashes_or_hangs(record_property):
    figures = campaign.run(0, FEW)
    record_property("fuzz", json.dumps(figures.to_json()))
    assert not figures.crashes, _says(figures)
    assert figures.cases == FEW
    assert figures.checked > FEW // 2
    assert figures.stepped > FEW // 10
    assert figures.real > FEW // 100


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_no_case_of_many_crashes_or_hangs(pytestconfig, capsys, record_property):
    """The seeds are those from MANY on, also over the flows of a corpus, so that the default run adds others."""
    corpus = corpus_of(pytestconfig)
    figures = campaign.run(MANY, MANY, corpus=None if corpus is None else str(corpus))
    record_property("fuzz", json.dumps(figures.to_json()))
    with capsys.disabled():
        shown = {name: value for name, value in figures.to_json().items() if name != "crashes"}
        print(f"\nfuzz: {json.dumps(shown)}")
    assert not figures.crashes, _says(figures)
    assert figures.cases == MANY
    assert figures.parsed > MANY // 2
    assert figures.checked > MANY // 2
    assert figures.stepped > 2000
