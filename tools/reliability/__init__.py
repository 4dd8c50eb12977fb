"""What is lost, and what the user sees, when a run is killed, disturbed, or meets a faulty disk.

`make reliability` tries every fault with the real Snakemake and DVC in temporary clones with 27 images, and writes
docs/reliability.csv and docs/reliability.md.
"""
