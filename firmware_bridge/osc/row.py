"""One OSC address: what its numbers are. The same line of a table reads them and writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import hypot, isfinite, radians, sqrt

from firmware_bridge.dialects.turn_forms import quat_from_rotation_vector, rotation_vector_from_quat
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.messages import Motion, Quat, Vec3
from firmware_bridge.plain_quaternion import IDENTITY, conjugate, normalise

MAX_ANGLE_DEG = 360.0
MAX_NORM_ERROR = 0.05
MAX_RATE_RAD_S = radians(4000.0)
NO_FLIPS: frozenset[str] = frozenset()

Argument = int | float | str


class Form(Enum):
    """In which numbers an orientation comes, by the names of their slots."""

    QUATERNION = ("w", "x", "y", "z")
    ANGLES = ("yaw", "pitch", "roll")
    VECTOR = ("rx", "ry", "rz")
    RATES = ("vx", "vy", "vz")


@dataclass(frozen=True, slots=True)
class Slot:
    """One number: its name, its sign, and whether an angle is written from 0 to 360 rather than in ±180."""

    name: str
    sign: float
    full_turn: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One address of a dialect. Any thread.

    `slots` name the numbers in the order sent: w x y z the head's quaternion, yaw pitch roll its angles, rx ry rz
    its rotation vector (rad), vx vy vz its turning rates (rad/s), reference a counter of new zeros, _ anything
    else; the last `n_optional` may be missing. `leading` arguments are sent before them and not read. A number is
    `centre` + sign × quantity / `unit`. `of_scene`: they describe the scene's turn, not the head's. `whole`
    numbers are sent as integers. With a `group` the address carries one number of several, `component` says which.
    """

    slots: tuple[Slot, ...]
    form: Form
    leading: tuple[Argument, ...] = ()
    n_optional: int = 0
    unit: float = 1.0
    centre: float = 0.0
    of_scene: bool = False
    whole: bool = False
    group: str = ""
    component: int = 0

    def values(self, numbers: Sequence[float], flipped: frozenset[str] = NO_FLIPS) -> dict[str, float]:
        """Return the quantities by name, angles in degrees; those in `flipped` with the other sign."""
        return {
            slot.name: (number - self.centre) * self.unit * (-slot.sign if slot.name in flipped else slot.sign)
            for slot, number in zip(self.slots, numbers, strict=False)
        }

    def part(self, number: float) -> dict[str, float]:
        """Return the one quantity that an address of a group carries."""
        slot = self.slots[self.component]
        return {slot.name: (number - self.centre) * self.unit * slot.sign}

    def objection(self, values: Mapping[str, float]) -> str:
        """Return why quantities, all or those that are known, cannot be what the row says, or ""."""
        for value in values.values():
            if not isfinite(value):
                return f"{abs(value)} is not a finite number"
        told = [values[name] for name in self.form.value if name in values]
        if self.form is Form.QUATERNION:
            length = sqrt(sum(part * part for part in told))
            is_unit = abs(length - 1.0) < MAX_NORM_ERROR or (len(told) < 4 and length < 1.0)
            return "" if is_unit else f"the quaternion has length {length:.3g}, it must be 1"
        if self.form is Form.ANGLES:
            widest = max(map(abs, told))
            return "" if widest <= MAX_ANGLE_DEG else f"{widest:.6g}° is beyond ±{MAX_ANGLE_DEG:.0f}°"
        if self.form is Form.VECTOR and hypot(*told) > radians(MAX_ANGLE_DEG):
            return f"a turn by {hypot(*told):.3g} rad is beyond a whole one"
        rates = [values.get(name, 0.0) for name in Form.RATES.value]
        return "" if hypot(*rates) <= MAX_RATE_RAD_S else "no head turns faster than 4000 °/s"

    def motion(self, values: Mapping[str, float]) -> Motion:
        """Return what quantities without objection say; a row of rates alone gives no quaternion."""
        quat: Quat | None = None
        norm = 1.0
        if self.form is Form.QUATERNION:
            told = (values["w"], values["x"], values["y"], values["z"])
            quat, norm = normalise(told), hypot(*told)
        elif self.form is Form.ANGLES:
            quat = quat_from_angles_deg(values.get("yaw", 0.0), values.get("pitch", 0.0), values.get("roll", 0.0))
        elif self.form is Form.VECTOR:
            quat = quat_from_rotation_vector((values["rx"], values["ry"], values["rz"]))
        if quat is not None and self.of_scene:
            quat = conjugate(quat)
        gyro = (values["vx"], values["vy"], values["vz"]) if "vx" in values else None
        reference = int(values["reference"]) if "reference" in values else None
        return Motion(quat, gyro, reference=reference, norm=norm)

    def numbers(self, quat: Quat, gyro_rad_s: Vec3 | None = None) -> list[int | float]:
        """Return what is sent for a head: as many numbers as there are slots, whatever the group."""
        turn = conjugate(quat) if self.of_scene else quat
        told = dict(zip(Form.RATES.value, gyro_rad_s or (0.0, 0.0, 0.0), strict=True))
        if self.form is Form.QUATERNION:
            told |= dict(zip(Form.QUATERNION.value, turn, strict=True))
        elif self.form is Form.ANGLES:
            told |= dict(zip(Form.ANGLES.value, angles_deg_from_quat(turn), strict=True))
        elif self.form is Form.VECTOR:
            told |= dict(zip(Form.VECTOR.value, rotation_vector_from_quat(turn), strict=True))
        return [self._number(slot, told.get(slot.name, 0.0)) for slot in self.slots]

    def at_rest(self) -> list[float]:
        """Return the numbers of a head that looks ahead."""
        return [float(number) for number in self.numbers(IDENTITY)]

    def _number(self, slot: Slot, value: float) -> int | float:
        value = slot.sign * (round(value) if self.whole else value)
        if slot.full_turn:
            value %= 360.0
        number = value / self.unit + self.centre
        return int(number) if self.whole else number


def row(
    slots: str,
    *,
    leading: tuple[Argument, ...] = (),
    n_optional: int = 0,
    unit: float = 1.0,
    centre: float = 0.0,
    of_scene: bool = False,
    whole: bool = False,
) -> Row:
    """Return a row from its slots in words, such as "yaw -pitch roll": what is sent for + left, up, right.

    A "+" behind a name is an angle from 0 to 360.
    """
    parsed = tuple(
        Slot(word.strip("-+"), -1.0 if word.startswith("-") else 1.0, word.endswith("+")) for word in slots.split()
    )
    names = {slot.name for slot in parsed}
    form = next(form for form in Form if names & set(form.value))
    return Row(parsed, form, leading, n_optional, unit, centre, of_scene, whole)


def components(addresses: str, whole_row: Row) -> dict[str, Row]:
    """Return the rows of addresses that carry one number each of what `whole_row` says."""
    return {
        address: Row(
            whole_row.slots,
            whole_row.form,
            unit=whole_row.unit,
            centre=whole_row.centre,
            of_scene=whole_row.of_scene,
            group=addresses,
            component=index,
        )
        for index, address in enumerate(addresses.split())
    }
