"""Pruning: whole channels out of a Keras model, under a target, with proof."""
