"""Whether a smaller model is as right as its source, and the search for one that is."""
