"""The page: a small server beside the session, which browsers on this machine or, with a token, on others may use."""
