/** One session on the page: its events in, everything that shows them brought up to date. */

import { Announcer } from "./announcer.js";
import { download, formatRttm, formatVtt } from "./downloads.js";
import { Lanes } from "./lanes.js";
import { People } from "./people.js";
import { Replay } from "./replay.js";
import { clock, counted } from "./times.js";
import { Transcript } from "./transcript.js";

export class Stage {
  replay = new Replay();
  #session;
  #elements;
  #log = []; // events as they came, one a line
  #load = null; // of the last heartbeat
  #lanes;
  #people;
  #transcript;
  #announcer;
  #frame = 0;
  #counted = 0; // corrections that are shown
  #changed = { turns: new Set(), captions: new Set(), corrected: new Set(), people: false }; // and not shown yet

  /**
   * @param {string} session
   * @param {Object<string, HTMLElement>} elements  By their ids.
   * @param {(control: Object) => Promise<void>} tell  Sends a control to the session.
   * @param {(seconds: number) => void} play  Plays the recording from there, where there is one.
   */
  constructor(session, elements, tell, play) {
    this.#session = session;
    this.#elements = elements;
    const { picture, overview, place, lines, scroll, follow, empty } = elements;
    this.#lanes = new Lanes(this.replay, { picture, overview, place }, (turn) => {
      this.#transcript.show(turn);
      play(turn.start);
    });
    this.#people = new People(this.replay, elements, tell);
    this.#transcript = new Transcript(
      this.replay,
      { lines, scroll, follow, empty, title: elements["transcript-title"] },
      {
        person: (speaker, said) => this.#people.open(speaker, said),
        time: (seconds) => {
          this.#lanes.show(seconds);
          play(seconds);
        },
      },
    );
    this.#announcer = new Announcer(elements.said);
    for (const choice of document.querySelectorAll("[name=range]")) {
      choice.onchange = () => (this.#lanes.range = choice.value === "all" ? null : Number(choice.value));
    }
    const usual = document.querySelector(`[name=range][value="${innerWidth < 640 ? 30 : 120}"]`);
    usual.checked = true;
    usual.onchange();
  }

  /** Take an event: as an object, and as the text that it came as. */
  take(event, text) {
    const before = this.replay.speakers.length;
    const touched = this.replay.add(event);
    this.#log.push(text);
    for (const id of touched.turns) this.#changed.turns.add(id);
    for (const id of touched.captions) this.#changed.captions.add(id);
    this.#changed.people ||= touched.people;
    if (event.type === "revision") for (const id of touched.turns) this.#changed.corrected.add(id);
    if (this.replay.speakers.length > before) this.#announcer.say(`New speaker ${this.replay.name(event.speaker)}.`);
    if (event.type === "status") this.#load = event;
    if (event.type === "session.end") this.#announcer.say("The session has ended.");
    this.#showSoon();
  }

  /** Take what the server says of its load. */
  heartbeat(load) {
    this.#load = load;
    this.#showSoon();
  }

  /** Show where a player is; null for nowhere. */
  set playhead(seconds) {
    this.#lanes.playhead = seconds;
    if (seconds !== null) this.#lanes.show(seconds);
    this.#lanes.update();
  }

  /** Offer the session as a file: "rttm", "vtt" or "jsonl". */
  download(format) {
    const [type, text] = {
      rttm: () => ["text/plain", formatRttm(this.#session, this.replay)],
      vtt: () => ["text/vtt", formatVtt(this.replay)],
      jsonl: () => ["application/jsonl", this.#log.map((line) => `${line}\n`).join("")],
    }[format]();
    download(`${this.#session}.${format}`, type, text);
  }

  /** All at once, however many events came: a file is heard many times faster than it is spoken. */
  #showSoon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#show(this.#changed);
      this.#changed = { turns: new Set(), captions: new Set(), corrected: new Set(), people: false };
    });
  }

  #show(changed) {
    this.#transcript.update(changed);
    this.#people.update();
    this.#lanes.flash(changed.corrected);
    this.#showFigures();
  }

  #showFigures() {
    const { now, speakers, corrected, gaps } = this.replay;
    const parts = [clock(now), counted(speakers.length, "speaker")];
    const figures = this.#elements.figures;
    const corrections = document.createElement("span");
    corrections.textContent = counted(corrected, "correction");
    if (corrected > this.#counted) {
      corrections.className = "fresh";
      this.#announcer.say(`${counted(corrected - this.#counted, "correction")}.`);
    }
    this.#counted = corrected;
    const rest = this.#load && !this.replay.isOver ? ` · ${this.#load.lag.toFixed(1)} s behind` : "";
    figures.replaceChildren(`${parts.join(" · ")} · `, corrections, rest);
    this.#elements["gap-legend"].hidden = gaps.length === 0;
  }
}
