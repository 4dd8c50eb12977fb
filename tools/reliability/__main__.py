"""Tries the chosen rows, and renews them in docs/reliability.csv and docs/reliability.md."""

import argparse
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from reliability import byte_flips, concurrency, disk, experiments, kills, power_loss, table
from reliability.bench import Bench
from reliability.trial import Outcome, Row

SUBJECTS = (kills, concurrency, disk, byte_flips, experiments, power_loss)
ROWS = [row for subject in SUBJECTS for row in subject.rows()]


def attempt(bench: Bench, row: Row, number: int, seed: int) -> Outcome:
    """Make one trial of a row, and say how it went."""
    outcome = row.attempt(bench, number, Random(f"{seed} {row.name} {number}"))
    print(f"{row.name}, trial {number}: {'; '.join(outcome.lost) or 'nothing lost'}; {outcome.saw}", flush=True)
    return outcome


def main() -> int:
    """Return 0 if nothing was lost in any trial."""
    parser = argparse.ArgumentParser(prog="python -m reliability", description=__doc__)
    parser.add_argument("--only", default="", metavar="REGEX", help="only rows whose name matches")
    parser.add_argument("--trials", type=int, help="trials of each row, instead of its own number")
    parser.add_argument("--trial", type=int, help="only this trial of each row, which the page is not told of")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and the bytes")
    parser.add_argument("--jobs", type=int, default=1, help="trials at once")
    parser.add_argument("--list", action="store_true", help="only print the names of the rows")
    options = parser.parse_args()
    chosen = [row for row in ROWS if re.search(options.only, row.name)]
    if options.list:
        print(*(row.name for row in chosen), sep="\n")
        return 0
    lost = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder))
        for row in chosen:
            numbers = range(options.trials or row.trials) if options.trial is None else [options.trial]
            with ThreadPoolExecutor(1 if row.in_a_row else options.jobs) as workers:
                outcomes = list(workers.map(lambda number, row=row: attempt(bench, row, number, options.seed), numbers))
            lost += sum(bool(each.lost) for each in outcomes)
            if options.trial is None:
                table.write([table.result(row, outcomes, options.seed)], [each.name for each in ROWS])
    print(f"{lost} trials lost something")
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
