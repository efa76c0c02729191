"""The issuers whose tokens a tenant accepts beside our own: OpenID Connect, verified here."""
