"""The head on top of the bottlenecks, how it is trained, and what a training leaves."""
