"""noise, leakage, experiments, article, sweep: the flow with other parameters, by the words that people ask for it.

Their rules are those of workflow/other_flows.smk. Nothing is planned of them before they are asked for.
"""


rule noise:
    """Training accuracy near 1, validation accuracy at chance: what learning by heart looks like."""
    input:
        summed_up("noise"),


rule leakage:
    """The leaky numbers beside the honest ones: every point above is leak."""
    input:
        summed_up("leakage"),


rule experiments:
    """The settings of experiments.csv side by side."""
    input:
        summed_up("experiments"),


rule article:
    """Everything that the article shows, on one page."""
    input:
        summed_up("article"),


rule sweep:
    """All policies, numbers of copies and of photos, side by side."""
    input:
        summed_up("sweep"),


rule repeats:
    """No more: cross-validation, a part of metrics, tells more of the same images."""
    input:
        replaced("repeats"),
