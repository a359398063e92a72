"""Claims: requests to a funder to pay for an outcome, with the evidence for each and the money paid or reversed."""
