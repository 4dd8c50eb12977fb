"""From params.yaml to plans, to jobs, and to what DVC is told."""
