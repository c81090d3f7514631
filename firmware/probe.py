"""Which motion sensor is wired: found by its address and by what it says it is."""

import bno08x_i2c
import icm20948
import lsm6dsox


def find_imu(bus, edge, board):
    """Return the driver of the first sensor that answers, None where there is none.

    `edge(active)` makes its interrupt wire, whose active level is 0 for the BNO08x and 1 for the others.
    """
    found = bus.scan()
    for address in bno08x_i2c.ADDRESSES:
        if address in found:
            return bno08x_i2c.Bno08x(bus, address, edge(0), board)
    said = bytearray(1)
    for module, driver in ((icm20948, icm20948.Icm20948), (lsm6dsox, lsm6dsox.Lsm6dsox)):
        for address in module.ADDRESSES:
            if address in found:
                bus.readfrom_mem_into(address, module.WHO_AM_I, said)
                if said[0] == module.IDENTITY:
                    return driver(bus, address, edge(1), board)
    return None
