"""The pretrained network, what computes it, and the features that it gives."""
