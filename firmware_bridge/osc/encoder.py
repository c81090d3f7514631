"""Heads as OSC packets: what a program is sent. Floats always as float32, which is all that some plug-ins read."""

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from firmware_bridge.messages import Quat, Vec3
from firmware_bridge.osc.dialect import OscDialect
from firmware_bridge.osc.row import Argument

_TAGS = {int: "i", float: "f", str: "s"}


def datagrams(dialect: OscDialect, quat: Quat, gyro_rad_s: Vec3 | None = None) -> list[bytes]:
    """Return the packets that say one pose, a message each, in the order to send them."""
    return [bytes(message.dgram) for message in _messages(dialect, quat, gyro_rad_s)]


def one_datagram(dialect: OscDialect, quat: Quat, gyro_rad_s: Vec3 | None = None) -> bytes:
    """Return one packet that says one pose, a bundle where it takes several messages."""
    messages = _messages(dialect, quat, gyro_rad_s)
    if len(messages) == 1:
        return bytes(messages[0].dgram)
    bundle = OscBundleBuilder(IMMEDIATELY)
    for message in messages:
        bundle.add_content(message)
    return bytes(bundle.build().dgram)


def message_datagram(address: str, *arguments: Argument) -> bytes:
    """Return the packet of one message: whole numbers as int32, others as float32, text as UTF-8."""
    return bytes(_message(address, list(arguments)).dgram)


def _messages(dialect: OscDialect, quat: Quat, gyro_rad_s: Vec3 | None) -> list[OscMessage]:
    messages = []
    for address, row in dialect.sent.items():
        numbers = row.numbers(quat, gyro_rad_s)
        messages.append(_message(address, [*row.leading, *([numbers[row.component]] if row.group else numbers)]))
    return messages


def _message(address: str, arguments: list[Argument]) -> OscMessage:
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument, _TAGS[type(argument)])
    return builder.build()
