/** Where each control stands: a few have a place of their own, all others gather under "Sound and tracking". */

import { byId, element, icon, say } from "./dom.js";
import { number, playlist, widgetFor } from "./widgets.js";
import { clock, titleOf } from "./words.js";

const COMPARED = /^compare_/;
/** Shown by the cards themselves. */
const ELSEWHERE = new Set(["compare"]);
const PLACES = ["buttons", "volume", "recentre", "position", "settings-controls", "compare-controls"];

/** Give the focus to a control, or to the first that can have it within. */
export function focusOn(name) {
  const node = document.querySelector(`[data-control="${CSS.escape(name)}"]`);
  (node?.matches("button") ? node : node?.querySelector("input, select, button"))?.focus();
}

export class Controls {
  #ask;
  #named;
  #shown = new Map();
  #hasSetup;
  #position = null;
  #playlist = null;

  constructor(controls, ask) {
    this.#ask = ask;
    this.#named = new Map(controls.map((control) => [control.name, control]));
    this.#hasSetup = controls.some((control) => control.setup);
    for (const place of PLACES) byId(place).replaceChildren();
    this.#transport();
    const item = this.named("item");
    if (item) {
      this.#playlist = playlist(item, ask);
      this.#place("item", "settings-controls", this.#playlist);
    }
    for (const control of controls) this.#anywhere(control);
  }

  named(name) {
    return this.#named.get(name);
  }

  /** What a session does not have, such as a playlist, has no value and is hidden; what is closed is seen, but dead. */
  show(state) {
    const values = state.values ?? {};
    const closed = new Set(state.closed?.filter((name) => this.#shown.has(name)));
    this.#playlist?.items(state.items ?? []);
    for (const [name, { node, show }] of this.#shown) {
      node.hidden = !(name in values);
      node.inert = closed.has(name);
      if (!node.hidden) show(values[name]);
    }
    byId("settings-closed").hidden = !closed.size;
    say(byId("settings-title"), this.#hasSetup ? "Sound and tracking" : "What plays");
    byId("settings").hidden = ![...byId("settings-controls").children].some((node) => !node.hidden);
    if (this.#position) this.#showPosition(state);
  }

  #showPosition({ length_s: lengthS, position_s: positionS, lap }) {
    const known = lengthS > 0;
    this.#position.node.hidden ||= !known; // nothing can be sought in what has no end
    if (known) {
      this.#position.range(lengthS);
      this.#position.show(positionS);
    }
    say(byId("length"), known ? clock(lengthS) : `${clock(positionS)} played, without end`);
    byId("lap").hidden = !lap;
    say(byId("lap"), lap ? `lap ${lap}` : "");
  }

  #transport() {
    this.#button("previous", "buttons", "Previous");
    this.#toggle("playing", "buttons", ["Play", "play"], ["Pause", "pause"]);
    this.#button("next", "buttons", "Next");
    this.#toggle("muted", "volume", ["Mute", "loud"], ["Sound again", "muted"]);
    const volume = this.named("gain_db");
    if (volume) this.#place("gain_db", "volume", number(volume, this.#ask, { label: "Volume" }));
    this.#button("recentre", "recentre", "Recentre", true);
    const position = this.named("position_s");
    if (!position) return;
    this.#position = number(position, this.#ask, { label: "Position", words: clock, low: 0 });
    this.#place("position_s", "position", { node: this.#position.node, show: () => {} });
    byId("position").append(element("span", { id: "lap", hidden: true }), element("span", { id: "length" }));
  }

  #anywhere(control) {
    if (this.#shown.has(control.name) || ELSEWHERE.has(control.name)) return;
    const compared = COMPARED.test(control.name);
    const label = titleOf(compared ? { name: control.name.replace(COMPARED, "") } : control);
    const widget = widgetFor(control, this.#ask, label);
    if (widget) this.#place(control.name, compared ? "compare-controls" : "settings-controls", widget);
  }

  #place(name, place, widget) {
    this.#shown.set(name, widget);
    widget.node.dataset.control = name;
    byId(place).append(widget.node);
  }

  #button(name, place, label, withText = false) {
    const control = this.named(name);
    if (!control) return;
    const node = element("button", { type: "button", id: `do-${name}`, title: control.about }, icon(name));
    if (withText) node.append(element("span", { textContent: label }));
    else node.setAttribute("aria-label", label);
    node.onclick = () => this.#ask(name, null);
    this.#place(name, place, { node, show: () => {} });
  }

  #toggle(name, place, off, on) {
    const control = this.named(name);
    if (!control) return;
    const node = element("button", { type: "button", id: `do-${name}`, title: control.about });
    let now = null;
    const show = (value) => {
      if (value === now) return;
      now = value;
      const [label, picture] = value ? on : off;
      node.setAttribute("aria-label", label);
      node.replaceChildren(icon(picture));
    };
    show(false);
    node.onclick = async () => {
      const wanted = !now;
      show(wanted);
      if (await this.#ask(name, wanted)) show(!wanted);
    };
    this.#place(name, place, { node, show });
  }
}
