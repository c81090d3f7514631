"""The firmware with a made-up IMU on standard input and output: SETTINGS_PATH FIRST_TICKS CLOCK_HIGH."""

import sys

from streamer import Streamer
from unix_board import Reboot, UnixBoard
from yaw_course import YawCourse

settings_path, first_ticks, clock_high = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
while True:
    board = UnixBoard(settings_path, first_ticks)
    streamer = Streamer(board, YawCourse(board))
    streamer.clock.high = clock_high
    try:
        streamer.run()
    except Reboot:
        first_ticks = clock_high = 0
