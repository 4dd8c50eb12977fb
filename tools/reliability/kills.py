"""Kills at random moments and at every marked step, and then the same command again, with nothing else done."""

import os
import re
import signal
import subprocess
import sys
from functools import partial
from itertools import product
from random import Random

from reliability import state
from reliability.bench import COMMANDS, Bench, Command, hunting
from reliability.trial import Ended, Outcome, Place, Row

WAYS = tuple(product((signal.SIGKILL, signal.SIGTERM, signal.SIGINT), ("group", "head")))
ENDING = 120  # seconds that a run may take to end after SIGTERM or SIGINT


def steps(passed: tuple[str, ...]) -> list[str]:
    """Return the steps to kill at, of those that an undisturbed run passed: the first and the last of each name."""
    numbers: dict[str, int] = {}
    for step in passed:
        numbers[step] = numbers.get(step, 0) + 1
    return [f"{step} #{number}" for step, last in numbers.items() for number in sorted({1, last})]


def kill_at_random(command: Command, bench: Bench, number: int, random: Random) -> Outcome:
    """Kill a command at a moment drawn from the time that it takes, by the way whose turn it is."""
    right = bench.undisturbed(command)
    sent, whom = WAYS[number % len(WAYS)]
    after = random.uniform(0, right.ended.seconds)
    place = bench.ready(command)
    running = place.start(command.typed)
    try:
        running.process.wait(after)
    except subprocess.TimeoutExpired:
        (os.killpg if whom == "group" else os.kill)(running.process.pid, sent)
    killed = running.wait(ENDING)
    return _again(place, bench, command, killed, f"{sent.name} to the {whom} after {after:.1f} s")


def kill_at_step(command: Command, bench: Bench, number: int, random: Random) -> Outcome:
    """Kill a command at a marked step: each once if there are trials enough, else those that are drawn first."""
    right = bench.undisturbed(command)
    known = steps(right.steps)
    Random(str(command)).shuffle(known)
    step = known[number % len(known)]
    # Mostly at once and with all, which leaves most behind.
    sent, whom = random.choice(((signal.SIGKILL, "group"), *WAYS))
    return kill(command, bench, step, sent, whom)


def kill(command: Command, bench: Bench, step: str, sent: signal.Signals, whom: str) -> Outcome:
    """Kill a command at one step, by one signal, with its group or its head alone; give it again; say what is lost."""
    place = bench.ready(command)
    chosen = hunting(place, STEP=step, SIGNAL=str(int(sent)), TO=whom)
    killed = place.start(command.typed, **chosen).wait(ENDING)
    reached = (place.folder.parent / "steps").read_text().splitlines().count(step.rpartition(" #")[0])
    if reached < int(step.rpartition("#")[2]):
        return Outcome((), "the step was not reached")
    return _again(place, bench, command, killed, f"{sent.name} to the {whom} {step}")


def _again(place: Place, bench: Bench, command: Command, killed: Ended, how: str) -> Outcome:
    right = bench.undisturbed(command)
    lost = []
    if killed.status is None:
        lost.append(f"the killed run did not end within {ENDING} s")
    if killed.status == 0 and (unfinished := state.differences(state.of(place), right.state)):
        lost.append("the killed run ended with 0 without what was asked for")
        print(how, unfinished, file=sys.stderr)
    again = place.finish(command.typed)
    lost += state.wrong(place, right.state, again, command.saved, bench.audits)
    if lost:
        print(f"--- {command}: {how}: {lost}\n{killed.said[-1500:]}\n--- again:\n{again.said[-2500:]}", file=sys.stderr)
    saw = f"again: {again.in_words()}"
    if re.search("^Traceback", killed.said, re.MULTILINE):
        saw = f"killed: a traceback; {saw}"
    place.remove()
    return Outcome(tuple(lost), saw)


def rows() -> list[Row]:
    """Return a row for each command, killed at random and at its marked steps."""
    ways = "SIGKILL, SIGTERM, SIGINT, to the group or the head"
    return [
        row
        for command in COMMANDS
        for row in (
            Row(
                f"kill {command}, at random",
                f"`{command}`: {ways}, at a random moment",
                100,
                partial(kill_at_random, command),
            ),
            Row(
                f"kill {command}, at a step",
                f"`{command}`: {ways}, before or after a marked step",
                120,
                partial(kill_at_step, command),
            ),
        )
    ]
