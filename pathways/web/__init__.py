"""The web layer: request ids, safe headers, structured logs without personal data, and the pages of the API."""
