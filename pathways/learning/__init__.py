"""Training, assessing and releasing models of the score; a person releases."""
