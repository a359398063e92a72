"""Train, assess and release ranking models. Only a person can release a model."""
