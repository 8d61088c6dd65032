/** What was said, or at least who spoke: a line a caption, or a line a turn while there are no words. */

import { clock, spoken } from "./times.js";

const FRESH = 2400; // milliseconds for which a corrected line stands out
const SLACK = 0.5; // seconds after a turn's start in which its first words may begin
const NEAR = 48; // pixels from the end of the list within which it follows the newest line

export class Transcript {
  #replay;
  #elements;
  #on;
  #lines = new Map(); // id -> the line's element
  #order = []; // {id, start} of the lines, as they stand
  #hasWords = false;
  #follows = true; // the newest line, until somebody scrolls back
  #top = 0; // where the list stood when it last moved

  /**
   * @param {import("./replay.js").Replay} replay
   * @param {Object<string, HTMLElement>} elements
   *   lines, the list; scroll, what it scrolls in; title; empty, shown until there are lines; follow, a button.
   * @param {{person: (speaker: string, line: Object) => void, time: (seconds: number) => void}} on
   *   What to do when somebody presses a name, or a time.
   */
  constructor(replay, elements, on) {
    this.#replay = replay;
    this.#elements = elements;
    this.#on = on;
    elements.follow.onclick = () => this.#goToEnd();
    elements.scroll.onscroll = () => this.#scrolled();
    new ResizeObserver(() => this.#follows && this.#goToEnd()).observe(elements.lines);
  }

  /**
   * Show what events changed.
   * @param {{turns: Set<string>, captions: Set<string>, corrected: Set<string>, people: boolean}} changed
   *   Ids of turns and of captions, and those of turns that were corrected.
   */
  update(changed) {
    const hasWords = this.#replay.captions.size > 0;
    if (hasWords !== this.#hasWords) {
      this.#begin(hasWords);
    } else {
      for (const id of hasWords ? changed.captions : changed.turns) this.#show(id, changed.corrected.has(id));
    }
    if (changed.people) for (const [id, line] of this.#lines) this.#name(line, this.#spoken.get(id));
    this.#join();
    this.#elements.empty.hidden = this.#lines.size > 0;
    if (this.#follows) this.#goToEnd();
  }

  /** Bring the line of a turn into view, or that of the captions which begin with it. */
  show(turn) {
    const place = this.#order.findLastIndex(({ start }) => start <= turn.start + SLACK);
    const line = this.#lines.get(this.#hasWords ? this.#order[place]?.id : turn.id);
    if (!line) return;
    line.scrollIntoView({ block: "center" });
    pointOut(line);
  }

  get #spoken() {
    return this.#hasWords ? this.#replay.captions : this.#replay.turns;
  }

  /** Start over: with captions once there are words, with turns until then. */
  #begin(hasWords) {
    this.#hasWords = hasWords;
    this.#elements.title.textContent = hasWords ? "What is said" : "Turns";
    this.#elements.lines.replaceChildren();
    this.#lines.clear();
    this.#order = [];
    for (const id of this.#spoken.keys()) this.#show(id, false);
  }

  #show(id, isCorrection) {
    const said = this.#spoken.get(id);
    const old = this.#lines.has(id) ? this.#order.findLastIndex((each) => each.id === id) : -1;
    if (!said) {
      if (old >= 0) this.#remove(id, old);
      return;
    }
    let line = this.#lines.get(id);
    const wasFinal = this.#hasWords && line?.dataset.state === "final"; // a caption that comes again was corrected
    if (!line) this.#lines.set(id, (line = this.#newLine(id)));
    if (old < 0 || this.#order[old].start !== said.start) this.#put(id, said.start, line, old);
    this.#fill(line, said);
    if (isCorrection || wasFinal) pointOut(line);
  }

  #remove(id, at) {
    this.#order.splice(at, 1);
    this.#lines.get(id).remove();
    this.#lines.delete(id);
  }

  #put(id, start, line, old) {
    if (old >= 0) this.#order.splice(old, 1);
    const at = this.#order.findLastIndex((each) => each.start <= start) + 1;
    const next = this.#order[at];
    this.#order.splice(at, 0, { id, start });
    this.#elements.lines.insertBefore(line, next ? this.#lines.get(next.id) : null);
  }

  #newLine(id) {
    const line = document.createElement("li");
    line.className = this.#hasWords ? "line caption" : "line turn";
    const [time, who] = [document.createElement("button"), document.createElement("button")];
    time.type = who.type = "button";
    time.className = "at";
    time.onclick = () => this.#on.time(this.#spoken.get(id).start);
    who.className = "who";
    who.ariaHasPopup = "dialog";
    who.onclick = () => this.#on.person(this.#spoken.get(id).speaker, this.#spoken.get(id));
    const stretch = document.createElement("time");
    stretch.append(time);
    line.append(stretch, who, this.#hasWords ? element("span", "text") : lengthOf());
    return line;
  }

  #fill(line, said) {
    line.dataset.state = said.state;
    line.querySelector(".at").textContent = clock(said.start);
    line.querySelector(".at").ariaLabel = `Go to ${spoken(said.start)}`;
    this.#name(line, said);
    if (this.#hasWords) {
      line.querySelector(".text").textContent = said.text;
      return;
    }
    const seconds = said.end - said.start;
    const bar = line.querySelector(".bar");
    bar.dataset.state = said.state;
    bar.style.setProperty("--length", seconds.toFixed(2));
    line.querySelector(".seconds").textContent = `${seconds.toFixed(1)} s`;
  }

  #name(line, said) {
    const who = line.querySelector(".who");
    who.disabled = said.speaker === undefined;
    const name = said.speaker === undefined ? "?" : this.#replay.name(said.speaker);
    if (who.textContent !== name) who.textContent = name;
    line.dataset.speaker = said.speaker === undefined ? "" : this.#replay.resolve(said.speaker);
    line.style.setProperty("--colour", said.speaker === undefined ? null : this.#replay.colour(said.speaker));
  }

  /** Say a name once where somebody goes on. */
  #join() {
    let before = null;
    for (const { id } of this.#order) {
      const line = this.#lines.get(id);
      line.classList.toggle("same", line.dataset.speaker === before);
      before = line.dataset.speaker;
    }
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#elements.scroll;
    if (scrollHeight - scrollTop - clientHeight < NEAR) this.#follows = true;
    else if (scrollTop < this.#top) this.#follows = false;
    this.#top = scrollTop;
    this.#elements.follow.hidden = this.#follows;
  }

  #goToEnd() {
    this.#follows = this.#elements.follow.hidden = true;
    this.#elements.scroll.scrollTop = this.#elements.scroll.scrollHeight;
  }
}

function lengthOf() {
  const length = element("span", "length");
  length.append(element("span", "bar"), element("span", "seconds"));
  return length;
}

function element(tag, className) {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}

/** Let a line stand out for a moment, again where it already did. */
function pointOut(line) {
  line.classList.remove("fresh");
  void line.offsetWidth; // or the animation would not start over
  line.classList.add("fresh");
  clearTimeout(fading.get(line));
  fading.set(line, setTimeout(() => line.classList.remove("fresh"), FRESH));
}

const fading = new WeakMap();
