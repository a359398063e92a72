"""Who may do what: the permission table, the guard that reads it, and the people who sign in."""
