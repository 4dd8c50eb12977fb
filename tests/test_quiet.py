"""quiet: the terminal shows what is news, and every warning and error."""

import logging

import pytest
from conftest import do
from huskies.planning import quiet


@pytest.mark.parametrize(
    ("level", "said", "shown"),
    [
        (logging.INFO, "Select jobs to execute...", False),
        (logging.INFO, "Execute 3 jobs...", False),
        (logging.INFO, "Using shell: /usr/bin/bash", False),
        (logging.INFO, "Nothing to be done (all requested files are present and up to date).", True),
        (logging.WARNING, "Execute permission is missing", True),
        (logging.ERROR, "Select jobs to execute...", True),
        (logging.INFO, None, True),
    ],
)
def test_only_the_talk_of_scheduling_is_left_out(level, said, shown):
    assert quiet.is_news(logging.LogRecord("snakemake", level, "", 0, said, (), None)) is shown


@pytest.mark.long
def test_a_run_says_what_its_stages_say_and_snakemake_s_log_keeps_the_rest(clone):
    said = do(clone, "snakemake", "--cores", "1", "convert")
    assert "convert: 27 images in 3 classes, 0 rejected" in said
    assert "Select jobs" not in said
    assert "Execute" not in said
    [log] = (clone.folder / ".snakemake/log").glob("*.snakemake.log")
    assert "Select jobs to execute..." in log.read_text()
    assert "Select jobs to execute..." in do(clone, "snakemake", "--cores", "1", "--verbose", "group")
