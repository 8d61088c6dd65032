/** A websocket to the server that comes back: after a lost connection, a restart, or a sleep. */

import { askForTicket, tokenFor } from "./tokens.js";

const VERSION = "hocket.v1";
const FIRST_RETRY = 0.5; // seconds, as all lengths here
const LAST_RETRY = 10;
const TOO_BIG = 1009;
const NOBODY = 1006;
const UNAUTHORIZED = 4401; // after a ticket: the server that gave it is not there any more, and gives another
const SHUT_OUT = 3; // attempts after which it is no accident

/**
 * @typedef {Object} LineState
 * @property {"connecting" | "open" | "lost" | "refused" | "done"} kind
 * @property {string} [code]  Of a refusal: what the server calls it.
 * @property {string} [message]  Of a refusal, and of a loss where the server gave a reason: in its words.
 */

export class Line {
  #options;
  #socket = null;
  #isAsking = false; // for a ticket
  #hasTicket = false; // this socket
  #refusal = null; // the server's reason, said before it closes
  #hasOpened = false; // this socket
  #numShut = 0; // attempts in a row that a server which is there did not let in
  #delay = FIRST_RETRY;
  #timer = 0;
  #heardAt = 0;
  #watch = 0;
  #isClosed = false;
  #comesOnline = () => this.retry();

  /**
   * @param {Object} options
   * @param {() => string} options.path  Of the address, query included; asked at every attempt.
   * @param {"produce" | "subscribe" | "admin"} options.role  Whose token is good for a ticket.
   * @param {string} options.session  That the ticket is for.
   * @param {() => void} [options.onOpen]
   * @param {(message: Object, text: string) => void} options.onMessage  A text frame, read and as it came.
   * @param {(state: LineState) => void} options.onState
   * @param {number} options.silence  Seconds without a frame after which the server counts as gone.
   */
  constructor(options) {
    this.#options = options;
    addEventListener("online", this.#comesOnline);
    this.#watch = setInterval(() => this.#checkSilence(), 1000);
    this.#open();
  }

  /** Send text or bytes; whether there was a connection to send them to. */
  send(data) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(data);
    return true;
  }

  /** Try again now, with the token that is known by now. */
  retry() {
    if (this.#isClosed || this.#socket || this.#isAsking) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  /** It worked: the next outage begins with a short wait. */
  renew() {
    this.#delay = FIRST_RETRY;
  }

  /** No more of it. */
  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    removeEventListener("online", this.#comesOnline);
    clearInterval(this.#watch);
    clearTimeout(this.#timer);
    this.#letGo();
  }

  async #open() {
    const { path, role, session, onState } = this.#options;
    onState({ kind: "connecting" });
    this.#refusal = null;
    this.#hasOpened = false;
    this.#hasTicket = false;
    const address = new URL(path(), document.baseURI); // wherever a proxy has put this server
    address.protocol = address.protocol.replace("http", "ws");
    const token = tokenFor(role);
    if (token) {
      this.#isAsking = true;
      const answer = await askForTicket(token, role, session);
      this.#isAsking = false;
      if (this.#isClosed) return;
      if (!answer.ticket) {
        this.#refusal = answer.refusal;
        this.#end(answer.refusal?.close_code ?? NOBODY, "");
        return;
      }
      address.searchParams.set("ticket", answer.ticket);
      this.#hasTicket = true;
    }
    this.#connect(address);
  }

  #connect(address) {
    const { onOpen, onState } = this.#options;
    this.#heardAt = Date.now();
    const socket = new WebSocket(address, VERSION);
    socket.onopen = () => {
      this.#heardAt = Date.now();
      this.#hasOpened = true;
      this.#numShut = 0;
      onState({ kind: "open" });
      onOpen?.();
    };
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = ({ code, reason }) => this.#end(code, reason);
    this.#socket = socket;
  }

  /** Browsers do not say why a socket did not open: a server that is there and lets no socket in refuses us. */
  async #askWhy() {
    const isThere = await fetch("healthz").then((answer) => answer.ok, () => false);
    this.#numShut = isThere ? this.#numShut + 1 : 0;
    if (this.#numShut < SHUT_OUT || this.#socket) return;
    clearTimeout(this.#timer);
    const message =
      `this server lets no page in that came from ${location.origin}: ` +
      `whoever runs it can change that with --origin ${location.origin}`;
    this.#options.onState({ kind: "refused", code: "forbidden", message });
  }

  #hear(text) {
    this.#heardAt = Date.now();
    const message = JSON.parse(text);
    if (message.type === "error" && message.fatal) this.#refusal = message;
    else this.#options.onMessage(message, text);
  }

  #end(code, reason) {
    this.#letGo();
    if (code === 1000) {
      this.#options.onState({ kind: "done" });
      this.close();
    } else if (isFinal(code) && !(code === UNAUTHORIZED && this.#hasTicket)) {
      const why = this.#refusal?.message ?? reason;
      this.#options.onState({ kind: "refused", code: this.#refusal?.code ?? reason, message: why });
    } else {
      this.#options.onState({ kind: "lost", message: this.#refusal?.message });
      const wait = this.#delay * (0.5 + Math.random() / 2); // not all pages of a server at the same time
      this.#delay = Math.min(2 * this.#delay, LAST_RETRY);
      if (this.#isClosed) return;
      this.#timer = setTimeout(() => this.retry(), wait * 1000);
      if (!this.#hasOpened && !this.#refusal) this.#askWhy();
    }
  }

  #checkSilence() {
    if (this.#socket && Date.now() - this.#heardAt > this.#options.silence * 1000) this.#end(NOBODY, "silent");
  }

  /** Leave a socket to its fate: a dead one may take minutes to close. */
  #letGo() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

/** Whether the same again would end the same way. */
function isFinal(code) {
  return code === TOO_BIG || (code >= 4400 && code < 4500);
}
