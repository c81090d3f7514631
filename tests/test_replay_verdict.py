"""What becomes of a log that is played back: nothing it was made of is lost, and what is not heard again is told."""

import json
import shutil

import numpy as np
import pytest
from pose_log_tools import QUICK, altered, live, wait_blocks, write_again, write_field
from typer.testing import CliRunner

from rt_render.app import api, cli
from rt_render.app.replay import replay_to_file
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.io.pose_log_file import Done, Moved, PoseLogReader


@pytest.fixture(scope="module")
def one_session(tmp_path_factory):
    """A folder with a field, and a short session's log."""
    folder = tmp_path_factory.mktemp("session")
    live(folder, lambda session: wait_blocks(session, 60), input=str(write_field(folder)), block_size=128)
    return folder


@pytest.fixture
def log(one_session, tmp_path):
    """A copy of the log, beside a copy of its source."""
    for name in ("live.rtlog", "field.wav"):
        shutil.copy(one_session / name, tmp_path)
    chosen = {"source": {"input": str(tmp_path / "field.wav")}, "audio": {"fs_hz": 48000}}
    return altered(tmp_path / "live.rtlog", "a.rtlog", settings=chosen)


def verdict_of(log, change=lambda pieces: pieces):
    """Play a log back whose pieces were changed; return the verdict and what was said."""
    said = []
    with PoseLogReader(log) as reader:
        pieces = change(list(reader.pieces()))
    write_again(log, reader, pieces)
    rendered = replay_to_file(log, log.with_name("again.wav"), force=True, on_message=said.append)
    assert said[-1] == list(rendered.replay.sentences())[-1]
    return rendered.replay, said


def run_cli(*arguments):
    return CliRunner().invoke(cli.app, list(map(str, arguments)))


def rows_in(pieces):
    return [piece for piece in pieces if isinstance(piece, np.ndarray)]


def test_the_source_that_a_log_names_is_never_written_over(log):
    source = log.with_name("field.wav")
    was = source.read_bytes()
    with pytest.raises(ConfigurationError, match=r"field\.wav is read, so it cannot be written too"):
        api.render(None, source, poses=log, force=True)
    with pytest.raises(ConfigurationError, match="is read"):
        api.render(source, source, poses=log, force=True)
    with pytest.raises(ConfigurationError, match="is read"):
        replay_to_file(log, log, force=True)
    assert source.read_bytes() == was and not list(log.parent.glob("*.partial"))
    (log.parent / "link.wav").symlink_to(source)
    with pytest.raises(ConfigurationError, match="is read"):
        api.render(None, log.parent / "link.wav", poses=log, force=True)


def test_neither_are_the_files_of_a_scene_and_the_field_that_was_kept(tmp_path):
    mono, kept = write_field(tmp_path), tmp_path / "kept.wav"
    scene = tmp_path / "scene.toml"
    scene.write_text('[[object]]\nfile = "field.wav"\n')
    live(tmp_path, lambda session: wait_blocks(session, 5), input=str(scene), field=kept, order=1)
    for path in (mono, kept):
        with pytest.raises(ConfigurationError, match="is read, so it cannot be written too"):
            api.render(None, path, poses=tmp_path / "live.rtlog", force=True)
    kept.unlink()
    with pytest.raises(ConfigurationError, match="is read, so it cannot be written too"):
        api.render(None, mono, poses=tmp_path / "live.rtlog", force=True)


def test_a_session_that_is_heard_again_ends_well_and_says_so_to_programs(log):
    verdict, said = verdict_of(log)
    assert verdict.heard_again and verdict.ended and "bit for bit" in said[-1]
    done = run_cli("render", "--poses", log, "-o", log.with_name("b.wav"), "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0 and told["replay"]["heard_again"] and told["replay"]["blocks"] == verdict.blocks
    assert told["blocks"] == verdict.blocks and told["file"].endswith("b.wav")


def test_what_was_rendered_from_a_source_has_no_verdict(log):
    quick = {key: QUICK[key] for key in ("method", "taps", "head")}
    assert api.render(log.with_name("field.wav"), log.with_name("b.wav"), **quick).replay is None


def test_a_level_that_differs_is_not_heard_again_and_the_command_fails(log):
    def change(pieces):
        rows_in(pieces)[0]["mean_square"][9:] *= 1.5
        return pieces

    verdict, said = verdict_of(log, change)
    assert not verdict.heard_again and verdict.differs_at_s == pytest.approx(9 * 128 / 48000)
    assert "the source failed or ended elsewhere then" in said[-1]
    done = run_cli("render", "--poses", log, "-o", log.with_name("b.wav"))
    assert done.exit_code == 1 and "this is not what was heard" in done.stdout and "b.wav written" in done.stdout


@pytest.mark.parametrize(
    ("what", "words"), [("objects", "objects were moved by hand"), ("panorama", "the panorama was changed by hand")]
)
def test_what_was_changed_by_hand_before_is_named_as_the_cause(log, what, words):
    def change(pieces):
        rows = rows_in(pieces)[0]
        rows["mean_square"][30:] *= 1.5
        at = next(i for i, piece in enumerate(pieces) if piece is rows)
        return [*pieces[:at], rows[:20], Moved(what), rows[20:], *pieces[at + 1 :]]

    verdict, said = verdict_of(log, change)
    assert not verdict.heard_again and verdict.moved_at_s == pytest.approx(20 * 128 / 48000)
    assert f"{words} from about 0:00.1 on" in said[-1] and "--field FILE" in said[-1]


def test_a_move_behind_the_difference_is_not_its_cause(log):
    def change(pieces):
        rows_in(pieces)[0]["mean_square"][9:] *= 1.5
        return [*pieces[:-1], Moved(), pieces[-1]]

    assert "the source failed" in verdict_of(log, change)[1][-1]


@pytest.mark.parametrize("closed", [True, False])
def test_a_log_without_a_block_is_not_heard_again(log, closed):
    def change(pieces):
        return [piece for piece in pieces if not isinstance(piece, np.ndarray)][: None if closed else -1]

    verdict, said = verdict_of(log, change)
    assert verdict.blocks == 0 and not verdict.heard_again
    assert "nothing is heard again" in said[-1] and "bit for bit" not in said[-1]


@pytest.mark.parametrize("where", ["within", "at the end"])
def test_rows_that_were_lost_are_told_wherever_they_lack(log, where):
    def change(pieces):
        at = next(i for i, piece in enumerate(pieces) if isinstance(piece, np.ndarray))
        rows, done = np.concatenate(rows_in(pieces)), pieces[-1]
        kept = [rows[:40], rows[50:]] if where == "within" else [rows[:40]]
        return [*pieces[:at], *kept, Done(10, done.missed_slots)]

    verdict, said = verdict_of(log, change)
    assert not verdict.heard_again and verdict.missing_from_block == 41
    assert any("lacks rows from block 41 on" in text for text in said)


def test_a_log_that_was_cut_is_heard_again_as_far_as_it_goes(log):
    verdict, said = verdict_of(log, lambda pieces: pieces[:-1])
    assert verdict.heard_again and not verdict.ended and said[-2].startswith("the log was cut")


def test_damage_with_more_behind_it_is_not_heard_again(log):
    data = bytearray(log.read_bytes())
    data[data.rindex(b"rows") + 40] ^= 1
    log.write_bytes(data)
    rendered = replay_to_file(log, log.with_name("again.wav"))
    assert rendered.replay.damaged_at_byte == data.rindex(b"rows") and not rendered.replay.heard_again


def test_damaged_first_filters_are_told_as_such(log):
    data = bytearray(log.read_bytes())
    begin = data.index(b"\ntaps") + 1
    data[begin + 40] ^= 1
    log.write_bytes(data)
    with pytest.raises(InputFileError, match=f"damaged at byte {begin}, in its first filters"):
        replay_to_file(log, log.with_name("again.wav"))
