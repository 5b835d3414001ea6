"""Recovery: a model that lost channels learns again what the original does."""
