/** Where the sound comes from: levels in dB on a grid of directions that is fixed in the world. */

/** A map of low order has no deeper valleys than this. */
const RANGE_DB = 16;
const SILENCE_DB = -80;
/** The loudest direction leads the scale, and the scale comes down again so slowly that a rest looks like one. */
const FALL_DB_PER_S = 6;
const EASE_S = 0.1;
const RAD = Math.PI / 180;

export class EnergyMap {
  /** Rows from the lowest elevation up, each from the front round over the left. */
  constructor(nAzimuth, elevationsDeg) {
    this.nAzimuth = nAzimuth;
    this.elevationsDeg = elevationsDeg;
    this.shares = new Float32Array(nAzimuth * elevationsDeg.length);
    this.directions = elevationsDeg.flatMap((e) =>
      Array.from({ length: nAzimuth }, (_, i) => {
        const a = (2 * Math.PI * i) / nAzimuth;
        return [Math.cos(e * RAD) * Math.cos(a), Math.cos(e * RAD) * Math.sin(a), Math.sin(e * RAD)];
      }),
    );
    this.#target = new Float32Array(this.shares.length);
  }

  #target;
  #topDb = SILENCE_DB;
  #updatedMs = 0;

  static ofLength(length, grid) {
    const nAzimuth = grid?.n_azimuth ?? 72;
    const nRows = Math.max(1, Math.round(length / nAzimuth));
    return new EnergyMap(nAzimuth, grid?.elevations_deg ?? Array.from({ length: nRows }, (_, i) => (180 * (i + 0.5)) / nRows - 90));
  }

  update(levelsDb, nowMs) {
    const loudest = levelsDb.reduce((top, level) => Math.max(top, level), SILENCE_DB);
    const fallenDb = this.#topDb - (FALL_DB_PER_S * Math.min(1000, nowMs - this.#updatedMs)) / 1000;
    this.#topDb = Math.max(loudest, fallenDb);
    this.#updatedMs = nowMs;
    const floorDb = Math.max(this.#topDb - RANGE_DB, SILENCE_DB);
    this.#target.forEach((_, i) => {
      this.#target[i] = Math.max(0, Math.min(1, (levelsDb[i] - floorDb) / RANGE_DB));
    });
  }

  ease(seconds) {
    const share = 1 - Math.exp(-seconds / EASE_S);
    for (let i = 0; i < this.shares.length; i++) this.shares[i] += share * (this.#target[i] - this.shares[i]);
  }
}

/** What of a map is seen round a circle: `angleOf(direction)` in radians, or null for what lies across the view. */
export class Ring {
  #weights;

  constructor(map, n, spreadRad, flatten) {
    this.map = map;
    this.values = new Float32Array(n);
    this.#weights = Array.from(this.values, (_, k) => {
      const found = [];
      let sum = 0;
      map.directions.forEach((direction, i) => {
        const [u, v] = flatten(direction);
        const off = Math.abs(wrapped(Math.atan2(v, u) - (2 * Math.PI * k) / n));
        const weight = off < 2.5 * spreadRad ? (u * u + v * v) * Math.exp(-((off / spreadRad) ** 2)) : 0;
        if (weight > 1e-3) {
          found.push([i, weight]);
          sum += weight;
        }
      });
      return found.map(([i, weight]) => [i, weight / sum]);
    });
  }

  /** A mean that leans to the loud: a source above the plane still shows its bearing. */
  read() {
    this.#weights.forEach((cells, k) => {
      let sum = 0;
      for (const [i, weight] of cells) sum += weight * this.map.shares[i] ** 3;
      this.values[k] = Math.cbrt(sum);
    });
    return this.values;
  }
}

const wrapped = (angle) => Math.atan2(Math.sin(angle), Math.cos(angle));
