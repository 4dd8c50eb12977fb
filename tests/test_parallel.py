"""Work on several cores: in order, bounded, and with nobody left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from huskies import parallel
from huskies.errors import HuskyError
from huskies.parallel import map_ordered

THIS = "huskies.parallel"


def slow_if_even(number: int) -> tuple[int, int]:
    time.sleep(0.02 if number % 2 == 0 else 0)
    return number, os.getpid()


def refuse_seven(number: int) -> int:
    if number == 7:
        raise HuskyError("seven is refused")
    return number


def die_at_seven(number: int) -> int:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def note_and_sleep(folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)


@pytest.mark.parametrize("cores", [1, 2])
def test_results_come_in_the_order_of_the_items(cores):
    results = list(map_ordered(slow_if_even, range(21), cores, THIS))
    assert [number for number, _ in results] == list(range(21))


def test_one_core_is_this_process_and_two_are_others():
    assert {process for _, process in map_ordered(slow_if_even, range(4), 1, THIS)} == {os.getpid()}
    others = {process for _, process in map_ordered(slow_if_even, range(20), 2, THIS)}
    assert os.getpid() not in others
    assert len(others) == 2


@pytest.mark.parametrize("cores", [1, 2])
def test_no_items_give_no_results(cores):
    assert list(map_ordered(slow_if_even, [], cores, THIS)) == []


@pytest.mark.parametrize(("cores", "bound"), [(1, 1), (2, 8)])
def test_items_are_drawn_no_further_ahead_than_four_a_core(cores, bound):
    drawn = 0

    def items():
        nonlocal drawn
        for number in range(40):
            drawn += 1
            yield number

    ahead = []
    for done, _ in enumerate(map_ordered(slow_if_even, items(), cores, THIS)):
        ahead.append(drawn - done)
    # When result number `done` is handed out, one more item has taken its place.
    assert max(ahead) <= bound + 1
    assert drawn == 40


@pytest.mark.parametrize("cores", [1, 2])
def test_what_the_function_raises_passes_through_after_the_results_before_it(cores):
    results = []
    with pytest.raises(HuskyError, match=r"^seven is refused$"):
        results.extend(map_ordered(refuse_seven, range(20), cores, THIS))
    assert results == list(range(7))


def test_what_the_items_raise_passes_through():
    def items():
        yield 1
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match=r"^the disk is gone$"):
        list(map_ordered(slow_if_even, items(), 2, THIS))


def test_a_killed_worker_ends_the_run_with_advice():
    with pytest.raises(HuskyError) as refusal:
        list(map_ordered(die_at_seven, range(20), 2, THIS))
    assert str(refusal.value) == (
        "a worker process was killed, most likely because memory ran out. "
        "Run again with fewer cores, or lower convert.max_side in params.yaml."
    )


def test_a_killed_worker_is_told_with_the_items_that_were_in_work():
    with pytest.raises(HuskyError) as refusal:
        list(map_ordered(die_at_seven, range(20), 2, THIS, name=lambda number: f"{number}.jpg"))
    start, _, rest = str(refusal.value).partition("They were at ")
    assert start == "a worker process was killed, most likely because memory ran out. "
    named, _, advice = rest.partition(". ")
    assert "7.jpg" in named.split(", ")
    assert len(named.split(", ")) <= 2
    assert advice == "Run again with fewer cores, or lower convert.max_side in params.yaml."


@pytest.mark.parametrize(("size", "ahead"), [(0, 9), (10, 9), (30, 4), (60, 2), (100, 2), (1000, 2)])
def test_no_more_bytes_than_the_budget_are_in_flight_or_one_item(monkeypatch, size, ahead):
    monkeypatch.setattr(parallel, "IN_FLIGHT", 100)
    drawn, most = 0, 0

    def items():
        nonlocal drawn
        for number in range(30):
            drawn += 1
            yield number

    results = []
    for result, _ in map_ordered(slow_if_even, items(), 2, THIS, size=lambda number: size):
        most = max(most, drawn - len(results))
        results.append(result)
    assert results == list(range(30))
    # One item more is drawn, whose size has to be known.
    assert most == ahead


def test_items_of_any_sizes_keep_their_order_within_the_budget(monkeypatch):
    monkeypatch.setattr(parallel, "IN_FLIGHT", 100)
    sizes = [0, 250, 3, 60, 60, 99, 1, 100, 101, 0, 0, 50] * 3
    results = map_ordered(slow_if_even, range(len(sizes)), 2, THIS, size=sizes.__getitem__)
    assert [number for number, _ in results] == list(range(len(sizes)))


def _running(process: int) -> bool:
    status = Path(f"/proc/{process}/status")
    try:
        return "\nState:\tZ" not in status.read_text()
    except OSError:
        return False


def _wait_until(condition) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_workers_end_when_the_caller_is_killed(tmp_path):
    program = (
        "from huskies.parallel import map_ordered; from test_parallel import note_and_sleep\n"
        f"list(map_ordered(note_and_sleep, [{str(tmp_path)!r}] * 4, 2, {THIS!r}))"
    )
    search = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    caller = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": search})
    try:
        assert _wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        workers = [int(path.name) for path in tmp_path.iterdir()]
        assert all(map(_running, workers))
    finally:
        caller.kill()
        caller.wait()
    assert _wait_until(lambda: not any(map(_running, workers)))
