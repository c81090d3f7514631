"""Through whose ears it is heard: heads and orders are changed while it plays, and nothing that fails is heard."""

import numpy as np
import pytest

from rt_render.app import ears as ears_module
from rt_render.app.ears import Ears
from rt_render.app.settings import Head
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.hrtf.decoder import Decoder

ORDER, TAPS = 3, 32


def decoder_of(head, order):
    """A decoder that can be told from others: every filter begins with the head's number."""
    filters = np.zeros((2, (order + 1) ** 2, TAPS), np.float32)
    filters[:, :, 0] = {"kemar": 1.0, "sphere": 2.0, "kemar-df": 3.0}.get(head, 4.0)
    return Decoder(filters, 48000.0, order, "ls", head, "", 7, 0.0, f"{head} {order}")


class Heard:
    """An engine's published filters, and what was said and came into use."""

    def __init__(self, monkeypatch, **options):
        self.published, self.said, self.used, self.designed = [], [], [], []
        engine = Engine(Plan(ORDER, 64, 48000, TAPS), decoder_of("kemar", ORDER).filters)
        publish = engine.publish_filters
        monkeypatch.setattr(
            engine,
            "publish_filters",
            lambda filters, **when: (publish(filters, **when), self.published.append(_name(filters))),
        )
        monkeypatch.setattr(ears_module, "make_decoder", self._make)
        self.ears = Ears(
            engine,
            Head(head=options.pop("head", "kemar")),
            decoder_of("kemar", ORDER),
            on_message=self.said.append,
            on_decoder=self.used.append,
            **options,
        )

    def _make(self, head, order, fs_hz, on_progress, on_message):
        self.designed.append((head.head, order))
        if head.head == "sphere" and order == 0:
            raise InputFileError("the sphere was dropped.")
        if head.head.endswith(".sofa"):
            raise ZeroDivisionError("oh")
        return decoder_of(head.head, order)


def _name(filters):
    order = int(np.sqrt(filters.shape[1])) - 1
    return {1.0: "kemar", 2.0: "sphere", 3.0: "kemar-df"}.get(float(filters[0, 0, 0]), "other"), order


@pytest.fixture
def heard(monkeypatch):
    return Heard(monkeypatch)


def test_another_head_is_designed_aside_and_then_heard_and_going_back_costs_nothing(heard):
    heard.ears.choose(head="sphere")
    assert heard.ears.finish(10) and heard.published == [("sphere", ORDER)]
    assert heard.used[-1].head == "sphere" and heard.ears.progress() is None
    heard.ears.choose(head="kemar")
    heard.ears.choose(head="sphere")
    assert heard.published[1:] == [("kemar", ORDER), ("sphere", ORDER)]
    assert heard.designed == [("sphere", ORDER)]


def test_the_order_is_the_lowest_of_what_is_wanted_and_what_others_allow(heard):
    ears = heard.ears
    for act, order in (
        (lambda: ears.limit("item", 1), 1),
        (lambda: ears.choose(order=2), 1),
        (lambda: ears.limit("item", 3), 2),
        (lambda: ears.limit("time", 0), 0),
        (lambda: ears.choose(order=3), 0),
        (lambda: ears.limit("time", None), 3),
    ):
        act()
        assert ears.finish(10)
        assert [("kemar", ORDER), *heard.published][-1] == ("kemar", order)


def test_with_lower_orders_asked_for_a_head_is_heard_only_once_all_are_there(monkeypatch):
    heard = Heard(monkeypatch, lower=(1, 0))
    heard.ears.prepare()
    heard.ears.limit("time", 1)
    assert heard.published == [("kemar", 1)]
    heard.ears.choose(head="kemar-df")
    assert heard.ears.finish(10) and heard.published[-1] == ("kemar-df", 1)
    designed = len(heard.designed)
    heard.ears.limit("time", 0)
    assert heard.published[-1] == ("kemar-df", 0) and len(heard.designed) == designed


def test_what_cannot_be_designed_is_told_once_and_what_is_heard_stays(heard):
    heard.ears.choose(head="sphere", order=0)
    assert heard.ears.finish(10)
    assert heard.said == ["sphere at order 0 cannot be heard: the sphere was dropped."]
    assert (heard.ears.head, heard.ears.order, heard.published) == ("kemar", ORDER, [])
    heard.ears.choose(head="sphere")
    assert heard.ears.finish(10) and heard.published == [("sphere", ORDER)]


def test_a_head_from_a_file_is_called_by_its_name_and_its_failure_is_a_sentence(monkeypatch):
    heard = Heard(monkeypatch, head="/home/me/heads/mine.sofa")
    assert heard.ears.head == "mine.sofa" and "mine.sofa" in heard.ears.heads
    heard.ears.choose(order=1)
    assert heard.ears.finish(10)
    assert heard.said == ["mine.sofa at order 1 cannot be heard: ZeroDivisionError: oh."]
    assert heard.ears.order == ORDER and heard.designed == [("/home/me/heads/mine.sofa", 1)]


def test_an_items_order_that_fails_is_tried_once(monkeypatch):
    heard = Heard(monkeypatch, head="mine.sofa")
    for _ in range(3):
        heard.ears.limit("item", 1)
        heard.ears.choose(order=ORDER)
        assert heard.ears.finish(10)
    assert len(heard.said) == 1 and not heard.published


def test_decoders_that_are_there_already_are_taken_for_the_own_head_only(monkeypatch):
    heard = Heard(monkeypatch, prepared=lambda order: decoder_of("kemar", order))
    heard.ears.limit("item", 1)
    assert heard.published == [("kemar", 1)] and not heard.designed
    heard.ears.choose(head="sphere")
    assert heard.ears.finish(10) and heard.designed == [("sphere", 1)]


def test_other_filters_are_heard_instead_until_they_are_taken_back(heard):
    down_mix = np.full((2, 4, 1), 9.0)
    heard.ears.hear_instead(down_mix)
    heard.ears.choose(head="sphere")
    assert heard.ears.finish(10)
    heard.ears.limit("item", 2)
    assert heard.ears.finish(10) and heard.published == [("other", 1)]
    heard.ears.hear_instead(None)
    assert heard.published[-1] == ("sphere", 2)


def test_there_are_no_other_heads_and_orders(heard):
    with pytest.raises(ConfigurationError, match="choose one of kemar, kemar-df, sphere"):
        heard.ears.choose(head="../../etc/passwd")
    with pytest.raises(ConfigurationError, match="choose 0 to 3"):
        heard.ears.choose(order=4)


def test_a_fault_beside_the_design_is_told_and_the_next_choice_is_heard(heard, monkeypatch):
    faults = [True]

    def fail_once(wanted):
        if faults.pop() if faults else False:
            raise ZeroDivisionError("a fault")
        return missing(wanted)

    missing = heard.ears._missing
    heard.ears._worker = object()  # so that the choice leaves the design to this thread
    heard.ears.choose(head="sphere")
    monkeypatch.setattr(heard.ears, "_missing", fail_once)
    heard.ears._design()
    assert heard.said == ["no other ears can be heard now (ZeroDivisionError: a fault): choose again."]
    assert heard.ears.head == "kemar" and heard.ears.finish(1)
    heard.ears.choose(head="sphere")
    assert heard.ears.finish(10) and heard.published == [("sphere", ORDER)]
