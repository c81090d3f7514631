"""A running program seen from another terminal, over ssh for example: by what its page tells."""
