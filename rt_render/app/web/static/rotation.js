/** Rotations: unit quaternions [w, x, y, z] and matrices as rows, world from head; x front, y left, z up. */

const DEG = 180 / Math.PI;

export function matrixOf([w, x, y, z]) {
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ];
}

/** Yaw + left, pitch + up, roll + right ear down, in degrees. */
export function anglesDeg(q) {
  const m = matrixOf(q);
  return {
    yaw: DEG * Math.atan2(m[1][0], m[0][0]),
    pitch: DEG * Math.asin(Math.max(-1, Math.min(1, m[2][0]))),
    roll: DEG * Math.atan2(m[2][1], m[2][2]),
  };
}

/** Go a share of the way from one rotation to another. */
export function towards(from, to, share) {
  const sign = from.reduce((sum, v, i) => sum + v * to[i], 0) < 0 ? -1 : 1;
  const mixed = from.map((v, i) => v + share * (sign * to[i] - v));
  const norm = Math.hypot(...mixed);
  return norm > 1e-6 ? mixed.map((v) => v / norm) : to;
}

export const times = (matrix, [x, y, z]) => matrix.map((row) => row[0] * x + row[1] * y + row[2] * z);
