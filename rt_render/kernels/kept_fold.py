"""Ambience that keeps the power of a fold to stereo, bin by bin, whatever left and right have in common.

A pair of figures of eight hears the field as a 2 x 2 matrix M of a band's primary y and of what is at right angles to
it, z. Where M is unitary each bin's power stays what it was: for reverberation, delays between the channels and sounds
out of phase as well as for what the model assumes. So the unitary matrix nearest to M is taken, weighted with the
powers of y and z (orthogonal Procrustes), and the ambience made such that this is what is heard. Primaries stay as
they are, and so does a source alone.
"""

import math

from rt_render.kernels.jit import rt_jit

_TINY = 1e-12


@rt_jit
def keep_fold_rt(heard, level_gain, up_gain, ahead, aside, left_y, left_z, right_y, right_z, share):
    """Return the ambience of left (of y, of z) and right (of y, of z) as complex gains of a bin. Audio thread.

    `heard`: complex (2, 2, 2), what the fold hears of feeds on the horizon and above, on x and y, of left and right,
    with their gains `level_gain` and `up_gain`; `ahead`, `aside`: the primary's gains on x and y; `left_y` and the
    others: the ambience that is wanted; `share`: power of z over that of y.
    """
    xl = level_gain * heard[0, 0, 0] + up_gain * heard[1, 0, 0]
    xr = level_gain * heard[0, 0, 1] + up_gain * heard[1, 0, 1]
    yl = level_gain * heard[0, 1, 0] + up_gain * heard[1, 1, 0]
    yr = level_gain * heard[0, 1, 1] + up_gain * heard[1, 1, 1]
    x_y, x_z = ahead + xl * left_y + xr * right_y, xl * left_z + xr * right_z
    y_y, y_z = aside + yl * left_y + yr * right_y, yl * left_z + yr * right_z
    # the polar factor of [[a, b], [c, d]] is it and its conjugated adjugate, turned by the determinant's phase
    det = x_y * y_z - x_z * y_y
    size = math.sqrt(det.real * det.real + det.imag * det.imag)
    turn = det * (1.0 / size) if size > _TINY else complex(1.0, 0.0)
    x_z, y_z = share * x_z, share * y_z
    whole = _power_rt(x_y) + _power_rt(y_y) + _power_rt(x_z) + _power_rt(y_z) + 2.0 * share * size
    norm = 1.0 / math.sqrt(max(whole, _TINY))
    want_x_y = norm * (x_y + turn * y_z.conjugate()) - ahead
    want_y_y = norm * (y_y - turn * x_z.conjugate()) - aside
    want_x_z = norm * (x_z - turn * y_y.conjugate())
    want_y_z = norm * (y_z + turn * x_y.conjugate())
    det = xl * yr - xr * yl
    back = det.conjugate() * (1.0 / max(_power_rt(det), _TINY))
    return (
        back * (yr * want_x_y - xr * want_y_y),
        back * (yr * want_x_z - xr * want_y_z),
        back * (xl * want_y_y - yl * want_x_y),
        back * (xl * want_y_z - yl * want_x_z),
    )


@rt_jit
def _power_rt(c):
    return c.real * c.real + c.imag * c.imag
