/** Sound energy all around as a strip with the front in the middle, and a visor where the head looks. */

import { Surface } from "./surface.js";

export class Strip {
  #surface;
  #picture = document.createElement("canvas");

  constructor(canvas) {
    this.#surface = new Surface(canvas);
  }

  draw({ yaw, pitch, roll }, map, palette) {
    const { context, width, height } = this.#surface.begin();
    if (map) this.#energy(context, width, height, map, palette);
    context.fillStyle = palette.line;
    for (const share of [0.25, 0.5, 0.75]) context.fillRect(Math.round(share * width), 0, 1, height);
    const [lowest, highest] = map ? edgesDeg(map.elevationsDeg) : [-90, 90];
    const share = Math.max(0, Math.min(1, (highest - pitch) / (highest - lowest)));
    const x = width * (0.5 - yaw / 360);
    for (const turn of [-width, 0, width]) visor(context, x + turn, height * share, roll, Math.min(26, 0.24 * height), palette);
  }

  /** One pixel a direction, stretched: the browser's own smoothing makes the gradient. */
  #energy(context, width, height, map, palette) {
    const { nAzimuth: n, shares } = map;
    const rows = map.elevationsDeg.length;
    // One more column at each side, so that the seam behind the head is smooth too.
    Object.assign(this.#picture, { width: n + 2, height: rows });
    const pixels = new ImageData(n + 2, rows);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < n + 2; column++) {
        const azimuth = (n / 2 - column + 1 + 2 * n) % n | 0;
        const share = shares[(rows - 1 - row) * n + azimuth];
        const [r, g, b] = palette.ramp[Math.round(share * (palette.ramp.length - 1))];
        pixels.data.set([r, g, b, 255], 4 * (row * (n + 2) + column));
      }
    }
    this.#picture.getContext("2d").putImageData(pixels, 0, 0);
    const column = width / n;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#picture, -1.5 * column, 0, width + 2 * column, height);
  }
}

/** The strip ends where the map's outer rows end. */
function edgesDeg(elevationsDeg) {
  const [lowest, highest] = [elevationsDeg[0], elevationsDeg.at(-1)];
  const half = elevationsDeg.length > 1 ? (highest - lowest) / (elevationsDeg.length - 1) / 2 : 90;
  return [Math.max(-90, lowest - half), Math.min(90, highest + half)];
}

function visor(context, x, y, rollDeg, size, palette) {
  context.save();
  context.translate(x, y);
  context.rotate((rollDeg * Math.PI) / 180);
  for (const [colour, width] of [[palette.surface, 5], [palette.text, 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.roundRect(-1.5 * size, -0.62 * size, 3 * size, 1.24 * size, 0.5 * size);
    context.moveTo(-0.22 * size, 0);
    context.lineTo(0.22 * size, 0);
    context.moveTo(0, -0.22 * size);
    context.lineTo(0, 0.22 * size);
    context.moveTo(0, -0.62 * size);
    context.lineTo(0, -0.95 * size);
    context.stroke();
  }
  context.restore();
}
