"""Learning from decided introductions: cases, models, training, evaluation, model files."""
