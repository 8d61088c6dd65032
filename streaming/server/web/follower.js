/** A session's events, each once and in order, from the first one on and through lost connections. */

import { Line } from "./line.js";

const SILENCE = 16; // seconds; the server says something every five

export class Follower {
  #line;
  #seq = 0;

  /**
   * @param {string} session
   * @param {Object} on
   * @param {(event: Object, text: string) => void} on.event  An event, read and as it came.
   * @param {(load: {lag: number, rtf: number}) => void} on.heartbeat
   * @param {(state: import("./line.js").LineState) => void} on.state
   */
  constructor(session, on) {
    this.#line = new Line({
      path: () => `v1/sessions/${encodeURIComponent(session)}/events?from=${this.#seq + 1}`,
      role: "subscribe",
      session,
      silence: SILENCE,
      onState: on.state,
      onMessage: (message, text) => {
        this.#line.renew();
        if (message.type === "heartbeat") {
          on.heartbeat(message);
        } else if (message.seq === this.#seq + 1) {
          this.#seq = message.seq;
          on.event(message, text);
        }
      },
    });
  }

  /** Try again now. */
  retry() {
    this.#line.retry();
  }

  close() {
    this.#line.close();
  }
}
