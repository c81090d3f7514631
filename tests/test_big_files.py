"""Files beyond 4 GiB are written, told apart and sought to the sample; they are sparse and take no room."""

import numpy as np
import pytest
from big_file_run import SPELL_FRAMES, places_in, signal_at, write_sparse

from rt_render.app.settings import Source
from rt_render.app.source_opening import open_item

N_CHANNELS = 16
N_FRAMES = 2**33 // (4 * N_CHANNELS)
"""8 GiB."""


@pytest.mark.parametrize("name", ["long.wav", "long.w64", "long.caf"])
def test_a_seek_beyond_4_gib_finds_the_very_sample(tmp_path, name):
    write_sparse(tmp_path / name, N_FRAMES, N_CHANNELS)
    source = open_item(str(tmp_path / name), Source(), 48000)
    assert source.n_frames == N_FRAMES and source.order == 3
    for place in places_in(N_FRAMES):
        source.seek(place + 100)
        np.testing.assert_array_equal(source.read(1000), signal_at(place, N_CHANNELS)[100:1100])
    source.seek(N_FRAMES - 10)
    last = places_in(N_FRAMES, 2)
    np.testing.assert_array_equal(source.read(100), signal_at(max(last), N_CHANNELS)[SPELL_FRAMES - 10 :])
    source.close()
