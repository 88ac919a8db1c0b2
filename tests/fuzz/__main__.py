"""`python -m tests.fuzz --executions 10000000 --minutes 30`: how many reads, the slowest, and the memory taken."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .running import Report, corpus, run, tables


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command and do it. The exit code: 1 when something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--executions", type=int, default=10_000_000, help="reads, of one body by one reader one way")
    parser.add_argument("--minutes", type=float, default=1e9, help="end after these, if that is sooner")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn")
    parser.add_argument("--skip-corpus", action="store_true", help="do not begin with the bodies of tests/hostile.py")
    given = parser.parse_args(arguments)
    report = Report()
    if not given.skip_corpus:
        corpus(report)
        tables(report)
        print(report.summary(), flush=True)
    run(report, executions=given.executions, seconds=given.minutes * 60, seed=given.seed, tell=print)
    print(report.summary())
    return int(bool(report.findings))


if __name__ == "__main__":
    sys.exit(main())
