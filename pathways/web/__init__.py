"""What every answer has: a request id, safe headers, structured logs without personal data, and health."""
