"""noise, leakage, repeats, article, sweep: the flow with other parameters, by the words that people ask for it.

Their rules are those of workflow/other_flows.smk. Nothing is planned of them before they are asked for.
"""

from huskies.article import families

families.remember(families.Families(flow, config, lambda: command.runs(workflow)))


def summed_up(name):
    """Return the receipt of what sums up a family of flows."""

    def path(wildcards):
        found = or_exit(families.known().result, name)
        or_exit(command.begin, workflow, flow, [found])
        return found

    return ancient(path)


rule noise:
    """Training accuracy near 1, validation accuracy at chance: what learning by heart looks like."""
    input:
        summed_up("noise"),


rule leakage:
    """The leaky numbers beside the honest ones: every point above is leak."""
    input:
        summed_up("leakage"),


rule repeats:
    """The comparison on several sets of validation images: mean, spread and interval."""
    input:
        summed_up("repeats"),


rule article:
    """Everything that the article shows, on one page."""
    input:
        summed_up("article"),


rule sweep:
    """All policies, numbers of copies and of photos, side by side."""
    input:
        summed_up("sweep"),
