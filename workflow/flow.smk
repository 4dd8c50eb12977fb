"""The rules in the order of the flow."""


include: "rules/common.smk"
include: "rules/convert.smk"
include: "rules/group.smk"
include: "rules/split.smk"
include: "rules/augment.smk"
include: "rules/bottlenecks.smk"
include: "rules/train.smk"
include: "rules/leaks.smk"
include: "rules/metrics.smk"
include: "rules/test.smk"
include: "rules/audit.smk"
