"""A disk that is full, without inodes or read-only, and raw images that vanish, at each stage."""

import re
import sys
import time
from functools import partial
from random import Random

from huskies.planning import stage_list
from project import WORKING_TREE

from reliability import state
from reliability.bench import Bench, Command
from reliability.trial import Ended, Outcome, Place, Row

# data/ on a file system of its own, which ends with the command; $1 limits it, the rest is the command.
_ON_SMALL_DISK = """
set -e
cp -a data kept
mount -t tmpfs -o size=1g tmpfs data
cp -a kept/. data/
used=$(df --output=used data | tail -n 1) inodes=$(df --output=iused data | tail -n 1)
eval "$1"
shift
set +e
"$@"
status=$?
until mount -o remount,rw,size=1g,nr_inodes=1000000 data; do sleep 0.1; done
rm -rf kept
cp -a data kept
exit $status
"""
STAGES = tuple(stage_list.tracked(WORKING_TREE))


def _command(stage: str) -> Command:
    return Command(("snakemake", "--cores", "2", "--allowed-rules", stage, "--", stage))


def _without(bench: Bench, stage: str) -> Place:
    """Return a place in which one stage alone is to be made."""
    place = bench.place("built")
    place.do("rm", "-r", f"data/{stage}")
    return place


def small_disk(limit: str, message: str, bench: Bench, number: int, random: Random) -> Outcome:
    """Make the stage whose turn it is on a small disk, and then on one that has room."""
    stage = STAGES[number % len(STAGES)]
    place = _without(bench, stage)
    before = state.of(place)
    made = [path.stat().st_size for path in (bench.base("built").folder / "data" / stage).rglob("*")]
    room = {
        "kilobytes": random.randint(0, max(sum(made) // 1024 - 1, 0)),
        "files": random.randint(1, len(made)),
        "stage": stage,
        "moment": random.uniform(0, 3),
    }
    script = ("unshare", "--mount", "--map-root-user", "bash", "-c", _ON_SMALL_DISK, "bash", limit.format(**room))
    ended = place.finish((*script, *_command(stage).typed))
    if (place.folder / "kept").is_dir():
        place.do("rm", "-r", "data")
        (place.folder / "kept").rename(place.folder / "data")
    return _again(place, bench, stage, before, ended, message)


def vanishing(bench: Bench, number: int, random: Random) -> Outcome:
    """Take the raw images away at a random moment while the stage whose turn it is is made, and put them back."""
    stage = STAGES[number % len(STAGES)]
    place = _without(bench, stage)
    before = state.of(place)
    raw, away = place.folder / "data/digits", place.folder.parent / "away"
    running = place.start(_command(stage).typed)
    time.sleep(random.uniform(0, 5))
    raw.rename(away)
    ended = running.wait()
    away.rename(raw)
    return _again(place, bench, stage, before, ended, "there is no data/digits|edited|changed|vanished")


def _again(place: Place, bench: Bench, stage: str, before: dict[str, bytes], ended: Ended, message: str) -> Outcome:
    """Judge how the disturbed command ended, give it again without the fault, and say what is lost."""
    lost, right, found = [], bench.state("built"), state.of(place)
    if ended.status == 0 and state.differences(found, right):
        lost.append("ended with 0 without what was asked for")
    if ended.status and not re.search(rf"^ERROR: .*({message})", ended.said, re.MULTILINE):
        lost.append("no message that says why")
    if "Traceback" in ended.said:
        lost.append("a traceback")
    earlier = {name: content for name, content in found.items() if not name.startswith(f"data/{stage}/")}
    lost += [f"before the repeat: {each}" for each in state.differences(earlier, before) if "left over" not in each]
    again = place.finish(_command(stage).typed)
    lost += state.wrong(place, right, again, saved=False)
    if lost:
        print(f"--- {stage}: {lost}\n{ended.said[-2500:]}\n--- again:\n{again.said[-2500:]}", file=sys.stderr)
    place.remove()
    return Outcome(tuple(lost), ended.in_words())


def rows() -> list[Row]:
    """Return the rows of this module."""
    full = "mount -o remount,size=$((used + {kilobytes}))k data"
    inodes = "mount -o remount,nr_inodes=$((inodes + {files})) data"
    # Counted from when the stage has begun, however slow the machine is.
    begun = "until compgen -G 'data/.{stage}-*'; do sleep 0.05; done"
    read_only = f"({begun}; sleep {{moment}}; until mount -o remount,ro data; do sleep 0.05; done) > /dev/null &"
    turns = len(STAGES)
    return [
        Row("disk, full", "the disk of data/ is full, by turns in each stage", turns,
            partial(small_disk, full, "the disk is full")),
        Row("disk, no inodes", "the disk of data/ has no more inodes, by turns in each stage", turns,
            partial(small_disk, inodes, "the disk is full")),
        Row("disk, read-only", "data/ becomes read-only at a random moment of a stage, by turns in each stage", turns,
            partial(small_disk, read_only, "read-only|not writable")),
        Row("disk, vanishing raw", "the raw images vanish at a random moment, by turns in each stage, and come back",
            turns, vanishing),
    ]  # fmt: skip
