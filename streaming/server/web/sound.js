/** The sound that this page sends: a microphone or a recording, a tape of it, and its way to the server. */

import { Answers } from "./controls.js";
import { Microphone } from "./microphone.js";
import { Producer } from "./producer.js";
import { decode } from "./recording.js";
import { Tape } from "./tape.js";
import { clock } from "./times.js";

const KEPT = 120; // seconds of a microphone's sound, while the server is away

/**
 * A session that this page speaks into: first sound goes to it, then, once that has stopped, it stays open for
 * names and corrections until somebody ends it.
 */
export class Sound {
  /** Whether sound still goes, or is still to go, to the server. */
  isGoing = true;
  /** Whether the session is still this page's to end. */
  isOpen = true;
  #elements;
  #on;
  #tape;
  #producer;
  #answers = new Answers();
  #microphone = null;
  #file = null; // an address of the recording, for the player

  /**
   * Listen to the microphone, and begin a session with it.
   * @param {Object<string, HTMLElement>} elements
   * @param {Object} on  See the constructor.
   * @throws {import("./microphone.js").NoMicrophone}
   */
  static async fromMicrophone(elements, on) {
    let sound = null;
    const microphone = await Microphone.open({
      block: (samples, peak) => sound?.hear(samples, peak),
      lost: (why) => sound?.stop(why),
    });
    sound = new Sound(elements, new Tape(microphone.rate, KEPT), on);
    sound.#microphone = microphone;
    elements.level.hidden = false;
    elements["dock-text"].textContent = "The microphone is on.";
    return sound;
  }

  /**
   * Decode a recording, and begin a session with it.
   * @throws {Error} For a file without sound that the browser can play.
   */
  static async fromFile(file, elements, on) {
    const { rate, samples } = await decode(file);
    const tape = new Tape(rate);
    tape.push(samples);
    tape.close();
    const sound = new Sound(elements, tape, on);
    sound.#file = URL.createObjectURL(file);
    elements.player.src = sound.#file;
    elements.player.hidden = elements.progress.hidden = false;
    elements.player.ontimeupdate = () => on.position(elements.player.currentTime);
    return sound;
  }

  /**
   * @param {Object<string, HTMLElement>} elements
   * @param {Tape} tape
   * @param {Object} on
   * @param {string} on.session
   * @param {Object} on.options  Of the diarizer, as in `start`.
   * @param {(token: string) => void} on.started  The server takes the sound, and again after each outage.
   * @param {(state: Object) => void} on.refused  It does not, and why.
   * @param {(why: string | undefined) => void} on.lost  It is not there, or cannot now.
   * @param {(seconds: number) => void} on.position  The player is there.
   * @param {string | null} on.token  Of a session that goes on, to which the sound is added.
   */
  constructor(elements, tape, on) {
    this.#elements = elements;
    this.#tape = tape;
    this.#on = on;
    const heed = {
      state: (state) => this.#follow(state),
      answer: (message) => this.#take(message),
      heard: () => this.#beHeard(),
    };
    this.#producer = new Producer(on.session, tape, on.options, heed, on.token);
    elements.stop.onclick = () => this.stop();
    elements.finish.onclick = () => this.finish();
    elements.stop.hidden = false;
    elements.finish.hidden = elements.dock.hidden = true;
  }

  /** Take in a tenth of a second of the microphone. */
  hear(samples, peak) {
    if (this.#tape.isOver) return;
    this.#elements.level.value = Math.sqrt(peak); // so that quiet speech shows
    this.#tape.push(samples);
    this.#producer.pump();
  }

  /** No more sound; the session stays open. */
  stop(why = "Hearing the rest …") {
    this.#microphone?.close();
    this.#elements["dock-text"].textContent = why;
    this.#elements.level.hidden = this.#elements.stop.hidden = true;
    if (this.#file) {
      this.#producer.cut();
    } else {
      this.#tape.close();
      this.#producer.pump();
    }
  }

  /** End the session. */
  finish() {
    this.#elements.finish.disabled = true;
    this.#producer.end();
  }

  /** The session has ended, or is no longer this page's. */
  close() {
    this.isGoing = this.isOpen = false;
    this.#microphone?.close();
    this.#producer.close();
    const { level, progress, stop, finish, dock } = this.#elements;
    level.hidden = progress.hidden = stop.hidden = finish.hidden = true;
    finish.disabled = false;
    this.#elements["dock-text"].textContent = "Your recording";
    dock.hidden = this.#file === null;
  }

  /** Send a control; see `Answers`. */
  tell(control) {
    return this.#answers.ask(control, (message) => this.#producer.tell(message));
  }

  /** Play the recording from there, where there is one. */
  play(seconds) {
    if (!this.#file) return;
    this.#elements.player.currentTime = seconds;
    this.#elements.player.play();
  }

  retry() {
    this.#producer.retry();
  }

  #follow(state) {
    if (state.kind === "lost") this.#on.lost(state.message);
    if (state.kind !== "refused") return;
    if (state.code !== "unauthorized") this.close();
    this.#on.refused({ ...state, role: "produce" });
  }

  #take(message) {
    if (message.type === "started") {
      this.#elements.dock.hidden = false;
      this.#on.started(message.token);
    } else if (message.type === "received" && this.#file) {
      const { end, rate } = this.#tape;
      this.#elements.progress.value = message.sample / end;
      this.#elements["dock-text"].textContent = `Heard ${clock(message.sample / rate)} of ${clock(end / rate)}`;
    }
    this.#answers.take(message);
  }

  #beHeard() {
    this.isGoing = false;
    this.#elements.stop.hidden = this.#elements.progress.hidden = true;
    this.#elements.finish.hidden = false;
    this.#elements["dock-text"].textContent = "All heard. Name who spoke, then finish.";
    if (document.activeElement === document.body) this.#elements.finish.focus(); // it was on what is hidden now
  }
}
