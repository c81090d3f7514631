"""Playlists: what they hold, how loud it is, and a source that plays it without a gap."""
