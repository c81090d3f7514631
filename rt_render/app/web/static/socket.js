/** The WebSocket to the renderer: comes back by itself, asks for controls, and hands messages on. */

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** Pose messages come 30 times a second; a link that is silent for so long is dead, whatever TCP believes. */
const SILENT_MS = 5_000;

export const WRONG_TOKEN = 4401;

export class Link extends EventTarget {
  #socket = null;
  #token;
  #waitMs = FIRST_WAIT_MS;
  #timer = 0;
  #watch = 0;
  #nextId = 1;
  #answers = new Map();
  #waiting = new Map();
  #flying = new Set();

  /** Events: `message` (detail: the object), `up`, `down` (detail: {code, reason, waitMs}). */
  constructor(token) {
    super();
    this.#token = token;
  }

  open(token = this.#token) {
    this.#leave();
    this.#token = token;
    const url = new URL("ws", document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (token) url.searchParams.set("token", token);
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#expect();
    socket.onmessage = (event) => socket === this.#socket && this.#take(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.#socket && this.#lost(event.code, event.reason);
  }

  /** Try at once, unless there is a connection. */
  hurry() {
    if (this.#socket?.readyState !== WebSocket.OPEN) this.open();
  }

  /** Set a control; resolves to null once it is done, or to the sentence that says why not. */
  ask(name, value = null) {
    // Of a slider that is dragged only the newest value matters, and one request at a time is never too many.
    if (this.#flying.has(name)) {
      this.#waiting.get(name)?.resolve(null);
      return new Promise((resolve) => this.#waiting.set(name, { value, resolve }));
    }
    if (this.#socket?.readyState !== WebSocket.OPEN) return Promise.resolve("There is no connection at the moment.");
    const id = this.#nextId++;
    this.#flying.add(name);
    this.#socket.send(JSON.stringify({ type: "set", name, value, id }));
    return new Promise((resolve) => this.#answers.set(id, { name, resolve }));
  }

  #take(message) {
    this.#expect();
    if (message.type === "hello") {
      this.#waitMs = FIRST_WAIT_MS;
      this.dispatchEvent(new Event("up"));
    }
    if (message.type === "done") this.#answer(message.id, null);
    else if (message.type === "refused") this.#answer(message.id, message.why);
    else this.dispatchEvent(new CustomEvent("message", { detail: message }));
  }

  #answer(id, why) {
    const asked = this.#answers.get(id);
    if (!asked) return;
    this.#answers.delete(id);
    this.#flying.delete(asked.name);
    asked.resolve(why);
    const next = this.#waiting.get(asked.name);
    this.#waiting.delete(asked.name);
    if (next) this.ask(asked.name, next.value).then(next.resolve);
  }

  #expect() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#lost(0, ""), SILENT_MS);
  }

  #lost(code, reason) {
    this.#leave();
    const waitMs = code === WRONG_TOKEN ? Infinity : this.#waitMs;
    this.#waitMs = Math.min(2 * this.#waitMs, LONGEST_WAIT_MS);
    if (waitMs < Infinity) this.#timer = setTimeout(() => this.open(), waitMs);
    this.dispatchEvent(new CustomEvent("down", { detail: { code, reason, waitMs } }));
  }

  #leave() {
    clearTimeout(this.#watch);
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    const unanswered = [...this.#answers.values(), ...this.#waiting.values()];
    for (const state of [this.#answers, this.#waiting, this.#flying]) state.clear();
    for (const { resolve } of unanswered) resolve("The connection was lost before this was done.");
  }
}
