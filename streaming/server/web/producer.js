/** Audio to a session: whatever the network does, every sample of the tape there once. */

import { Line } from "./line.js";

const AHEAD = 10; // seconds of audio that may be on their way; the server says what it has
const FRAME = 0.25; // seconds of audio in a frame
const SILENCE = 60; // seconds without an answer
const ASK_EVERY = 20; // seconds at most, so that both ends know of each other where there is no sound
const ALIVE = "alive"; // the id of the question whether the server is there
const ALL = "all"; // and of that whether everything is heard

export class Producer {
  #line;
  #token; // resumes the session, once it is known
  #follows; // the tape begins where the session is, wherever that is
  #tape;
  #options;
  #on;
  #position = 0; // of the next sample to be sent
  #received = 0; // samples that the server has
  #isStarted = false; // on this connection, as is the next
  #hasAskedForAll = false;
  #isEnding = false;
  #asking = 0;

  /**
   * @param {string} session
   * @param {import("./tape.js").Tape} tape
   * @param {Object} options  Of the diarizer, as in `start`.
   * @param {Object} on
   * @param {(state: import("./line.js").LineState) => void} on.state
   * @param {(message: Object) => void} on.answer  Whatever the server says.
   * @param {() => void} on.heard  The tape has ended, and all of it is heard; the session goes on.
   * @param {string | null} token  Of a session that goes on, to which the tape is added.
   */
  constructor(session, tape, options, on, token = null) {
    this.#token = token;
    this.#follows = token !== null;
    this.#tape = tape;
    this.#options = options;
    this.#on = on;
    this.#line = new Line({
      path: () => `v1/sessions/${encodeURIComponent(session)}/audio`,
      role: "produce",
      session,
      silence: SILENCE,
      onOpen: () => this.#start(),
      onMessage: (message) => this.#hear(message),
      onState: (state) => this.#follow(state),
    });
  }

  /** Send what the tape has and the server has room for; to be called when the tape has grown or ended. */
  pump() {
    if (!this.#isStarted || this.#isEnding) return;
    const tape = this.#tape;
    if (this.#position < tape.first) {
      this.tell({ type: "gap", samples: tape.first - this.#position, reason: "not sent in time" });
      this.#position = tape.first;
    }
    const window = this.#received + AHEAD * tape.rate;
    while (this.#position < Math.min(window, tape.end)) {
      const samples = tape.read(this.#position, Math.round(FRAME * tape.rate));
      this.#line.send(samples);
      this.#position += samples.length;
    }
    const isAll = tape.isOver && this.#position >= tape.end;
    if (isAll && !this.#hasAskedForAll) this.#hasAskedForAll = this.tell({ type: "finalize", id: ALL });
  }

  /** No more than what was sent already. */
  cut() {
    this.#tape.close(this.#position);
    this.pump();
  }

  /** End the session. */
  end() {
    this.#isEnding = true;
    this.tell({ type: "stop" });
  }

  /** Send a message, such as `name` or `merge`; whether there was anybody to send it to. */
  tell(message) {
    return this.#isStarted && this.#line.send(JSON.stringify(message));
  }

  /** Try again now. */
  retry() {
    this.#line.retry();
  }

  close() {
    clearInterval(this.#asking);
    this.#line.close();
  }

  #start() {
    const start = { type: "start", sample_rate: this.#tape.rate, options: this.#options };
    if (this.#token) start.resume = { token: this.#token, sample: this.#follows ? 0 : this.#tape.first };
    this.#line.send(JSON.stringify(start));
  }

  #hear(message) {
    if (message.type === "started") {
      this.#token = message.token;
      if (this.#follows) this.#tape.shift(message.sample);
      this.#follows = false;
      this.#received = this.#position = message.sample;
      this.#isStarted = true;
      this.#hasAskedForAll = false;
      this.#line.renew();
      this.#askNowAndThen(Math.min(ASK_EVERY, message.idle_seconds / 3));
      if (this.#isEnding) this.end();
    } else if (message.type === "received") {
      this.#received = message.sample;
      this.#tape.forget(message.sample);
    }
    this.#on.answer(message);
    if (message.type === "finalized" && message.id === ALL) this.#on.heard();
    this.pump();
  }

  #askNowAndThen(seconds) {
    clearInterval(this.#asking);
    this.#asking = setInterval(() => this.tell({ type: "finalize", id: ALIVE }), seconds * 1000);
  }

  #follow(state) {
    this.#isStarted = false;
    const hasEnded = state.kind === "refused" && state.code === "no_session" && this.#isEnding;
    if (hasEnded || state.kind === "done") this.close();
    this.#on.state(hasEnded ? { kind: "done" } : state);
  }
}
