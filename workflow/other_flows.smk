"""The flow with other parameters: a rule for each stage, of any flow below data/, and the stages that sum flows up."""


include: "controls/common.smk"
include: "flow.smk"
include: "rules/report.smk"
include: "rules/label_safety.smk"
include: "rules/distorted.smk"
include: "controls/noise.smk"
include: "controls/leakage.smk"
include: "controls/experiments.smk"
include: "article/article.smk"
include: "article/sweep.smk"
