/** Numbers and names as people read them. */

const MINUS = "−";

/** What rounds to nothing has no minus. */
const minus = (value, text) => (value < 0 && Number(text) ? MINUS : "");

export function plain(value, digits = 0) {
  const text = Math.abs(value).toFixed(digits);
  return minus(value, text) + text;
}

export function signed(value, digits = 0) {
  const text = Math.abs(value).toFixed(digits);
  return (minus(value, text) || "+") + text;
}

/** Seconds as 1:02 or 1:02:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds ?? 0));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value) => String(value).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export function sinceWords(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

const UNITS = ["db", "deg", "ms", "s", "hz"];
const UNIT_SIGNS = { db: "dB", deg: "°", ms: "ms", s: "s", hz: "Hz" };

/** A control's name for people: `panorama_width_deg` is "Panorama width". */
export function titleOf(control) {
  const words = control.name.split("_");
  if (words.length > 1 && UNITS.includes(words.at(-1))) words.pop();
  const text = words.join(" ");
  return text[0].toUpperCase() + text.slice(1);
}

export function unitOf(control) {
  return UNIT_SIGNS[control.unit?.toLowerCase()] ?? control.unit ?? "";
}

export const withUnit = (control, value) => {
  const unit = unitOf(control);
  const digits = Number.isInteger(value) ? 0 : 1;
  return `${unit === "dB" ? signed(value, digits) : plain(value, digits)}${unit && unit !== "°" ? " " : ""}${unit}`;
};
