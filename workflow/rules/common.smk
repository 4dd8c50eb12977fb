"""What all rules share: the parameters, the plans, and where each stage's receipt lies.

Reads params.yaml with what --config puts over it, dvc.yaml, the code and the raw images; writes the plans to
.snakemake/plans/, from where jobs on other machines take them. Rules are joined by receipts alone, and where jobs share
a bucket and no folder, by archives of the same names (rules/packs.smk). A receipt's name says all that the stage depends
on, so times say nothing, and inputs are ancient().
"""

import functools
import math
import os
import sys

sys.path.insert(0, os.path.abspath("workflow"))

from huskies.article import families
from huskies.planning import command, job_flow, packs, resources, sharding, targets
from huskies.planning.flow import let_sigterm_end_snakemake, or_exit, prepare
from huskies.planning.quiet import leave_out_talk

or_exit(targets.refuse_no_folder, workflow)
flow = None if workflow.is_main_process else or_exit(job_flow.find)
flow = flow or or_exit(prepare, config)
shared = packs.begin(workflow, flow)
cores = resources.Cores(workflow)
families.remember(families.Families(flow, config, lambda: command.runs(workflow)))


@functools.cache
def begun():
    """Refuse what Snakemake would not make, once, before it makes anything."""
    or_exit(command.begin, workflow, flow)


def receipt(stage):
    """Return the path of the receipt that the stage is to have, or of its archive."""
    return shared.archive(stage) if shared else flow.receipt(stage)


def made(stage):
    """Return the receipt of a stage that a rule reads, or its archive. Times say nothing of it."""

    def path(wildcards):
        begun()
        return receipt(stage)

    return ancient(path)


def sent(stage):
    """Return what is sent to a job that has not the project's folder: its plan, weights. Elsewhere that is nothing."""
    return ancient(shared.sent(stage)) if shared else []


def shards(stage):
    """Return what a stage is put together from, where it is made in shards. Elsewhere that is nothing."""

    def paths(wildcards):
        begun()
        return sharding.wanted(stage, flow, workflow)

    return ancient(paths)


def shard(stage):
    """Return the path of the receipts, or of the archives, that shards of a stage have."""
    return sharding.pattern(stage, archives=bool(shared))


def sent_to_shard(stage):
    """Return what is sent to a job of a shard that has not the project's folder: what the stage's has, and its plan."""
    return ancient([*shared.sent(stage), packs.of_plan("{hash}")]) if shared else []


def asked(stage, jobs=1):
    """Return what a job asks of the machine that it runs on, beside cores; jobs: how many share the stage's images."""
    return resources.asked(stage, lambda wildcards: flow.params, lambda: math.ceil(flow.images / jobs))


def made_raw():
    """Return nothing: the raw images are the user's. Elsewhere in the Snakefile a control makes them."""

    def paths(wildcards):
        begun()
        return []

    return paths


def log_of(stage):
    """Return the path of the stage's log."""
    return f"logs/{stage}.log"


def summed_up(name):
    """Return the receipt of what sums up a family of flows."""

    def path(wildcards):
        # What is refused is refused before anything is planned or fetched.
        if shared:
            or_exit(targets.refuse_families, name)
        begun()
        found = or_exit(families.known().result, name)
        or_exit(command.begin, workflow, flow, [found])
        return found

    return ancient(path)


def replaced(name):
    """Refuse to make what another target has replaced, and say which."""
    return lambda wildcards: or_exit(targets.refuse_replaced, name)
