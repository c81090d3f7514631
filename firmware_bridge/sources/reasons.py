"""Why an open port brings no poses, in words, with the next step."""

from firmware_bridge.dialect import Dialect


def why_nothing_comes(if_silent: str, dialect: Dialect | None, waits: bool) -> str:
    """Return the rest of the sentence "serial port X ..." where no bytes come.

    `if_silent` is what the kind of port suggests; `waits`: a named device is not spoken to before its speed is known.
    """
    has_more = waits and dialect is not None and dialect.talk is not None
    return f"is open but silent: {if_silent}" + (", or name its speed, too: then it is spoken to" if has_more else "")


def why_no_pose(dialect: Dialect | None, n_damaged: int, why_not: str) -> str:
    """Return the rest of the sentence where bytes come; `why_not`: why those who send are not believed, or ""."""
    if dialect is None:
        return (
            "sends bytes that no dialect explains so far: name the dialect if you know it "
            "(`firmware-bridge dialects` lists them), else check what the head tracker is set to send"
        )
    if why_not:
        return f"brings no motion of {dialect.name} so far: {why_not}"
    return (
        f"sends bytes but no poses ({n_damaged} damaged frames): check its speed and that it "
        f"really speaks {dialect.name}"
    )
