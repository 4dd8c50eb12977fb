"""Two at once: runs, a run and a checkout, experiments in folders of their own or queued, clones with one cache."""

import re
import time
from random import Random

from reliability import state
from reliability.bench import METRICS, TYPED, WANTED, Bench, Command
from reliability.trial import PATIENCE, Ended, Outcome, Place, Row

FACTORS = (WANTED, 1, 4, 5)  # of the experiments; none is that of the base, whose results DVC has


def _unexplained(*ended: Ended) -> list[str]:
    """Return what no command may end with, whatever ran beside it."""
    return ["a traceback" for each in ended if "Traceback" in each.said][:1]


def _last(place: Place, bench: Bench, ended: list[Ended], lost: list[str]) -> Outcome:
    again = place.finish(METRICS.typed)
    lost = [*lost, *_unexplained(*ended), *state.wrong(place, bench.undisturbed(METRICS).state, again, saved=True)]
    place.remove()
    return Outcome(tuple(lost), ", ".join(each.in_words() for each in ended))


def two_runs(bench: Bench, _: int, random: Random) -> Outcome:
    """Start `snakemake metrics` twice, the second some seconds later; both must end with 0."""
    place = bench.ready(METRICS)
    first = place.start(TYPED)
    time.sleep(random.uniform(0, 10))
    second = place.start(TYPED)
    ended = [first.wait(), second.wait()]
    return _last(place, bench, ended, ["a run failed"] if any(each.status for each in ended) else [])


def run_and_checkout(bench: Bench, _: int, random: Random) -> Outcome:
    """Let `dvc checkout` put the recorded results back while `snakemake metrics` makes others."""
    place = bench.ready(METRICS)
    running = place.start(TYPED)
    time.sleep(random.uniform(0, bench.undisturbed(METRICS).ended.seconds))
    checkout = place.finish(("dvc", "checkout", "--force"))
    return _last(place, bench, [running.wait(), checkout], [])


def _wrong_experiments(place: Place, bench: Bench, factors: tuple[int, ...]) -> list[str]:
    """Return what is wrong with saved experiments of these factors: each dvc.lock has the digests of all results."""
    saved = state.experiments(place)
    right = [
        bench.undisturbed(Command(TYPED, asks=(("aug__factor", factor),), saved=True)).state["dvc.lock"]
        for factor in factors
    ]
    return (
        [f"{missing} experiments are not as undisturbed"]
        if (missing := sum(each not in saved for each in right))
        else []
    )


def four_in_folders(bench: Bench, _: int, __: Random) -> Outcome:
    """Start four `dvc exp run --temp` at once; each ends with its own numbers, if need be when it is given again."""
    place = bench.place("built")
    commands = [("dvc", "exp", "run", "--temp", "-S", f"aug.factor={factor}") for factor in FACTORS]
    ended = [each.wait() for each in [place.start(command) for command in commands]]
    refused = [each for each in ended if each.status and "Unable to acquire lock" in each.said]
    lost = ["an experiment failed"] if any(each.status and each not in refused for each in ended) else []
    again = [place.finish(command) for command, each in zip(commands, ended, strict=True) if each in refused]
    lost += ["the same command does not work again"] if any(each.status for each in again) else []
    lost += [*_unexplained(*ended, *again), *_wrong_experiments(place, bench, FACTORS)]
    lost += state.differences(state.of(place), bench.state("built"))
    place.remove()
    return Outcome(tuple(lost), f"{len(refused)} of 4 refused, since another DVC process is running")


def queue(bench: Bench, _: int, __: Random) -> Outcome:
    """Queue two experiments and let two workers run them."""
    place = bench.place("built")
    for factor in FACTORS[:2]:
        place.do("dvc", "exp", "run", "--queue", "-S", f"aug.factor={factor}")
    place.do("dvc", "queue", "start", "-j", "2")
    end = time.monotonic() + PATIENCE
    while len(done := re.findall(r"\b(Success|Failed)\b", place.do("dvc", "queue", "status"))) < 2:
        if time.monotonic() > end:
            break
        time.sleep(2)
    place.finish(("dvc", "queue", "stop", "--kill"))
    lost = [*_wrong_experiments(place, bench, FACTORS[:2])] + (["an experiment failed"] if "Failed" in done else [])
    place.orphans()
    place.remove()
    return Outcome(tuple(lost), ", ".join(done) or f"nothing within {PATIENCE} s")


def two_clones(bench: Bench, _: int, __: Random) -> Outcome:
    """Run two clones at once that share their user's cache and DVC's."""
    place = bench.ready(METRICS)
    other = Place(place.copy(place.folder.parent / "other").folder.rename(place.folder.parent / "clone-2"))
    for each in (place, other):
        each.do("dvc", "cache", "dir", "--local", "../shared-cache")
    running = [each.start(TYPED) for each in (place, other)]
    ended = [each.wait() for each in running]
    right = bench.undisturbed(METRICS).state
    lost = [f"in a clone: {each}" for each in state.wrong(other, right, ended[1], saved=True)]
    return _last(place, bench, ended, lost)


def rows() -> list[Row]:
    """Return the rows of this module."""
    return [
        Row("at once, two runs", "two `snakemake --cores 2 report`, the second up to 10 s later", 10, two_runs),
        Row("at once, run and checkout", "`dvc checkout --force` during `snakemake --cores 2 report`", 20,
            run_and_checkout),
        Row("at once, four in folders", "four `dvc exp run --temp`, of different factors", 3, four_in_folders),
        Row("at once, queue", "two `dvc exp run --queue` and `dvc queue start -j 2`", 3, queue),
        Row("at once, two clones", "`snakemake --cores 2 report` in two clones with one cache of the user's and "
            "one of DVC's", 5, two_clones),
    ]  # fmt: skip
