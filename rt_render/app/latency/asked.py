"""What was asked for, checked before anything takes time."""

from collections.abc import Callable

from rt_render.app.early_checks import find_card
from rt_render.app.settings import Settings
from rt_render.errors import ConfigurationError

STEPS_RANGE, RATE_RANGE_HZ = (10, 10_000), (10.0, 1000.0)
_NO_TURN = "a field of order 0 does not turn with the head: choose an order of 1 to 7."
_NO_PREDICTION = "prediction_cap_ms = 0 switches prediction off, so it cannot be measured: choose more, up to 200 ms."


def check(steps: int, rate_hz: float) -> None:
    """Raise ConfigurationError for what cannot be measured."""
    low, high = STEPS_RANGE
    if not low <= steps <= high:
        raise ConfigurationError(f"steps = {steps} cannot be used: allowed are {low} to {high}.")
    low_hz, high_hz = RATE_RANGE_HZ
    if not low_hz <= rate_hz <= high_hz:
        raise ConfigurationError(
            f"a wearable at {rate_hz:g} Hz cannot be measured: allowed are {low_hz:g} to {high_hz:g} Hz."
        )


def check_cable(cable: int | str | None, device: int | str) -> None:
    """Raise ConfigurationError for a cable from the virtual card, which has no output that one could plug it into."""
    if cable is not None and device == "virtual":
        raise ConfigurationError(
            f"input = {cable} cannot be used with the virtual sound card, from which no cable leads: name the card "
            "that the cable comes from with --device, as `rt-render devices` lists it."
        )


def measured_settings(settings: Settings, on_message: Callable[[str], None]) -> Settings:
    """Return the settings with the card found; raises RenderError for what cannot be measured."""
    if settings.tracking.prediction != "off" and settings.tracking.prediction_cap_ms == 0.0:
        raise ConfigurationError(_NO_PREDICTION)
    if settings.head.order == 0:
        raise ConfigurationError(_NO_TURN)
    card = find_card(settings.audio.device, None, on_message)
    return settings.model_copy(update={"audio": settings.audio.model_copy(update={"device": card})})
