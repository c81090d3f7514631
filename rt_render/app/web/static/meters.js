/** Level at both ears: a bar for the RMS, a mark that holds the peak. */

import { byId, element, say } from "./dom.js";
import { plain } from "./words.js";

const FLOOR_DB = -60;
const HOLD_MS = 1200;
const FALL_DB_PER_S = 24;
const EARS = ["left", "right"];
const share = (db) => Math.max(0, Math.min(1, 1 - db / FLOOR_DB));

export class Meters {
  #ears;

  constructor() {
    this.#ears = EARS.map((ear) => {
      const bar = element("span", { className: `bar ${ear}` });
      const mark = element("span", { className: "mark" });
      const text = element("span", { className: "db", textContent: "–" });
      const track = element("div", { className: "track", role: "meter", "aria-label": `${ear} ear, dB`, "aria-valuemin": FLOOR_DB, "aria-valuemax": 0, "aria-valuenow": FLOOR_DB }, bar, mark);
      const letter = element("span", { className: `ear ${ear}`, "aria-hidden": "true", textContent: ear[0].toUpperCase() });
      byId("meters").append(letter, track, text);
      return { bar, mark, text, track, rmsDb: FLOOR_DB, peakDb: FLOOR_DB, heldMs: 0, saidMs: 0 };
    });
    const scale = [-48, -36, -24, -12, -6, 0].map((db) => {
      const tick = element("span", { textContent: plain(db) });
      tick.style.left = `${100 * share(db)}%`;
      return tick;
    });
    byId("meters").append(element("div", { className: "scale", "aria-hidden": "true" }, ...scale));
  }

  /** Blind there is one level for both ears: what each gets would tell which version follows the head. */
  take(levels, nowMs) {
    say(byId("ears-title"), levels.rms_db?.length === 1 ? "Ears, their mean while blind" : "Ears");
    this.#ears.forEach((ear, i) => {
      const of = (told) => Math.max(FLOOR_DB, told?.[i] ?? told?.[0] ?? FLOOR_DB);
      ear.rmsDb = of(levels.rms_db);
      const peakDb = of(levels.peak_db);
      if (peakDb >= ear.peakDb) Object.assign(ear, { peakDb, heldMs: nowMs + HOLD_MS });
    });
  }

  draw(nowMs, seconds) {
    for (const ear of this.#ears) {
      if (nowMs > ear.heldMs) ear.peakDb = Math.max(ear.rmsDb, ear.peakDb - FALL_DB_PER_S * seconds);
      ear.bar.style.transform = `scaleX(${share(ear.rmsDb)})`;
      ear.mark.style.left = `${100 * share(ear.peakDb)}%`;
      ear.mark.classList.toggle("hot", ear.peakDb > -1);
      if (nowMs - ear.saidMs < 250) continue;
      ear.saidMs = nowMs;
      say(ear.text, ear.peakDb <= FLOOR_DB ? "silent" : plain(ear.peakDb));
      ear.track.setAttribute("aria-valuenow", Math.round(ear.rmsDb));
    }
  }
}
