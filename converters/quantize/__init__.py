"""Quantizers: ranges of activations, and what engines store."""
