"""docs/remote.md, written from the table of controls."""

import textwrap

from rt_render.app.controls.control import Control
from rt_render.app.controls.desk_remote import FACTS, MAX_SUBSCRIBERS, PREFIX, STATES_PER_S, SUBSCRIBED_S
from rt_render.app.controls.keys import HELP_KEY, KEYS, QUIT_KEY
from rt_render.app.controls.table import CONTROLS
from rt_render.app.remote import USUAL_PORT
from rt_render.app.remote_guard import ADMITTED_S, MAX_HOSTS, MIN_TOKEN, PACKETS_PER_S, STRANGER_PER_S


def _setup() -> str:
    """Return the paragraph on the controls that are not always, and not for everybody."""
    names = ", ".join(f"`{PREFIX}{control.name}`" for control in CONTROLS if control.setup)
    text = (
        f"The set-up is {names}. It is closed while versions are compared blind, for it would tell one from another; "
        "a page of [visitors](page.md) never has it."
    )
    return textwrap.fill(text, 120)


_TOP = f"""# Controls, and the remote control over OSC

Written by `rt-render controls --page docs/remote.md`.

Everything here can be changed while it sounds: by a key on the terminal, by a message over OSC, and on the page
(`--web`). `rt-render play` listens on UDP 127.0.0.1:{USUAL_PORT}, where that port is free; `--remote-port` names
another, or 0 for none. With liblo's tools:

```
oscsend 127.0.0.1 {USUAL_PORT} /rt/gain_db f -6
oscsend 127.0.0.1 {USUAL_PORT} /rt/recentre
oscdump 9001 & oscsend 127.0.0.1 {USUAL_PORT} /subscribe i 9001
```

## Controls

A message without a value is right for an action only. Switches take 1 and 0, or OSC's true and false; a choice takes
its text, or a number where it is one. An action also takes 1, and 0, which does nothing, as buttons send it when they
are let go. What cannot be used changes nothing and is answered with `/refused`: the address, and the reason in a
sentence.

| address | value | what it is | keys |
| --- | --- | --- | --- |
"""
_MIDDLE = f"""
Further keys: `{HELP_KEY}` shows them all, `{QUIT_KEY}` quits.

{_setup()}

## Being told

| send | and get |
| --- | --- |
| `/ping` | `/pong` with the version |
| `/state` | every control with its value, as it would be set, and the facts below |
| `/subscribe` | the same, and from then on each change, whoever made it, where you sent from |
| `/subscribe PORT` or `/subscribe HOST PORT` | the same at a port of yours; HOST can only be your own |
| `/unsubscribe`, with what was said to subscribe | silence |

A place is told everything {STATES_PER_S:g} times a second at most: what is asked beyond is answered with `/refused`.
There are {MAX_SUBSCRIBERS} subscribers at most. A subscription ends {SUBSCRIBED_S / 60:g} minutes after the last
`/subscribe` or `/ping` from its host. Changes are told some twenty times a second at most; the position, which changes
by itself, only by `/state`.

| fact | what it is |
| --- | --- |
"""
_END = f"""
Objects of a scene are moved by `/source/N/...` and `/adm/obj/N/...`: see the README.

## From other machines

By default only programs on this machine are heard. To be controlled from others, listen on a network and name a token:

```
[remote]
remote_host = "0.0.0.0"
remote_token = "a-word-that-is-hard-to-guess"
```

The token has {MIN_TOKEN} to 200 letters, digits and signs. Without one such a port is not opened. A machine first sends
`/token a-word-that-is-hard-to-guess`, is answered with `/welcome`, and is then heard, with all programs on it, until it
has been silent for {ADMITTED_S / 3600:g} h; {MAX_HOSTS} machines at once. After a restart of the renderer each says it
again: let your program send `/token` now and then. Wrong tokens are answered with nothing, and {STRANGER_PER_S:g} a
second of each machine are looked at. Of what comes faster than {PACKETS_PER_S:g} packets a second the rest is
left out. OSC is not encrypted, and who can send packets in another's name on your network can control in its name: use
a network that you trust, or a tunnel.
"""


def remote_page() -> str:
    """Return the page: the controls with their addresses and keys, how to be told, and what other machines must do."""
    controls = "".join(_row(control) for control in CONTROLS)
    facts = "".join(f"| `{PREFIX}{name}` | {about} |\n" for name, about in FACTS.items())
    return _TOP + controls + _MIDDLE + facts + _END


def _row(control: Control) -> str:
    choices = control.choices if isinstance(control.choices, tuple) else ()
    allowed = "" if control.kind == "action" else control.allowed([f'"{choice}"' for choice in choices])
    about = f"{control.about} (it needs {control.needs})" if control.needs else control.about
    keys = " ".join(dict.fromkeys(f"`{key.shown}`" for key in KEYS.values() if key.control == control.name))
    return f"| `{PREFIX}{control.name}` | {allowed} | {about} | {keys} |\n"
