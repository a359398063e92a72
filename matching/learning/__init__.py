"""Learn from decided introductions: cases, models, training, evaluation and model files."""
