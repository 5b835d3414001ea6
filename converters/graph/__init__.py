"""A Keras model as a graph of channels: what is coupled, what it costs, surgery."""
