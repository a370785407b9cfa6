"""``python -m tests.bad_input.fuzz [--first SEED] [--cases N] [--corpus DIR]``: run and print figures; ``--seed N`` shows and tries one case."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from tests.bad_input.fuzz import campaign, cases


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bad_input.fuzz")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--cases", type=int, default=1000, help="how many cases")
    parser.add_argument("--corpus", help="a conformance corpus whose flows are mutated too")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, help="show this case, and try it here without limits")
    options = parser.parse_args()
    if options.seed is None:
        figures = campaign.run(options.first, options.cases, corpus=options.corpus, processes=options.processes)
        print(json.dumps(figures.to_json(), indent=1))
        raise SystemExit(bool(figures.crashes))
    from tests.bad_input.fuzz.probe import Probe

    case = cases.make(options.seed, options.corpus)
    print(f"--- {case.kind}\n{case.text[:20_000]}\n--- expression\n{case.expression}\n---")
    with tempfile.TemporaryDirectory() as folder:
        print(Probe(Path(folder)).run(case))


if __name__ == "__main__":
    main()
