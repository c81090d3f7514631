/** How tracker, blocks and card do: a row each, with a shape beside each colour. */

import { byId, element, say } from "./dom.js";
import { clock, sinceWords } from "./words.js";

const TRACKER = {
  live: ["good", "tracking"],
  fusing: ["good", "tracking"],
  none: ["off", "no tracker"],
  waiting: ["waiting", "waiting for the tracker"],
  holding: ["bad", "tracker silent"],
  easing: ["bad", "tracker silent"],
  front: ["bad", "tracker silent"],
  ended: ["bad", "tracker ended"],
};

/** What is longer ago is history: it is counted and told, but no reason to look now. */
const RECENT_S = 600;
const isRecent = (agoS) => typeof agoS === "number" && agoS < RECENT_S;

export function showHealth(state) {
  const { tracker, block, card } = state;
  const [health, short] = TRACKER[tracker?.state] ?? (tracker ? ["waiting", tracker.state ?? "tracker"] : ["off", "no tracker"]);
  const off = state.tracking === false;
  byId("tracker-pill").dataset.health = off ? "off" : health;
  const rate = health === "good" && tracker.rate_hz ? ` · ${Math.round(tracker.rate_hz)}/s` : "";
  say(byId("tracker-short"), off ? "tracking off" : `${short}${rate}`);
  byId("tracker-pill").title = tracker?.text ?? "";

  row("tracker", off ? "off" : health, "Tracker", tracker?.text ?? "none", battery(tracker));
  if (block) {
    const counts = `${block.late ?? 0} late · ${block.missed ?? 0} missed · ${block.underruns ?? 0} underruns`;
    const times = block.budget_us ? `99.9 % below ${Math.round(block.p999_us)} µs of ${Math.round(block.budget_us)}` : "";
    row("blocks", isRecent(block.disturbed_s) ? "waiting" : "good", "Blocks", counts, times);
  }
  if (card) {
    const { order } = state;
    const rendered = order && (order.rendered < order.highest ? `order ${order.rendered} of ${order.highest}` : `order ${order.highest}`);
    row("card", card.lost ? "bad" : "good", "Sound", card.text ?? "", [rendered, state.head].filter(Boolean).join(" · "));
  }
  const last = state.glitches?.at(-1);
  row("glitch", isRecent(last?.age_s) ? "waiting" : "good", "Last glitch", last ? `${last.text ?? last.kind}, at ${clock(last.time_s)}` : "none", last?.cause ?? "");
  const inBooth = "visit" in state;
  byId("visit-pill").hidden = !inBooth;
  if (inBooth) showVisit(state);
}

/** Who is there; only a booth counts visits. */
function showVisit({ visit, resting }) {
  const words = visit ? `visit ${visit.number} · ${sinceWords(visit.since_s)}` : resting ? "resting" : "nobody yet";
  say(byId("visit-pill"), words);
  row("visit", visit ? "good" : "off", "Booth", words, resting && !visit ? "it goes on as the headphones are taken" : "");
}

/** Show the last few sentences of the renderer, the newest first; returns the newest where that is news. */
export function showMessages(messages = []) {
  byId("messages-card").hidden = !messages.length;
  const list = byId("messages");
  const { drawn } = list.dataset;
  const text = messages.join("\n");
  if (drawn === text) return null;
  list.dataset.drawn = text;
  list.replaceChildren(...messages.toReversed().map((message) => element("li", { textContent: message })));
  return drawn === undefined ? null : (messages.at(-1) ?? null);
}

function battery(tracker) {
  const share = tracker?.battery ?? tracker?.health?.battery;
  return share === null || share === undefined ? "" : `battery ${Math.round(100 * share)} %`;
}

/** Rows are made once and then only change their words. */
function row(id, health, name, text, more) {
  const known = byId(`health-${id}`);
  const made = known ?? element("div", { id: `health-${id}` }, element("dt", {}, element("span", { className: "shape", "aria-hidden": "true" }), name), element("dd", {}, element("span"), element("small")));
  if (!known) byId("health").append(made);
  made.dataset.health = health;
  const [words, small] = made.lastChild.children;
  say(words, text);
  say(small, more);
}
