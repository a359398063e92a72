"""Claims: requests to a funder to pay for an outcome, with the evidence used and the amounts paid or reversed."""
