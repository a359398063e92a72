"""Train models on decided introductions: the cases, models, training, evaluation and model files."""
