"""The flow from raw images to numbers: once for your data, and once more as a module for every other flow."""


include: "rules/convert.smk"
include: "rules/group.smk"
include: "rules/split.smk"
include: "rules/augment.smk"
include: "rules/bottlenecks.smk"
include: "rules/train.smk"
include: "rules/leaks.smk"
include: "rules/cross_validation.smk"
include: "rules/metrics.smk"
