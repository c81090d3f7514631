/** A head with headphones made of ellipsoids: whatever the view, each is seen as an exact ellipse. */

import { times } from "./rotation.js";

/** Centre and radii in units of head lengths, x front, y left, z up. */
const PARTS = [
  { at: [-0.13, 0, -0.6], size: [0.21, 0.21, 0.36], of: "skin" },
  { at: [-0.05, 0, 0.1], size: [0.48, 0.385, 0.45], of: "skin" },
  { at: [0.13, 0, -0.12], size: [0.35, 0.31, 0.38], of: "skin" },
  { at: [0.22, 0, -0.4], size: [0.22, 0.19, 0.17], of: "skin" },
  { at: [0.44, 0, -0.06], size: [0.09, 0.05, 0.14], of: "skin" },
  { at: [0.5, 0, -0.15], size: [0.085, 0.06, 0.065], of: "skin" },
  { at: [-0.02, 0.42, -0.03], size: [0.22, 0.09, 0.26], of: "shell" },
  { at: [-0.02, -0.42, -0.03], size: [0.22, 0.09, 0.26], of: "shell" },
  { at: [-0.02, 0.49, -0.03], size: [0.165, 0.05, 0.2], of: "left" },
  { at: [-0.02, -0.49, -0.03], size: [0.165, 0.05, 0.2], of: "right" },
  ...Array.from({ length: 121 }, (_, i) => {
    const angle = ((i - 60) / 60) * 1.5;
    const normal = [0, Math.sin(angle), Math.cos(angle)];
    return { at: [-0.02, 0.47 * normal[1], 0.03 + 0.57 * normal[2]], size: [0.085, 0.03, 0.03], of: "band", normal };
  }),
];
const LIGHT = [-0.42, 0.5, 0.76];

/** Which world axes go right, up and towards the viewer, as rows. */
export const FROM_ABOVE = [[0, -1, 0], [1, 0, 0], [0, 0, 1]];
export const FROM_THE_RIGHT = [[1, 0, 0], [0, 0, 1], [0, -1, 0]];

/** Draw the head at (x, y), `length` pixels long; `matrix` is world from head. */
export function drawHead(context, x, y, length, matrix, view, palette) {
  const seen = view.map((row) => [0, 1, 2].map((k) => row[0] * matrix[0][k] + row[1] * matrix[1][k] + row[2] * matrix[2][k]));
  const parts = PARTS.map((part) => ({ part, centre: times(seen, part.at) })).sort((a, b) => a.centre[2] - b.centre[2]);
  // One light over all of the skin lets its ellipsoids grow together.
  const skin = shading(context, x - 0.2 * length, y - 0.28 * length, 1.25 * length, palette.skin);
  for (const { part, centre } of parts) {
    const [u, v] = [x + length * centre[0], y - length * centre[1]];
    const shape = outline(seen, part.size, length);
    if (part.of === "skin") context.fillStyle = skin;
    else if (part.of === "band") context.fillStyle = palette.band(facing(times(seen, part.normal)));
    else context.fillStyle = shading(context, u - 0.35 * shape.b, v - 0.4 * shape.b, 1.3 * shape.a, palette.tones(part.of));
    context.beginPath();
    context.ellipse(u, v, shape.a, shape.b, shape.turn, 0, 2 * Math.PI);
    context.fill();
  }
}

/** The ellipse as which an ellipsoid is seen: half axes in pixels, and the turn of the first on the screen. */
function outline(seen, size, length) {
  const dot = (a, b) => a.reduce((sum, v, k) => sum + v * b[k] * size[k] ** 2, 0);
  const [uu, uv, vv] = [dot(seen[0], seen[0]), dot(seen[0], seen[1]), dot(seen[1], seen[1])];
  const mean = (uu + vv) / 2;
  const spread = Math.hypot((uu - vv) / 2, uv);
  return { a: length * Math.sqrt(mean + spread), b: length * Math.sqrt(Math.max(1e-6, mean - spread)), turn: -Math.atan2(2 * uv, uu - vv) / 2 };
}

function shading(context, x, y, radius, [light, dark]) {
  const shade = context.createRadialGradient(x, y, 0, x, y, radius);
  shade.addColorStop(0, light);
  shade.addColorStop(1, dark);
  return shade;
}

/** How brightly a surface with a normal is lit, 0..1. */
const facing = (normal) => Math.max(0, normal.reduce((sum, v, k) => sum + v * LIGHT[k], 0));
