"""Access control: the permission table, the guard of each route, and the users."""
