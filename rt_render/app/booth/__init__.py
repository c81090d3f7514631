"""The booth: a session that nobody watches, its visitors, and a keeper that begins it anew."""
