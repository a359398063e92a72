"""The person: identity, vocational profile, monitoring, permissions to share, contacts and supporters."""
