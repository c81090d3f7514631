"""What a process in JACK's thread tells the one that began it."""

import sys
from types import SimpleNamespace

import pytest

pytest.importorskip("jack", exc_type=OSError, reason="the JACK library is not there")
import jack

from rt_render.io import jack_child


class Server:
    """A client's view of a server with these ports."""

    def __init__(self, inputs=(), outputs=()):
        self.inputs, self.outputs = inputs, outputs

    def get_ports(self, is_audio, is_input=False, is_output=False):
        assert is_audio and is_input != is_output
        return [SimpleNamespace(name=name) for name in (self.inputs if is_input else self.outputs)]


def names(ports):
    return [port.name for port in ports]


def test_only_the_players_own_ports_are_taken_each_for_its_way():
    server = Server(("rt:in_1", "rt:in_2", "rt2:in_1"), ("rt:out_1", "other:out", "rt:out_2"))
    assert names(jack_child.two_inputs(server, "rt")) == ["rt:in_1", "rt:in_2"]
    assert names(jack_child.two_outputs(server, "rt")) == ["rt:out_1", "rt:out_2"]


def test_a_player_with_other_ports_is_refused_with_their_number():
    server = Server(outputs=("rt:1", "rt:2", "rt:3"))
    with pytest.raises(jack_child.RefusedError, match="'rt' should have two outputs and has 3: let nothing else"):
        jack_child.two_outputs(server, "rt")
    with pytest.raises(jack_child.RefusedError, match="two inputs and has 0"):
        jack_child.two_inputs(server, "rt")


@pytest.mark.parametrize(
    ("error", "words"),
    [(jack_child.RefusedError("It is so."), "It is so.\n"), (jack.JackError("No server."), "(No server): see whether")],
)
def test_what_refuses_a_child_is_a_sentence_and_an_exit_code(capsys, error, words):
    def main():
        raise error

    with pytest.raises(SystemExit) as left:
        jack_child.run(main)
    assert left.value.code == 1 and words in capsys.readouterr().out


def test_a_child_that_did_its_work_just_ends_also_where_nobody_listens(monkeypatch):
    def gone(text):
        raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", SimpleNamespace(write=gone))
    jack_child.run(lambda: jack_child.say("done"))
