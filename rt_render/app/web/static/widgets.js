/** A widget for any control, by its kind: what the renderer offers appears on the page. */

import { element, say } from "./dom.js";
import { titleOf, withUnit } from "./words.js";

/** After a person moved something, what the renderer says of the time before is not shown for so long. */
const SETTLE_MS = 600;
const FEW_CHOICES = 4;

/** A widget: `node` to show, `show(value)`; `ask(name, value)` resolves to null or the sentence of a refusal. */
export function widgetFor(control, ask, label = titleOf(control)) {
  return { action, number, switch: toggle, choice, text }[control.kind]?.(control, ask, { label }) ?? null;
}

/** Sends what a person sets, and says whether what the renderer tells may be shown. */
function asking(control, ask, node, show) {
  let told, settledMs = 0, open = 0;
  return {
    async set(value) {
      open += 1;
      node.setAttribute("aria-busy", "true");
      const why = await ask(control.name, value);
      open -= 1;
      settledMs = why ? 0 : performance.now() + SETTLE_MS;
      if (!open) node.removeAttribute("aria-busy");
      if (why && told !== undefined) show(told);
    },
    show(value) {
      told = value;
      if (!open && performance.now() > settledMs && value !== undefined && value !== null) show(value);
    },
  };
}

function action(control, ask, { label }) {
  const node = element("button", { type: "button", className: "action", textContent: label, title: control.about });
  const asked = asking(control, ask, node, () => {});
  node.onclick = () => asked.set(null);
  return { node, show: () => {} };
}

export function number(control, ask, { label = titleOf(control), words = (value) => withUnit(control, value), low, high } = {}) {
  const [from, to] = [low ?? control.low ?? 0, high ?? control.high ?? 1];
  const step = control.whole || to - from > 20 ? 1 : to - from > 2 ? 0.1 : 0.01;
  const input = element("input", { type: "range", min: from, max: to, step, title: control.about, "aria-label": label });
  const output = element("span", { className: "value", "aria-hidden": "true" });
  const node = element("label", { className: "field number" }, element("span", { className: "name", textContent: label }), output, input);
  const draw = (value) => {
    say(output, words(value));
    input.setAttribute("aria-valuetext", words(value));
    const [lowest, highest] = [Number(input.min), Number(input.max)];
    input.style.setProperty("--share", `${(100 * (value - lowest)) / Math.max(1e-9, highest - lowest)}%`);
  };
  const asked = asking(control, ask, node, (value) => {
    input.value = value;
    draw(value);
  });
  input.oninput = () => {
    draw(Number(input.value));
    asked.set(Number(input.value));
  };
  const range = (highest) => {
    input.max = highest;
    input.step = highest > 20 ? 1 : 0.1;
  };
  return { node, input, show: asked.show, range };
}

function toggle(control, ask, { label }) {
  const node = element("button", { type: "button", className: "switch", role: "switch", title: control.about, "aria-checked": "false" });
  node.append(element("span", { className: "name", textContent: label }), element("span", { className: "knob", "aria-hidden": "true" }));
  const draw = (value) => node.setAttribute("aria-checked", String(Boolean(value)));
  const asked = asking(control, ask, node, draw);
  node.onclick = () => {
    const wanted = node.getAttribute("aria-checked") !== "true";
    draw(wanted);
    asked.set(wanted);
  };
  return { node, show: asked.show };
}

function choice(control, ask, { label }) {
  const choices = [...(control.choices ?? [])];
  const short = choices.length <= FEW_CHOICES && choices.every((one) => String(one).length <= 10);
  return short ? segments(control, choices, ask, label) : selection(control, choices, ask, label);
}

function segments(control, choices, ask, label) {
  const node = element("fieldset", { className: "field segments", title: control.about });
  node.append(element("legend", { className: "name", textContent: label }));
  const row = element("div", { className: "row" });
  const draw = (value) => row.querySelectorAll("input").forEach((input) => (input.checked = input.value === String(value)));
  const asked = asking(control, ask, node, draw);
  for (const one of choices) {
    const input = element("input", { type: "radio", name: `control-${control.name}`, value: one });
    input.onchange = () => asked.set(one);
    row.append(element("label", {}, input, element("span", { textContent: one })));
  }
  node.append(row);
  return { node, show: asked.show };
}

function selection(control, choices, ask, label) {
  const select = element("select", { title: control.about, "aria-label": label });
  const node = element("label", { className: "field" }, element("span", { className: "name", textContent: label }), select);
  choices.forEach((one, i) => select.append(element("option", { value: i, textContent: one })));
  const asked = asking(control, ask, node, (value) => (select.selectedIndex = choices.findIndex((one) => String(one) === String(value))));
  select.onchange = () => asked.set(choices[select.selectedIndex]);
  return { node, show: asked.show };
}

/** The items of a playlist by their titles, which may change; the control counts from 1. */
export function playlist(control, ask) {
  const select = element("select", { title: control.about, "aria-label": "Playlist" });
  const node = element("label", { className: "field" }, element("span", { className: "name", textContent: "Playlist" }), select);
  const asked = asking(control, ask, node, (value) => (select.selectedIndex = value - 1));
  select.onchange = () => asked.set(select.selectedIndex + 1);
  let drawn = "";
  const items = (titles) => {
    if (drawn === titles.join("\n")) return;
    drawn = titles.join("\n");
    select.replaceChildren(...titles.map((title, i) => element("option", { textContent: `${i + 1}. ${title}` })));
  };
  return { node, show: asked.show, items };
}

function text(control, ask, { label }) {
  const input = element("input", { type: "text", title: control.about, maxLength: 200, spellcheck: false });
  const node = element("label", { className: "field" }, element("span", { className: "name", textContent: label }), input);
  const asked = asking(control, ask, node, (value) => document.activeElement !== input && (input.value = value));
  input.onchange = () => asked.set(input.value);
  return { node, show: asked.show };
}
