"""…_shard: a part of a stage, of its own images, as a job of its own; run.shards in params.yaml says how many.

Reads what the stage reads. Writes data/shards/<stage>_<number>_of_<count>/, which the stage's own rule puts together,
into the same bytes as if it had made all of it. Shards are for jobs on several machines: on one, a stage uses all cores.
"""


wildcard_constraints:
    number=r"\d+",
    total=r"\d+",
    hash="[0-9a-f]{16}",


use rule convert as convert_shard with:
    input:
        raw=made_raw(),
    output:
        shard("convert"),
    log:
        "logs/convert_{number}_of_{total}-{hash}.log",
    threads: cores.half
    resources:
        **asked("convert", flow.params["run"]["shards"]),


use rule augment as augment_shard with:
    input:
        split=made("split"),
        sent=sent_to_shard("augment"),
    output:
        shard("augment"),
    log:
        "logs/augment_{number}_of_{total}-{hash}.log",
    resources:
        **asked("augment", flow.params["run"]["shards"]),


use rule bottlenecks_original as bottlenecks_original_shard with:
    input:
        split=made("split"),
        sent=sent_to_shard("bottlenecks_original"),
    output:
        shard("bottlenecks_original"),
    log:
        "logs/bottlenecks_original_{number}_of_{total}-{hash}.log",
    resources:
        **asked("bottlenecks_original", flow.params["run"]["shards"]),


use rule bottlenecks_augmented as bottlenecks_augmented_shard with:
    input:
        split=made("split"),
        augment=made("augment"),
        sent=sent_to_shard("bottlenecks_augmented"),
    output:
        shard("bottlenecks_augmented"),
    log:
        "logs/bottlenecks_augmented_{number}_of_{total}-{hash}.log",
    resources:
        **asked("bottlenecks_augmented", flow.params["run"]["shards"]),


use rule bottlenecks_test as bottlenecks_test_shard with:
    input:
        split=made("split"),
        sent=sent_to_shard("bottlenecks_test"),
    output:
        shard("bottlenecks_test"),
    log:
        "logs/bottlenecks_test_{number}_of_{total}-{hash}.log",
    resources:
        **asked("bottlenecks_test", flow.params["run"]["shards"]),
