"""Commands: `huskies predict`, `serve` and `inbox` for new photos, and those that the workflow calls for each stage."""

import argparse
import contextlib
import faulthandler
import gc
import json
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from huskies import progress
from huskies.errors import HuskyError
from huskies.images import pairs
from huskies.planning import flow, params, plan, stage_list

# What asks a classifier about photos, wherever one is.
_FOR_PHOTOS = {
    "predict": "ask a classifier about new photos",
    "serve": "answer a classifier's photos by HTTP",
    "inbox": "propose labels for new photos, before they join the set",
}


def _for_photos(asked: str) -> ModuleType:
    """Return the module of a command that asks a classifier."""
    if asked == "predict":
        from huskies.model import predict

        return predict
    if asked == "serve":
        from huskies.model import serve

        return serve
    from huskies.model import inbox

    return inbox


def _parser(asked: str) -> argparse.ArgumentParser:
    """Return the parser; asked: the command, whose module alone is imported, which may take seconds."""
    parser = argparse.ArgumentParser(prog="huskies", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, does in _FOR_PHOTOS.items():
        command = commands.add_parser(name, help=does)
        if name == asked:
            module = _for_photos(asked)
            module.arguments(command)
            command.set_defaults(run=module.run)
    commands.add_parser("record", help="tell DVC of what Snakemake built")
    commands.add_parser("keep_settings", help="save the settings of experiments.csv as experiments of DVC's")
    said = commands.add_parser("pairs", help="add the near-duplicates that the gate has found to pairs.csv")
    said.add_argument("verdict", choices=[pairs.SAME, pairs.DIFFERENT], help="what they are")
    audit = commands.add_parser("audit", help="compare everything under data/ with what it claims to be")
    audit.add_argument("--log", type=Path, default=Path("logs/audit.log"), help="the file that keeps what it says")
    audit.add_argument("--cores", type=int, default=1, help="batches at once")
    check = commands.add_parser("check", help="make every stage again from nothing, and compare the bytes")
    check.add_argument("--log", type=Path, default=Path("logs/check.log"), help="the file that keeps what it says")
    check.add_argument("--cores", type=int, default=1, help="processes or threads at once")
    encoder = commands.add_parser("encoder", help="make an encoder of the contest the backbone in params.yaml")
    encoder.add_argument("number", type=int, nargs="?", help="its place in the table; the contest's choice if left out")
    engine = commands.add_parser("settle_engine", help="print the engine and the precision of bottlenecks as JSON")
    engine.add_argument("--backbone", type=json.loads, required=True, help="that section of params.yaml, as JSON")
    commands.add_parser("table", help="print the numbers of the present parameters, and where the page is")
    luck = commands.add_parser("luck", help="compare the settings that DVC knows with what chance alone gives")
    luck.add_argument("--log", type=Path, default=Path("logs/luck.log"), help="the file that keeps what it says")
    board = commands.add_parser("tensorboard", help="write what TensorBoard shows")
    board.add_argument("--inputs", type=Path, nargs="*", required=True, help="the receipts of what it reads")
    board.add_argument("--log", type=Path, required=True, help="the file that keeps what it says")
    pages = commands.add_parser("publish", help="write what snakemake --report shows")
    pages.add_argument("--inputs", type=Path, nargs=2, required=True, help="the receipts of report and metrics")
    pages.add_argument("--folder", type=Path, required=True, help="the folder to write")
    pages.add_argument("--log", type=Path, required=True, help="the file that keeps what it says")
    for name, does in (
        ("collect", "bring results from a bucket into data/"),
        ("ready_backbone", "convert the backbone for jobs that share a bucket"),
        ("send_weights", "pack files of weights for them"),
    ):
        command = commands.add_parser(name, help=does)
        command.add_argument("--inputs", type=Path, nargs="*", default=[], help="the archives of what it reads")
        command.add_argument("--archive", type=Path, help="the archive to make")
        command.add_argument("--files", type=Path, nargs="*", default=[], help="the files to pack")
        command.add_argument("--log", type=Path, required=True, help="the file that keeps what it says")
    # A classifier is asked anywhere, stages are made in the project's folder.
    here = Path(stage_list.TRACKED).is_file() and Path(stage_list.UNTRACKED).is_file()
    for stage in (stage_list.stages() | stage_list.controls()) if here else ():
        command = commands.add_parser(stage, help="called by the rule of this name, and by DVC")
        command.add_argument("--receipt", type=Path, help="the receipt to make; if left out, by the present parameters")
        command.add_argument("--inputs", type=Path, nargs="*", default=[], help="the receipts of what it reads")
        log = Path(f"logs/{stage}.log")
        command.add_argument("--log", type=Path, default=log, help="the file that keeps what the stage says")
        command.add_argument("--cores", type=int, default=1, help="processes or threads at once")
    return parser


@contextlib.contextmanager
def _log(path: Path) -> Iterator[None]:
    """Empty the log, and write messages and tracebacks to it as well; a failure names the log."""
    _write(path, "w", "")
    try:
        yield
    except Exception as error:
        said = f"ERROR: {error}\n" if isinstance(error, HuskyError) else traceback.format_exc()
        # What went wrong first is what counts, also on a disk that is full.
        with contextlib.suppress(HuskyError):
            _write(path, "a", _impersonal(said))
        error.add_note(f"The log is {path}")
        raise


def _write(path: Path, mode: str, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, mode, encoding="utf-8", errors="backslashreplace") as log:
            log.write(text)
    except OSError as error:
        raise HuskyError(
            f"cannot write {path}: {error.strerror}. Allow it, or free some space, and run the same command again."
        ) from None


def _impersonal(text: str) -> str:
    """Return a text whose paths do not say where the workspace lies, nor who the user is: logs are shown to others."""
    home = os.path.expanduser("~")
    for folder, short in ((os.getcwd(), "."), (home, "~"), (os.path.realpath(home), "~")):
        # The root folder is anybody's, and a beginning of every path.
        if len(folder) > 1:
            text = re.sub(rf"{re.escape(folder)}(?![\w.-])", short, text)
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0, or 2 for bad input."""
    # Before numpy is imported: its threads wait for each other by spinning, which takes ten times as long as the work
    # where the machine is busy. Work is shared out among threads and processes of our own.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    # Nothing that is imported is garbage: to look for it again and again takes a tenth of TensorFlow's import.
    gc.set_threshold(10_000)
    try:
        arguments = sys.argv[1:] if arguments is None else arguments
        parsed = _parser(next(iter(arguments), "")).parse_args(arguments)
        if "run" in parsed:
            return parsed.run(parsed)
        if parsed.command == "record":
            from huskies.planning import record

            print(record.run(), file=sys.stderr)
            return 0
        if parsed.command == "keep_settings":
            from huskies.experiments import kept_settings

            print(kept_settings.run(), file=sys.stderr)
            return 0
        if parsed.command == "pairs":
            print(f"pairs.csv: {pairs.add(parsed.verdict)}", file=sys.stderr)
            return 0
        if parsed.command == "encoder":
            from huskies.planning import encoder

            lines = encoder.run(parsed.number)
            print(*(lines or ["it is the backbone already"]), sep="\n")
            return 0
        if parsed.command == "settle_engine":
            from huskies.backbone import inference

            settled = inference.settle(parsed.backbone)
            print(json.dumps({key: settled[key] for key in ("engine", "precision")}))
            return 0
        if parsed.command == "table":
            from huskies.planning import table

            print(table.run(plan.all_plans(params.load())), end="")
            return 0
        if "receipt" in parsed and parsed.receipt is None:
            from huskies.planning import dvc_job

            return dvc_job.run(parsed.command, main)
        from huskies.planning import packed_run, runner

        with _log(parsed.log):
            if parsed.command == "audit":
                from huskies.steps import audit

                summary = audit.run(plan.all_plans(params.load()), parsed.cores)
            elif parsed.command == "check":
                from huskies.steps import check

                summary = check.run(plan.all_plans(params.load()), parsed.cores)
            elif parsed.command == "luck":
                from huskies.steps import luck

                summary = luck.run(plan.all_plans(params.load()))
            elif parsed.command == "tensorboard":
                from huskies.steps import tensorboard

                summary = tensorboard.run(packed_run.unpacked(parsed.inputs))
            elif parsed.command == "publish":
                from huskies.steps import publish

                summary = publish.run(packed_run.unpacked(parsed.inputs), parsed.folder)
            elif parsed.command == "collect":
                from huskies.steps import collect

                summary = collect.run(parsed.inputs)
            elif parsed.command == "ready_backbone":
                from huskies.steps import ready_backbone

                summary = ready_backbone.run(parsed.inputs, parsed.archive)
            elif parsed.command == "send_weights":
                from huskies.steps import send_weights

                summary = send_weights.run(parsed.files, parsed.archive)
            elif packed_run.is_archive(parsed.receipt):
                summary = packed_run.run_stage(parsed.command, parsed.receipt, parsed.cores, parsed.inputs)
            else:
                summary = runner.run_stage(parsed.command, parsed.receipt, parsed.cores, parsed.inputs)
            line = f"{parsed.command}: {summary}"
            _write(parsed.log, "a", f"{line}\n")
        progress.say(line)
        return 0
    except HuskyError as error:
        flow.report(error)
        return 2


def from_shell() -> NoReturn:
    """Run the command that the shell has given, and end Python."""
    # A crash within a library, which nothing can catch, then says where it was.
    faulthandler.enable()
    sys.exit(main())


if __name__ == "__main__":
    from_shell()
