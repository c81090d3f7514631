/** Colours for the canvases, read from the style sheet so that light and dark are told in one place. */

const STEPS = 64;

export class Palette {
  #band;

  constructor() {
    this.read();
  }

  read() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    for (const name of ["line", "text", "dim", "surface", "left", "right", "look"]) this[name] = colour(name);
    this.skin = [colour("skin-light"), colour("skin-dark")];
    this.shell = [colour("shell-light"), colour("shell-dark")];
    this.#band = Array.from({ length: 33 }, (_, i) => css(between([...this.shell].reverse().map(channels), i / 32)));
    const stops = [0, 1, 2, 3, 4].map((i) => channels(colour(`energy-${i}`)));
    this.ramp = Array.from({ length: STEPS }, (_, i) => between(stops, i / (STEPS - 1)));
    this.rampCss = this.ramp.map(css);
  }

  /** Light and dark of a part of the headphones. */
  tones(part) {
    return part === "shell" ? this.shell : [this[part], this.shell[1]];
  }

  band(share) {
    return this.#band[Math.round(32 * Math.min(1, share))];
  }

  energy(share) {
    return this.rampCss[Math.round(share * (STEPS - 1))];
  }
}

const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;

function channels(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

function between(stops, share) {
  const at = share * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  return stops[i].map((v, k) => Math.round(v + (at - i) * (stops[i + 1][k] - v)));
}
