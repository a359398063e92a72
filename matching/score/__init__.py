"""Turn features into a score, order matches by it, and explain it to a caseworker."""
