"""The links of the chain, each as the program itself makes it: one place to look at, and to put a fault into."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.decoder import Decoder as DialectDecoder
from firmware_bridge.dialect import Dialect
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.opening import RunningBridge, open_bridge
from firmware_bridge.pose import PoseSample
from firmware_bridge.settings import BridgeSettings
from rt_render.engine.engine import Engine
from rt_render.engine.plan import Plan
from rt_render.hrtf.decoder import Decoder

Frames = NDArray[np.float32]
Say = Callable[[str], None]


def _in_its_process(settings: BridgeSettings, on_message: Say) -> RunningBridge:
    return open_bridge(settings, process="own", on_message=on_message)


@dataclass(frozen=True, slots=True)
class Chain:
    """How each link is made: the decoder's filters, bytes to messages, poses to the mailbox, the mailbox to ears, the
    bridge that runs beside the renderer, and what comes back from the card (n, 2)."""

    make_filters: Callable[[Decoder], Decoder] = lambda decoder: decoder
    make_decoder: Callable[[Dialect], DialectDecoder] = lambda dialect: dialect.make_decoder()
    publish: Callable[[PoseMailbox, PoseSample], None] = PoseMailbox.publish
    make_engine: Callable[[Plan, NDArray[np.float32]], Engine] = Engine
    open_bridge: Callable[[BridgeSettings, Say], RunningBridge] = _in_its_process
    recorded: Callable[[Frames], Frames] = lambda frames: frames
