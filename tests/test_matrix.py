"""The rebuild matrix: its table, and an experiment whose inputs have times that say nothing.

`make matrix` tries all cells. What is special in some of them is tried by tests as well: edited code and --queue
(test_snakemake_and_dvc.py), a comment, an image edited with its time restored, images overwritten by hand
(test_workflow.py), photos added under dvc repro and in a fresh clone (test_sharing.py), an experiment that is applied
(test_experiment.py), a damaged store (test_audit.py, test_store.py).
"""

import os
import random
from concurrent.futures import ThreadPoolExecutor

import matrix
import pytest
from conftest import Clone, do, lend_backbones
from matrix import CELLS, CHANGES, ROWS


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


def test_each_row_has_a_change():
    assert ROWS.keys() == CHANGES.keys()


def give_arbitrary_times(clone: Clone) -> None:
    arbitrary = random.Random(2)
    for top in ("data", ".dvc/cache"):
        for path in sorted((clone.folder / top).rglob("*")):
            os.utime(path, (arbitrary.randrange(1_000_000_000, 1_700_000_000),) * 2)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_an_experiment_from_outputs_with_arbitrary_times_gives_the_numbers_of_a_build(built, tmp_path):
    """With times in play, two of eight such recorded the numbers of another factor, and nothing said so."""
    other = built.copy(tmp_path / "apart/clone")
    lend_backbones(built, tmp_path / "apart")
    give_arbitrary_times(built)
    other.set(aug__factor=3)
    with ThreadPoolExecutor(1) as workers:
        building = workers.submit(do, other, "snakemake", "--cores", "2", "metrics")
        do(built, "dvc", "exp", "run", "--temp", "--name", "factor-3", "-S", "aug.factor=3")
        building.result()
    file = "data/metrics/metrics.json"
    do(built, "dvc", "get", ".", file, "--rev", "factor-3", "--out", "../metrics.json")
    assert (tmp_path / "metrics.json").read_bytes() == (other.folder / file).read_bytes()
