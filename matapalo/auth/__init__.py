"""From a bearer token to a Viewer: keys, verification, the bounded cache of verified tokens."""
