/** All that moves: drawn at the screen's rate, from poses that come 30 times a second. */

import { byId, say } from "./dom.js";
import { EnergyMap } from "./energy.js";
import { FROM_ABOVE, FROM_THE_RIGHT } from "./head.js";
import { Meters } from "./meters.js";
import { Palette } from "./palette.js";
import { anglesDeg, matrixOf, towards } from "./rotation.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";
import { plain, signed } from "./words.js";

/** Between two messages the picture glides; longer than this it rests, and costs no battery. */
const GLIDE_S = 0.035;
const AWAKE_MS = 2500;
const WORDS_EVERY_MS = 120;
const STALE_MS = 500;

export class Scene {
  #palette = new Palette();
  #meters = new Meters();
  #above = new Stage(byId("above"), FROM_ABOVE, { bars: 72, spreadDeg: 4, headSize: 0.74, words: [["FRONT", 0, -1], ["L", -1, 0], ["R", 1, 0], ["BEHIND", 0, 1]] });
  #side = new Stage(byId("side"), FROM_THE_RIGHT, { bars: 48, spreadDeg: 9, headSize: 0.7, words: [["UP", 0, -1]] });
  #strip = new Strip(byId("strip"));
  #calm = matchMedia("(prefers-reduced-motion: reduce)");
  #map = null;
  #grid = null;
  #shown = [1, 0, 0, 0];
  #target = [1, 0, 0, 0];
  #ageMs = null;
  #newestMs = -Infinity;
  #lastMs = 0;
  #wordsMs = 0;
  #running = false;

  constructor() {
    addEventListener("resize", () => this.#wake());
  }

  hello(message) {
    const grid = message.energy_grid ?? null;
    if (JSON.stringify(grid) !== JSON.stringify(this.#grid)) this.#map = null;
    this.#grid = grid;
  }

  take(pose) {
    const nowMs = performance.now();
    this.#newestMs = nowMs;
    if (pose.q) this.#target = pose.q;
    this.#ageMs = pose.age_ms ?? null;
    if (pose.levels) this.#meters.take(pose.levels, nowMs);
    if (pose.energy?.length) {
      const levelsDb = pose.energy.flat();
      if (this.#map?.shares.length !== levelsDb.length) this.#map = EnergyMap.ofLength(levelsDb.length, this.#grid);
      this.#map.update(levelsDb, nowMs);
    }
    this.#wake();
  }

  themeChanged() {
    this.#palette.read();
    this.#newestMs = Math.max(this.#newestMs, performance.now() - AWAKE_MS + 100);
    this.#wake();
  }

  #wake() {
    if (this.#running) return;
    this.#running = true;
    this.#lastMs = performance.now();
    requestAnimationFrame((nowMs) => this.#frame(nowMs));
  }

  #frame(nowMs) {
    const seconds = Math.max(0, Math.min(0.1, (nowMs - this.#lastMs) / 1000));
    this.#lastMs = nowMs;
    this.#shown = this.#calm.matches ? this.#target : towards(this.#shown, this.#target, 1 - Math.exp(-seconds / GLIDE_S));
    this.#map?.ease(seconds);
    const matrix = matrixOf(this.#shown);
    this.#above.draw(matrix, this.#map, this.#palette);
    this.#side.draw(matrix, this.#map, this.#palette);
    const angles = anglesDeg(this.#shown);
    this.#strip.draw(angles, this.#map, this.#palette);
    this.#meters.draw(nowMs, seconds);
    if (nowMs - this.#wordsMs > WORDS_EVERY_MS) {
      this.#wordsMs = nowMs;
      this.#words(angles);
    }
    this.#running = nowMs - this.#newestMs < AWAKE_MS;
    if (this.#running) requestAnimationFrame((next) => this.#frame(next));
  }

  #words(angles) {
    for (const name of ["yaw", "pitch", "roll"]) say(byId(name), `${signed(angles[name])}°`);
    const age = this.#ageMs;
    say(byId("age"), age === null ? "none" : age < STALE_MS ? `${plain(age)} ms old` : `${(age / 1000).toFixed(1)} s old`);
    document.body.classList.toggle("stale", age !== null && age >= STALE_MS);
  }
}
