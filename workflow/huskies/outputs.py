"""The names of the files that a step hands on to others, and of the two heads. What only one step reads stays there."""

HEADS = ("baseline", "augmented")

# convert, group
REJECTED = "rejected.csv"
NEAR = "near.csv"

# bottlenecks
FEATURES = "features.npy"
INDEX = "index.csv"

# train: the scores of the kept step, its labels in the order of the head's outputs, and the rows it was trained on; for
# every point of the history, whether each validation image was right, and its cross-entropy.
SCORES = "scores.json"
LABELS = "labels.txt"
ROWS = "rows.csv"
HISTORY = "history.csv"
VALIDATION = "validation.csv"
RIGHT = "validation_right.npy"
CROSS_ENTROPY = "validation_cross_entropy.npy"
# distorted: what a step on the fly costs
COST = "cost.json"

# leaks: how many there are, and which
LEAKS = "leaks.json"
LEAKING = "leaks.csv"

# cross_validation
CROSS_VALIDATION = "cross_validation.json"
LABEL_ISSUES = "label_issues.csv"

# metrics
METRICS = "metrics.json"
SUMMARY = "summary.json"
TABLE = "table.txt"
PER_CLASS = "per_class.csv"
CONFUSION = "confusion.csv"
PREDICTIONS = "predictions.csv"

# final: what is known of the classifier that is handed over
FINAL = "final.json"
# gate: what was asked for, and what falls short
GATE = "gate.json"

# encoders
ENCODERS = "encoders.json"

# test, report
TEST = "test.json"
REPORT = "report.html"
FIGURES = "figures"
