"""What the rules of all other flows share: where a stage lies, and what is to be read there.

A flow's place below data/ and the hash of a stage's plan are wildcards; huskies.article.families knows the flows, and
plans them when they are asked for.
"""

from huskies.article import families
from huskies.planning import resources
from huskies.planning.flow import or_exit

cores = resources.Cores(workflow)


wildcard_constraints:
    hash="[0-9a-f]{16}",


def receipt(stage):
    """Return the path of the receipts that a stage has, one for each flow and its parameters."""
    return f"data/{{flow}}/{stage}/receipt-{{hash}}.json"


def shards(stage):
    """Return nothing: other flows make their stages whole."""
    return []


def made(stage):
    """Return the receipt of a stage of the flow that a rule reads, or nothing where the flow does without the stage."""
    return of_flow(lambda flow: flow.receipt(stage) if stage in flow.plans else [])


def asked(stage):
    """Return what a job asks of the machine that it runs on, beside cores, by the number of the user's own images."""
    main = families.known().main
    return resources.asked(stage, lambda wildcards: flow_of(wildcards, stage).params, lambda: main.images)


def made_raw():
    """Return the receipt of the stage that makes the raw images, where one does."""
    return gathered("convert")


def sent(stage):
    """Return nothing: these flows are made where jobs have the project's folder."""
    return []


def gathered(stage):
    """Return the receipts of all that a stage reads, wherever they lie."""
    return of_flow(lambda flow: flow.upstream(stage), stage)


def of_flow(read, stage=""):
    """Return the input function of a rule: what `read` makes of the flow that has the plan of this hash.

    stage: the one whose folder lies at the top of data/, where the rule has no flow as a wildcard.
    """
    return ancient(lambda wildcards: read(flow_of(wildcards, stage)))


def flow_of(wildcards, stage):
    """Return the flow by its place and the hash of a stage's plan."""
    return or_exit(families.known().making, getattr(wildcards, "flow", stage), wildcards.hash)


def log_of(stage):
    """Return the path of the stage's logs, one for each receipt."""
    return f"logs/{{flow}}/{stage}-{{hash}}.log"
