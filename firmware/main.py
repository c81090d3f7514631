"""What runs at power-on. With the button held down it does not, and the board is free for new files."""

import sys

import micropython
from probe import find_imu
from streamer import Streamer


def make_board():
    """Return the board that this is."""
    if sys.platform == "rp2":
        from board_rp2040 import Rp2040

        return Rp2040()
    from board_esp32s3 import Esp32S3

    return Esp32S3()


def main():
    """Find the motion sensor and stream it for ever."""
    board = make_board()
    if board.button():
        return
    # From here on 0x03 is a byte like any other, not Ctrl-C.
    micropython.kbd_intr(-1)
    imu = None
    while imu is None:
        imu = find_imu(board.bus, board.edge, board)
        if imu is None:
            text = b"# no motion sensor answers on I2C: check its wires\n"
            board.write_some(text, 0, len(text))
            board.sleep_ms(1000)
    Streamer(board, imu).run()


main()
