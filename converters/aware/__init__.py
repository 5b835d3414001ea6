"""Quantization-aware training: a model learns with the rounding to come."""
