"""What Snakemake says of its own work, which is news to nobody, is left out on the terminal; its log keeps it."""

import logging

# Snakemake's `quiet` knows no word for these (JobScheduler.schedule and Workflow.execute, Snakemake 9.27).
_TALK = ("Select jobs to execute...", "Execute ", "Using shell: ", "Conda environments: ignored")


def is_news(record: logging.LogRecord) -> bool:
    """Tell whether a line is to be shown: all are but what Snakemake says of its scheduling, errors at any rate."""
    return record.levelno > logging.INFO or not str(record.msg).startswith(_TALK)


def leave_out_talk() -> None:
    """Let Snakemake's terminal show news alone, unless `--verbose` asks for everything."""
    from snakemake.logging import logger

    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler" and not logger.isEnabledFor(logging.DEBUG):
            handler.addFilter(is_news)
