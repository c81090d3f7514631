"""What can be known to be wrong before anything takes time: seconds, names of files to write, the sound card."""

from collections.abc import Callable, Iterable, Mapping
from math import inf, isfinite
from pathlib import Path

from rt_render.app.output_names import refuse_one_name, refuse_overwrite
from rt_render.app.settings import Settings
from rt_render.app.settings_file import files_read
from rt_render.app.source_opening import LIVE, is_live, is_playlist, passes
from rt_render.errors import ConfigurationError, DeviceError
from rt_render.io.pose_log_file import is_pose_log

_REPLAY_CHOICES = ("input", "poses", "force")
_NO_CARD = "No sound card was found: the virtual one plays in real time, unheard; "


def _files_played(settings: Settings) -> list[Path]:
    """Return all files that are read, the items of a playlist too."""
    read = [*files_read(settings).values()]
    if is_playlist(settings.source):
        from rt_render.app.playlist.items import items_of

        names = [settings.source.input, *settings.source.further]
        read += [Path(item.name) for item in items_of(names, settings.source)]
    return read


def check_seconds(seconds: object, least_s: float = 0.1, most_s: float = inf) -> None:
    """Raise ConfigurationError unless this is a finite length within bounds."""
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not isfinite(seconds) or not least_s <= seconds <= most_s:  # type: ignore[arg-type, operator]
        allowed = f"{least_s:g} or more" if most_s == inf else f"{least_s:g} to {most_s:g}"
        raise ConfigurationError(f"seconds = {seconds} cannot be used: allowed is a number, {allowed}.")


def check_sound_file(path: Path, settings: Settings, read: Iterable[Path]) -> None:
    """Raise ConfigurationError for a stereo file that may not be written, or whose ending nobody writes."""
    from rt_render.io.wav_writer import container_and_subtype

    container_and_subtype(path, 2, None)
    refuse_overwrite([path], settings.output.force, [*_files_played(settings), *read])


def check_field_file(settings: Settings, ears: Path | None, read: Iterable[Path]) -> None:
    """Raise ConfigurationError for a file of the field that may not be written, or is not whole enough for a log.

    `ears`: the stereo file that is written beside it.
    """
    field, log = settings.output.field, settings.output.log
    if field is None:
        if log and passes(settings.source):
            why = "live input is gone then" if is_live(settings.source) else "a playlist may come otherwise"
            raise ConfigurationError(f"{log} alone cannot be played back, for {why}: keep it with `--field FILE` too.")
        return
    from rt_render.io.wav_writer import container_and_subtype

    container_and_subtype(field, 1, None)
    if log and field.suffix.lower() == ".flac":
        raise ConfigurationError(
            f"{field} rounds to 24 bits, and {log} is to be played back bit for bit: name it .wav, .w64 or .caf."
        )
    refuse_one_name([ears, field, log])
    refuse_overwrite([field], settings.output.force, [*_files_played(settings), *read])


def check_live_alone(settings: Settings) -> None:
    """Raise ConfigurationError for live input beside other things to play."""
    names = [settings.source.input, *settings.source.further]
    if len(names) > 1 and LIVE in names:
        other = next((name for name in names if name != LIVE), LIVE)
        raise ConfigurationError(f"live input is played by itself, and {other} is named too: leave out one of them.")


def check_panorama(settings: Settings) -> None:
    """Raise ConfigurationError for a panorama at order 0."""
    if settings.source.panorama and settings.head.order == 0:
        raise ConfigurationError(
            "a panorama cannot be made at order 0, which has no directions: choose order 1 to 7, or no panorama."
        )


def check_booth_gain(settings: Settings) -> None:
    """Raise ConfigurationError for a booth whose visits would begin above its own ceiling."""
    from rt_render.app.parts import start_gain_db

    begin_db, max_db = start_gain_db(settings), settings.booth.max_gain_db
    if begin_db > max_db:
        raise ConfigurationError(
            f"gain_db in [audio], {begin_db:g} dB, cannot be used: it is above max_gain_db = {max_db:g} in [booth]; "
            "lower the one or raise the other."
        )


def check_not_live(settings: Settings) -> None:
    """Raise ConfigurationError for live input, of which no file can be rendered."""
    if LIVE in settings.source.further or is_live(settings.source):
        raise ConfigurationError(
            f"live input is played, not rendered: `rt-render play {settings.source.input} --record FILE` keeps what is "
            "heard, --field FILE the field before the ears."
        )


def check_log_file(settings: Settings, read: Iterable[Path]) -> None:
    """Raise ConfigurationError for a pose log that may not be written, or is to be followed by a live session."""
    poses, log = settings.tracking.poses, settings.output.log
    if poses and is_pose_log(poses):
        raise ConfigurationError(
            f"{poses} is the log of a session: `rt-render render --poses {poses} -o FILE` lets it be heard again."
        )
    if log:
        refuse_one_name([settings.output.record, log])
        refuse_overwrite([log], settings.output.force, [*_files_played(settings), *read])


def check_replay(log: Path, choices: Mapping[str, object]) -> None:
    """Raise ConfigurationError for a choice beside a log that says how it was."""
    for name, value in choices.items():
        if value is not None and name not in _REPLAY_CHOICES:
            raise ConfigurationError(f"{name} cannot be chosen: {log} says how it was in the session; leave it out.")


def find_card(device: int | str, kept_in: Path | None, on_message: Callable[[str], None]) -> int | str:
    """Return the device to play on: the virtual one, and that is said, only where there is no card at all.

    "auto" becomes the number of the default card. Raises DeviceError for a card that is not there.
    """
    if device == "virtual":
        return device
    from rt_render.io.sound_card import find_device, list_devices, look_again

    if device != "auto":
        try:
            find_device(device)
        except DeviceError:
            look_again()  # PortAudio may have looked before it was there
            find_device(device)
        return device
    try:
        none_there = not list_devices(with_rates=False)
    except DeviceError as error:
        on_message(str(error))
        none_there = True
    if none_there:
        on_message(_NO_CARD + (f"{kept_in} keeps the sound." if kept_in else "`--record FILE` keeps the sound."))
        return "virtual"
    return find_device().index


def card_rate_hz(device: int | str) -> int:
    """Return the usual rate, or the nearest one that the card takes where it does not take that."""
    usual = Settings().audio.fs_hz
    if device == "virtual":
        return usual
    from rt_render.io.sound_card import find_device, list_devices

    index = find_device(device).index
    rates = next((card.rates_hz for card in list_devices() if card.index == index), ())
    return min(rates, key=lambda rate: abs(rate - usual), default=usual)
