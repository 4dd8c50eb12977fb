"""The rebuild matrix: a part that CI can afford, and the eight-fold experiment.

`make matrix` tries all of it.
"""

import os
import random
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import matrix
import pytest
from conftest import Clone
from matrix import CELLS, CHANGES, ROWS, Bases

# A special case. Elsewhere it is tried, too, what becomes of edited code and of --queue (test_snakemake_and_dvc.py), of
# a comment, of an image edited with its time restored, of images overwritten by hand (test_workflow.py), of photos
# added under dvc repro and in a fresh clone (test_sharing.py), of an experiment that is applied (test_experiment.py),
# and of --temp (below).
AFFORDABLE = [
    ("row of the store corrupted, and aug.factor", "snakemake"),
]
SEVERAL = [3]


def test_the_table_in_the_docs_is_of_what_came_of_these_cells_and_none_was_otherwise_than_expected():
    outcomes = matrix.kept()
    assert list(outcomes) == CELLS
    assert not [cell for cell, outcome in outcomes.items() if outcome.said]
    assert matrix.TABLE.read_text(encoding="utf-8") == matrix.render(outcomes)


def test_a_cell_that_was_tried_before_the_flow_had_a_stage_more_is_not_called_right():
    def shown(said: str, stages: int) -> str:
        text = matrix.render({("aug.factor", "snakemake"): matrix.Outcome(said, stages)})
        [line] = [line for line in text.splitlines() if line.startswith("| aug.factor")]
        return line.split(" | ")[1]

    now = len(matrix.FROM_CONVERT)
    assert shown("", now).endswith("✓")
    assert shown("", now - 1).endswith("–")
    assert shown("ran convert", now).endswith("✗ ran convert")


@pytest.fixture(scope="module")
def bases(first_build, tmp_path_factory) -> Bases:
    return Bases(tmp_path_factory.mktemp("matrix"), AFFORDABLE, first_build[0])


@pytest.fixture(scope="module")
def outcomes(request, bases) -> Iterator[dict[tuple[str, str], Future]]:
    """The outcomes of the cells that this run of pytest asks for, tried two side by side."""
    calls = [getattr(each, "callspec", None) for each in request.session.items]
    asked = [call.params["cell"] for call in calls if call and "cell" in call.params]
    with ThreadPoolExecutor(2) as workers:
        yield {cell: workers.submit(matrix.outcome_of, bases, cell) for cell in asked}


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("cell", AFFORDABLE, ids=["-".join(cell) for cell in AFFORDABLE])
def test_what_runs_is_what_must_and_the_numbers_are_those_of_a_build_from_nothing(cell, outcomes):
    assert outcomes[cell].result() == ""


def test_each_row_has_a_change():
    assert ROWS.keys() == CHANGES.keys()


def give_arbitrary_times(clone: Clone) -> None:
    arbitrary = random.Random(2)
    for top in ("data", ".dvc/cache"):
        for path in sorted((clone.folder / top).rglob("*")):
            os.utime(path, (arbitrary.randrange(1_000_000_000, 1_700_000_000),) * 2)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_experiments_from_outputs_with_arbitrary_times_give_the_numbers_of_as_many_builds(bases):
    """With times in play, two of eight such recorded the numbers of another factor, and nothing said so."""
    workspace, other = bases.cell("eight", "experiments"), bases.cell("eight", "builds")
    give_arbitrary_times(workspace)

    def build(factor: int) -> bytes:
        other.set(aug__factor=factor)
        other.do("snakemake", "--cores", "2", "report")
        return (other.folder / "data/metrics/metrics.json").read_bytes()

    # In another order, side by side.
    with ThreadPoolExecutor(1) as workers:
        building = workers.map(build, sorted(SEVERAL))
        for factor in SEVERAL:
            workspace.do("dvc", "exp", "run", "--temp", "--name", f"factor-{factor}", "-S", f"aug.factor={factor}")
        built = dict(zip(sorted(SEVERAL), building, strict=True))
    for factor in SEVERAL:
        file = f"../{factor}.json"
        workspace.do("dvc", "get", ".", "data/metrics/metrics.json", "--rev", f"factor-{factor}", "--out", file)
        assert (workspace.folder / file).read_bytes() == built[factor], factor
