"""What the drivers must do, against chips that behave like the real ones at their registers."""

from struct import pack

from bno08x_i2c import Bno08x
from fake_chips import FakeBno08x, FakeBoard, FakeBus, FakeEdge, FakeIcm20948, FakeLsm6dsox
from icm20948 import Icm20948
from lsm6dsox import Lsm6dsox
from probe import find_imu
from sample import Sample

CHIPS = ((FakeIcm20948, Icm20948), (FakeLsm6dsox, Lsm6dsox), (FakeBno08x, Bno08x))
RAW = CHIPS[:2]


def wired(chip, rate_hz=200):
    """Return a started driver of this chip, found on its bus, with its bus and board."""
    board, bus = FakeBoard(), FakeBus(chip)
    imu = find_imu(bus, lambda active: FakeEdge(chip), board)
    imu.start(rate_hz)
    return imu, bus, board


def near(got, wanted, tolerance):
    assert all(abs(g - w) <= tolerance for g, w in zip(got, wanted)), (list(got), wanted)


def fails(call, argument):
    """Return whether the call ends in an OSError."""
    try:
        call(argument)
    except OSError:
        return True
    return False


def check_each_chip_is_found_by_what_it_says_it_is():
    for fake, driver in CHIPS:
        assert type(wired(fake())[0]) is driver
    stranger = FakeIcm20948()
    stranger.banks[0][0] = 0x71
    assert find_imu(FakeBus(stranger), None, FakeBoard()) is None
    stranger.address = 0x20
    assert find_imu(FakeBus(stranger), None, FakeBoard()) is None


def check_raw_drivers_ask_for_the_nearest_rate_and_tell_it():
    for asked, icm, lsm in ((200, 187.5, 208), (400, 375, 417), (50, 1125 / 22, 52), (1000, 1125, 833), (1, 4.39, 26)):
        for (fake, _), own in zip(RAW, (icm, lsm)):
            chip = fake()
            imu = wired(chip, asked)[0]
            gyro_hz, accel_hz = chip.rates_hz()
            assert gyro_hz == accel_hz == imu.rate_hz and abs(imu.rate_hz - own) < 0.01, (asked, imu.rate_hz)


def check_raw_values_come_in_the_units_of_the_wire_with_the_time_of_the_interrupt():
    for fake, _ in RAW:
        chip, sample = fake(), Sample()
        imu = wired(chip)[0]
        assert not imu.poll(sample)
        for accel_g, gyro_deg_s in (
            ((0.0, 0.0, 1.0), (0.0, 0.0, 0.0)),
            ((0.5, -1.25, 9.0), (100.0, -200.0, 1990.0)),
            ((-15.9, 15.9, 0.001), (-0.07, 0.0625, -1990.0)),
        ):
            chip.measure(accel_g, gyro_deg_s, 777)
            assert imu.poll(sample) and sample.ticks == 777 and sample.late_us == 0 and not sample.saturated
            near(sample.accel, [2048 * part for part in accel_g], 1.0)
            # half a count of the chip and half a count of the wire
            near(sample.gyro, [16 * part for part in gyro_deg_s], 1.1)
            assert not imu.poll(sample)


def check_raw_values_at_the_end_of_their_scale_are_marked():
    for fake, _ in RAW:
        chip, sample = fake(), Sample()
        imu = wired(chip)[0]
        for accel_g, gyro_deg_s in (
            ((0, 0, 99.0), (0, 0, 0)),
            ((0, 0, 1.0), (0, -9999.0, 0)),
            ((-99.0, 0, 0), (0, 0, 0)),
        ):
            chip.measure(accel_g, gyro_deg_s, 0)
            assert imu.poll(sample) and sample.saturated
            assert min(sample.gyro) >= -32767 and min(sample.accel) >= -32767
        chip.measure((0, 0, 1.0), (0, 0, 0), 0)
        assert imu.poll(sample) and not sample.saturated


def check_raw_sensors_leave_their_bias_to_the_host():
    for fake, _ in RAW:
        try:
            wired(fake())[0].calibrate("GYRO")
        except ValueError as error:
            assert "host" in str(error)
        else:
            raise AssertionError


def check_a_bus_that_broke_is_an_error_and_a_restart_mends_it():
    for fake in (FakeIcm20948, FakeLsm6dsox, FakeBno08x):
        chip, sample = fake(), Sample()
        imu, bus, _ = wired(chip)
        chip.interrupt = lambda: True
        bus.broken = True
        assert fails(imu.poll, sample) and fails(imu.start, 200)
        bus.broken = False
        imu.start(200)
        imu.poll(sample)


def rotation(i, j, k, real, status=3, delay=0, report=0x29):
    return pack("<BBBB4h", report, 0, status | delay >> 8 << 2, delay & 255, i, j, k, real)


def gyro(x, y, z):
    return pack("<BBBB3h", 0x02, 0, 0, 0, x, y, z)


def base(hundreds_of_us):
    return pack("<Bi", 0xFB, hundreds_of_us)


def booted(max_rate_hz=1000, rate_hz=200):
    chip, sample = FakeBno08x(max_rate_hz), Sample()
    imu, _, board = wired(chip, rate_hz)
    for _ in range(20):
        assert not imu.poll(sample)
    assert not chip.queue
    return chip, imu, sample, board


def check_the_bno08x_is_asked_for_gyro_and_rotation_once_it_is_up():
    chip, imu, _, _ = booted()
    assert chip.features == {0x02: 5000, 0x29: 5000} and imu.rate_hz == 200
    imu.start(100)
    assert chip.features == {0x02: 10000, 0x29: 10000}


def check_the_bno08x_tells_the_rate_that_it_granted():
    chip, imu, _, _ = booted(max_rate_hz=250, rate_hz=400)
    assert chip.features[0x29] == 4000 and imu.rate_hz == 250


def check_bno08x_reports_come_in_the_units_and_order_of_the_wire():
    chip, imu, sample, _ = booted()
    chip.say(3, base(0) + gyro(512, -1024, 0) + rotation(1, -2, 4240, 15826, status=2), ticks=4321)
    assert imu.poll(sample)
    assert list(sample.quat) == [15826, 1, -2, 4240] and sample.accuracy == 2
    near(sample.gyro, (916.73, -1833.46, 0), 0.51)
    assert sample.ticks == 4321 and sample.late_us == 0 and not sample.saturated
    assert not imu.poll(sample)
    chip.say(3, base(0) + gyro(32767, -32768, 0) + rotation(0, 0, 0, 16384))
    assert imu.poll(sample) and sample.saturated and list(sample.gyro) == [32767, -32767, 0]


def check_bno08x_times_count_back_from_the_interrupt():
    chip, imu, sample, _ = booted()
    chip.say(3, base(7) + gyro(0, 0, 0) + rotation(0, 0, 0, 16384, delay=2))
    assert imu.poll(sample) and sample.late_us == 500
    chip.say(3, base(400) + rotation(0, 0, 0, 16384, delay=300))
    assert imu.poll(sample) and sample.late_us == 10000 and sample.accuracy == 3


def check_a_batch_of_the_bno08x_gives_all_its_samples():
    chip, imu, sample, _ = booted()
    chip.say(3, base(100) + b"".join(gyro(512 * k, 0, 0) + rotation(k, 0, 0, 16384, delay=50 * k) for k in range(3)))
    for k in range(3):
        assert imu.poll(sample) and sample.quat[1] == k and sample.late_us == 10000 - 5000 * k
        near(sample.gyro, (916.73 * k, 0, 0), 0.51)
    assert not imu.poll(sample)


def check_bno08x_reports_that_nobody_asked_for_are_passed_over():
    chip, imu, sample, _ = booted()
    chip.say(3, base(0) + rotation(9, 0, 0, 16384))  # before any gyro
    assert not imu.poll(sample)
    chip.say(3, base(0) + gyro(1, 2, 3) + pack("<BBBB3h", 0x01, 0, 0, 0, 1, 2, 3) + rotation(5, 0, 0, 16384))
    assert imu.poll(sample) and sample.quat[1] == 5
    chip.say(3, base(0) + b"\x77\x00\x00" + rotation(6, 0, 0, 16384))
    chip.say(3, base(0) + rotation(7, 0, 0, 16384)[:-2])
    chip.say(3, base(0) + rotation(8, 0, 0, 16384, report=0x08))
    chip.say(0, bytes(600))
    chip.say(3, base(0) + rotation(10, 0, 0, 16384))
    for _ in range(30):
        if imu.poll(sample):
            break
    assert sample.quat[1] == 10


def check_a_bno08x_that_restarted_by_itself_is_asked_again():
    chip, imu, sample, _ = booted()
    chip.restart()
    assert not chip.features
    for _ in range(20):
        imu.poll(sample)
    assert chip.features == {0x02: 5000, 0x29: 5000}


def check_a_bno08x_that_did_not_hear_the_reset_is_reset_again():
    chip, sample = FakeBno08x(), Sample()
    imu, _, board = wired(chip)
    chip.queue = []
    imu.poll(sample)
    assert not chip.queue
    board.now += 1100000
    imu.poll(sample)
    assert chip.queue
    for _ in range(20):
        imu.poll(sample)
    assert 0x29 in chip.features


def check_the_bno08x_calibrates_and_keeps_what_it_found():
    chip, imu, _, _ = booted()
    for what in ("GYRO", "MAG", "STOP"):
        imu.calibrate(what)
    assert [command[:4] for command in chip.commands] == [b"\7\1\1\0", b"\7\1\0\1", b"\7\0\0\0", b"\6\0\0\0"]
