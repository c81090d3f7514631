/** The head in a ring of sound energy, from one side: the ring is the world's, the head turns in it. */

import { Ring } from "./energy.js";
import { drawHead } from "./head.js";
import { Surface } from "./surface.js";

const INNER = 0.66;
const REACH = 0.3;

export class Stage {
  #surface;
  #view;
  #ring = null;
  #options;

  /** `view`: rows right, up, towards the viewer; `bars` round the ring, each gathering `spreadDeg`. */
  constructor(canvas, view, options) {
    this.#surface = new Surface(canvas);
    this.#view = view;
    this.#options = options;
  }

  draw(matrix, map, palette) {
    const { context, width, height } = this.#surface.begin();
    const radius = Math.min(width, height) / 2 - 2;
    if (radius <= 10) return;
    context.translate(width / 2, height / 2);
    this.#dial(context, radius, palette);
    if (map) this.#bars(context, radius, map, palette);
    this.#look(context, radius, matrix, palette);
    drawHead(context, 0, 0, this.#options.headSize * radius, matrix, this.#view, palette);
  }

  #dial(context, radius, palette) {
    context.strokeStyle = context.fillStyle = palette.line;
    context.lineWidth = 1;
    circle(context, INNER * radius);
    context.stroke();
    for (let i = 0; i < 24; i++) {
      const [x, y] = [Math.cos((i * Math.PI) / 12), Math.sin((i * Math.PI) / 12)];
      const from = i % 6 ? (i % 2 ? 0.635 : 0.625) : 0.6;
      context.beginPath();
      context.moveTo(from * radius * x, from * radius * y);
      context.lineTo(0.645 * radius * x, 0.645 * radius * y);
      context.stroke();
    }
    context.fillStyle = palette.dim;
    context.font = `600 ${Math.max(10, 0.036 * radius)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const [text, x, y] of this.#options.words) context.fillText(text, x * 0.545 * radius, y * 0.545 * radius);
  }

  #bars(context, radius, map, palette) {
    if (this.#ring?.map !== map) {
      const [right, up] = this.#view;
      const along = (row, d) => row[0] * d[0] + row[1] * d[1] + row[2] * d[2];
      const spread = (this.#options.spreadDeg * Math.PI) / 180;
      this.#ring = new Ring(map, this.#options.bars, spread, (d) => [along(right, d), along(up, d)]);
    }
    const values = this.#ring.read();
    const step = (2 * Math.PI) / values.length;
    const from = (INNER + 0.02) * radius;
    context.lineCap = "round";
    this.#halo(context, radius, values, palette);
    context.lineWidth = Math.max(1.5, 0.55 * step * from);
    values.forEach((share, i) => {
      const [x, y] = [Math.cos(i * step), -Math.sin(i * step)];
      const to = from + REACH * radius * share;
      context.strokeStyle = palette.energy(share);
      context.beginPath();
      context.moveTo(from * x, from * y);
      context.lineTo(to * x, to * y);
      context.stroke();
    });
  }

  #halo(context, radius, values, palette) {
    const step = (2 * Math.PI) / values.length;
    for (let i = 0; i < values.length; i++) {
      if (values[i] < 0.45) continue;
      const [x, y] = [radius * 0.76 * Math.cos(i * step), -radius * 0.76 * Math.sin(i * step)];
      const glow = context.createRadialGradient(x, y, 0, x, y, 0.22 * radius);
      const [r, g, b] = palette.ramp[Math.round(values[i] * 63)];
      glow.addColorStop(0, `rgb(${r} ${g} ${b} / ${0.07 * (values[i] - 0.45)})`);
      glow.addColorStop(1, `rgb(${r} ${g} ${b} / 0)`);
      context.fillStyle = glow;
      context.fillRect(x - 0.22 * radius, y - 0.22 * radius, 0.44 * radius, 0.44 * radius);
    }
  }

  /** A beam where the nose points, as far as that lies in the view. */
  #look(context, radius, matrix, palette) {
    const ahead = [matrix[0][0], matrix[1][0], matrix[2][0]];
    const [u, v] = this.#view.slice(0, 2).map((row) => row[0] * ahead[0] + row[1] * ahead[1] + row[2] * ahead[2]);
    const length = Math.hypot(u, v);
    if (length < 0.05) return;
    const angle = Math.atan2(-v, u);
    const reach = INNER * radius * 0.985;
    const beam = context.createRadialGradient(0, 0, 0.2 * radius, 0, 0, reach);
    const [r, g, b] = palette.look.split(" ");
    beam.addColorStop(0, `rgb(${r} ${g} ${b} / 0)`);
    beam.addColorStop(1, `rgb(${r} ${g} ${b} / ${0.3 * length})`);
    context.fillStyle = beam;
    context.beginPath();
    context.moveTo(0, 0);
    context.arc(0, 0, reach, angle - 0.3, angle + 0.3);
    context.fill();
    context.strokeStyle = `rgb(${r} ${g} ${b} / ${0.3 + 0.7 * length})`;
    context.lineWidth = Math.max(2, 0.011 * radius);
    context.beginPath();
    context.arc(0, 0, reach, angle - 0.3, angle + 0.3);
    context.stroke();
  }
}

function circle(context, radius) {
  context.beginPath();
  context.arc(0, 0, radius, 0, 2 * Math.PI);
}
