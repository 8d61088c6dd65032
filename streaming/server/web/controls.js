/** What a session is told besides audio: who somebody is, that two are one. Each is answered. */

import { Line } from "./line.js";

const PATIENCE = 15; // seconds for an answer, which comes when what was sent before is heard

/** Controls that wait for their answers, by the id that both carry. */
export class Answers {
  #waiting = new Map();
  #mark = crypto.getRandomValues(new Uint32Array(1))[0].toString(36); // by which ids are this page's alone
  #number = 0;

  /**
   * Send a control and wait for what came of it.
   * @param {Object} control  A message of the protocol.
   * @param {(message: Object) => boolean} send  Whether there was anybody to send it to.
   * @throws {Error} With the server's reason, or that there was none.
   */
  ask(control, send) {
    const id = `page-${this.#mark}-${(this.#number += 1)}`;
    return new Promise((resolve, reject) => {
      const giveUp = (why) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        reject(new Error(why));
      };
      const timer = setTimeout(() => giveUp("The server has not answered yet."), PATIENCE * 1000);
      this.#waiting.set(id, {
        done: () => {
          clearTimeout(timer);
          resolve();
        },
        giveUp,
      });
      if (!send({ ...control, id })) giveUp("The server is not there: try again in a moment.");
    });
  }

  /** Take a message of the server, which may be an answer. */
  take(message) {
    const asked = this.#waiting.get(message.id);
    if (!asked) return;
    this.#waiting.delete(message.id);
    if (message.type === "error") asked.giveUp(sentence(message.message));
    else asked.done();
  }
}

/** A line for controls alone, for pages that send no sound. */
export class Admin {
  #line;
  #answers = new Answers();
  #opened;

  /**
   * @param {string} session
   * @param {(state: import("./line.js").LineState) => void} onState
   */
  constructor(session, onState) {
    this.#opened = new Promise((resolve) => {
      this.#line = new Line({
        path: () => `v1/sessions/${encodeURIComponent(session)}/admin`,
        role: "admin",
        session,
        silence: Infinity, // it has nothing to say of its own
        onOpen: resolve,
        onMessage: (message) => this.#answers.take(message),
        onState,
      });
    });
  }

  /** Send a control and wait for what came of it; see `Answers`. */
  async tell(control) {
    await this.#opened;
    return this.#answers.ask(control, (message) => this.#line.send(JSON.stringify(message)));
  }

  retry() {
    this.#line.retry();
  }

  close() {
    this.#line.close();
  }
}

/** A message of the server, which begins small and ends without a stop, for people. */
export function sentence(message) {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? "" : "."}`;
}
