"""From features to a score, an order, and the reasons a caseworker reads."""
