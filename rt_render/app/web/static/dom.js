/** Small helpers to build elements; text is always text, never markup. */

export const byId = (id) => document.getElementById(id);

/** An element with properties (those with a dash are attributes) and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  play: "M7 4.5v15l13-7.5z",
  pause: "M6 4.5h4.5v15H6zm7.5 0H18v15h-4.5z",
  next: "M5 5v14l10-7zm11 0h3v14h-3z",
  previous: "M19 5v14L9 12zM5 5h3v14H5z",
  recentre: "M12 1l2.8 4.3H9.2zM12 6.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zm0 2.2a5.3 5.3 0 1 1 0 10.6 5.3 5.3 0 0 1 0-10.6zm0 2.9a2.4 2.4 0 1 0 0 4.8 2.4 2.4 0 0 0 0-4.8z",
  loud: "M3 9v6h4l5 4.5v-15L7 9zm11-1.5v9a5 5 0 0 0 0-9zm0-4v2.2a7 7 0 0 1 0 12.6v2.2a9 9 0 0 0 0-17z",
  muted: "M3 9v6h4l5 4.5v-15L7 9zm11.4 0L13 10.4l1.6 1.6L13 13.6l1.4 1.4 1.6-1.6 1.6 1.6 1.4-1.4-1.6-1.6 1.6-1.6L17.6 9 16 10.6z",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Show text, but leave the page alone where nothing changed: screen readers and selections stay calm. */
export function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}
