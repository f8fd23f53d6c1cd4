"""The staff's pages around Django admin: signing in, and one's own authenticator. Thin: actions decide."""
