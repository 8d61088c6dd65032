/**
 * The log is the truth: what a viewer of a session should see, folded from its events alone.
 *
 * The same as `Replay`, `Scene` and `ShownCaptions` are to programs; a test holds the two together.
 */

import { speakerColour } from "./palette.js";

/**
 * @typedef {Object} Touched  What an event changed.
 * @property {string[]} turns  Ids of turns that are new, changed or gone.
 * @property {string[]} captions  Ids of captions, likewise.
 * @property {boolean} people  Whether names or identities did, which any turn or caption may show.
 */

export class Replay {
  /** Seconds of audio heard. */
  now = 0;
  isOver = false;
  /** Why it ended, in a word or two. */
  reason = "";
  /** Of the last event. */
  seq = 0;
  /** Turns by id, as last said; removed ones are gone. */
  turns = new Map();
  /** Captions by id, as last said; those without words are gone. */
  captions = new Map();
  names = new Map();
  /** Merged id to the id it went into. */
  aliases = new Map();
  /** Stretches of audio that never arrived. */
  gaps = [];
  /** How many times a final turn was changed or removed. */
  corrected = 0;

  #seen = []; // ids, in the order in which they were first shown
  #speaking = [];
  #seconds = new Map(); // by id, as are the next two
  #numTurns = new Map();
  #places = new Map();

  /** Take one event, in order. @returns {Touched} */
  add(event) {
    this.seq = event.seq;
    this.now = Math.max(this.now, event.at);
    const turns = turnIds(event);
    for (const id of turns) this.#count(id, -1);
    const touched = { turns, captions: [], people: false, ...this.#take(event) };
    for (const id of turns) this.#count(id, +1);
    this.#seat();
    return touched;
  }

  /** Who has turns, in the order in which they were first shown; merged ids are gone. */
  get speakers() {
    const present = new Set();
    for (const [speaker, count] of this.#numTurns) if (count) present.add(this.resolve(speaker));
    return this.#seen.filter((speaker) => present.has(speaker));
  }

  /** Who speaks now, each once. */
  get speaking() {
    return [...new Set(this.#speaking.map((speaker) => this.resolve(speaker)))];
  }

  /** Speaking time of each of `speakers`; turns of one speaker that overlap, as after a merge, counted twice. */
  get seconds() {
    const totals = new Map(this.speakers.map((speaker) => [speaker, 0]));
    for (const [speaker, count] of this.#numTurns) {
      const known = this.resolve(speaker);
      if (count) totals.set(known, totals.get(known) + this.#seconds.get(speaker));
    }
    return totals;
  }

  /** The id that this one goes by now. */
  resolve(speaker) {
    let known = speaker;
    while (this.aliases.has(known)) known = this.aliases.get(known);
    return known;
  }

  /** What to call a speaker: the name where known, else the id they go by now. */
  name(speaker) {
    const known = this.resolve(speaker);
    return this.names.get(known) ?? known;
  }

  /** The colour of a speaker: the same while they have turns, and theirs alone up to twelve. */
  colour(speaker) {
    return speakerColour(this.#places.get(this.resolve(speaker)) ?? this.#places.size);
  }

  /** Every turn as it now reads, by start; merged ids under the id they went into. */
  annotation() {
    const segments = [...this.turns.values()].map(({ start, end, speaker }) => ({
      start,
      end,
      speaker: this.resolve(speaker),
    }));
    return segments.sort((a, b) => a.start - b.start || a.end - b.end || inOrder(a.speaker, b.speaker));
  }

  #take(event) {
    switch (event.type) {
      case "turn":
        this.#meet(event.speaker);
        if (event.end > event.start) this.turns.set(event.id, event);
        else this.turns.delete(event.id);
        break;
      case "revision":
        return this.#revise(event);
      case "speaker.new":
      case "speaker.update":
        return this.#identify(event);
      case "change":
        this.#speaking = event.speakers;
        break;
      case "caption":
        if (event.words.length) this.captions.set(event.id, event);
        else this.captions.delete(event.id);
        return { captions: [event.id] };
      case "gap":
        this.gaps.push(event);
        this.now = Math.max(this.now, event.end);
        break;
      case "session.end":
        this.isOver = true;
        this.reason = event.reason;
        this.#speaking = [];
        break;
    }
    return {};
  }

  #revise(event) {
    for (const turn of event.turns) {
      this.#meet(turn.speaker);
      this.turns.set(turn.id, { ...turn, state: "final" });
    }
    for (const id of event.removed) this.turns.delete(id);
    for (const [old, into] of Object.entries(event.merged)) this.aliases.set(old, into);
    this.corrected += turnIds(event).length;
    return { people: Object.keys(event.merged).length > 0 };
  }

  #identify(event) {
    if (event.type === "speaker.new") this.#meet(event.speaker);
    if (event.name !== undefined) this.names.set(event.speaker, event.name);
    if (event.merged_into !== undefined) this.aliases.set(event.speaker, event.merged_into);
    return { people: true };
  }

  #meet(speaker) {
    if (!this.#seen.includes(speaker)) this.#seen.push(speaker);
  }

  #count(id, sign) {
    const turn = this.turns.get(id);
    if (turn === undefined) return;
    const { speaker, start, end } = turn;
    this.#seconds.set(speaker, (this.#seconds.get(speaker) ?? 0) + sign * (end - start));
    this.#numTurns.set(speaker, (this.#numTurns.get(speaker) ?? 0) + sign);
  }

  /** Give everybody with turns a place; who lost all turns frees theirs for the next to come. */
  #seat() {
    const speakers = this.speakers;
    const kept = speakers.filter((speaker) => this.#places.has(speaker));
    this.#places = new Map(kept.map((speaker) => [speaker, this.#places.get(speaker)]));
    const taken = new Set(this.#places.values());
    for (const speaker of speakers) {
      if (this.#places.has(speaker)) continue;
      let place = 0;
      while (taken.has(place)) place += 1;
      taken.add(place);
      this.#places.set(speaker, place);
    }
  }
}

/** Ids of the turns that an event changes, each once. */
function turnIds(event) {
  if (event.type === "turn") return [event.id];
  if (event.type !== "revision") return [];
  return [...new Set([...event.turns.map((turn) => turn.id), ...event.removed])];
}

/** The order of two texts by their characters' numbers, as files are sorted everywhere else. */
export function inOrder(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
