/** The page put together: messages in, pictures out, and what a person wants to the renderer. */

import { showBudget } from "./budget.js";
import { Compare } from "./compare.js";
import { Controls, focusOn } from "./controls.js";
import { byId, say } from "./dom.js";
import { anotherToken, takeToken } from "./door.js";
import { showHealth, showMessages } from "./health.js";
import { listenToKeys } from "./keys.js";
import { sayLinkIsDown, sayLinkIsUp, sayBriefly } from "./notices.js";
import { Scene } from "./scene.js";
import { Link, WRONG_TOKEN } from "./socket.js";
import { followTheme } from "./theme.js";

const GAIN_STEP_DB = 1;
const SEEK_STEP_S = 10;

const link = new Link(takeToken());
const scene = new Scene();
let controls = null;
let drawn = "";
let version = null;
let state = {};

const ask = async (name, value) => {
  const why = await link.ask(name, value);
  if (why) sayBriefly(why);
  return why;
};
const compare = new Compare(ask);

/** The same controls again, as after a lost link, are left as they are; of others the one in use keeps the focus. */
function setControls(table) {
  const told = JSON.stringify(table);
  if (told === drawn) return;
  drawn = told;
  const { control } = document.activeElement?.closest("[data-control]")?.dataset ?? {};
  controls = new Controls(table, ask);
  if (control) focusOn(control);
}

const take = {
  hello(message) {
    // A renderer of another version brings its own page.
    if (version !== null && version !== message.version) location.reload();
    version = message.version;
    setControls(message.controls);
    scene.hello(message);
    say(byId("title"), message.title ?? "rt-render");
  },
  pose: (message) => scene.take(message),
  state(message) {
    state = message;
    controls?.show(message);
    compare.show(message.compare);
    showHealth(message);
    showBudget(message.budget, message.no_budget ?? undefined);
    const news = showMessages(message.messages);
    if (news) sayBriefly(news);
    const title = message.playing_title ?? "–";
    say(byId("playing-title"), title);
    say(byId("next-title"), message.next_title ? `next: ${message.next_title}` : "");
    document.title = message.playing_title ? `${title} · rt-render` : "rt-render";
  },
};

link.addEventListener("message", ({ detail }) => take[detail.type]?.(detail));
link.addEventListener("up", sayLinkIsUp);
link.addEventListener("down", async ({ detail }) => {
  if (detail.code !== WRONG_TOKEN) return sayLinkIsDown(detail);
  link.open(await anotherToken());
});
byId("retry").onclick = () => link.hurry();
addEventListener("online", () => link.hurry());

const has = (name) => name in (state.values ?? {});
const flip = (name) => has(name) && ask(name, !state.values?.[name]);
const louder = (db) => {
  const { low = -60, high = 12 } = controls?.named("gain_db") ?? {};
  if (has("gain_db")) ask("gain_db", Math.max(low, Math.min(high, (state.values?.gain_db ?? 0) + db)));
};
const seek = (seconds) => {
  if (has("position_s")) ask("position_s", Math.max(0, Math.min((state.length_s ?? Infinity) - 2, (state.position_s ?? 0) + seconds)));
};
listenToKeys([
  ["r", "r", "recentre: where you look now is straight ahead", () => has("recentre") && ask("recentre", null)],
  ["+", "+", "louder by 1 dB", () => louder(GAIN_STEP_DB)],
  ["-", "−", "softer by 1 dB", () => louder(-GAIN_STEP_DB)],
  ["m", "m", "mute, or sound again", () => flip("muted")],
  [" ", "space", "pause, or play on", () => flip("playing")],
  ["t", "t", "head tracking on or off", () => flip("tracking")],
  ["[", "[", "ten seconds back", () => seek(-SEEK_STEP_S)],
  ["]", "]", "ten seconds on", () => seek(SEEK_STEP_S)],
  ["n", "n", "the next item of a playlist", () => has("next") && ask("next", null)],
  ["p", "p", "the item before", () => has("previous") && ask("previous", null)],
  ["a", "a", "compare: the next version", () => compare.choose()],
  ["123456789", "1 … 9", "compare: the version with that number", (key) => compare.choose(Number(key) - 1)],
]);
followTheme(() => scene.themeChanged());
link.open();
