/** The picture of a session: a lane a speaker over the stretch of time in view, and all of it in small below. */

import { clock, spoken } from "./times.js";

const AXIS = 24; // pixels below the lanes, as all lengths here that are not seconds
const BAR = 0.5; // of a lane's height
const RADIUS = 5;
const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];
const TICK_WIDTH = 74;
const LEAST_SECONDS = 30; // shown while a session is shorter
const LEAD = 0.015; // of the view, right of the newest instant
const KEYS = 10; // strokes of an arrow key that move the view by all that it shows
const FLASH_SECONDS = 2.4;
const EASE_SECONDS = 0.25; // in which the picture follows the newest event
const JUMP_SECONDS = 8; // further than this it does not follow, it jumps

export class Lanes {
  /** Where a player is, in seconds; null for none. */
  playhead = null;
  #replay;
  #picture;
  #overview;
  #place;
  #range = 120; // seconds in view, null for all
  #centre = null; // of the view, while it does not follow the newest
  #now = 0; // the newest instant, as far as the picture has followed
  #flashes = new Map(); // ids of turns that were corrected, and when
  #frame = 0;
  #drawnAt = 0;
  #describedAt = -Infinity;
  #colours = colours();
  #boxes = []; // [turn, box] of the turns in view
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  /**
   * @param {import("./replay.js").Replay} replay
   * @param {{picture: HTMLCanvasElement, overview: HTMLCanvasElement, place: HTMLInputElement}} elements
   * @param {(turn: Object) => void} onTurn  Somebody points at a turn; the list of turns is there for keyboards.
   */
  constructor(replay, { picture, overview, place }, onTurn) {
    this.#replay = replay;
    this.#picture = picture;
    this.#overview = overview;
    this.#place = place;
    place.addEventListener("input", () => this.#go(Number(place.value)));
    picture.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    picture.addEventListener("click", (event) => {
      const turn = this.#turnAt(event);
      if (turn) onTurn(turn);
    });
    picture.addEventListener("mousemove", (event) => {
      const turn = this.#turnAt(event);
      picture.style.cursor = turn ? "pointer" : "";
      picture.title = turn ? `${replay.name(turn.speaker)}, ${clock(turn.start)} to ${clock(turn.end)}` : "";
    });
    const observer = new ResizeObserver(() => this.update());
    observer.observe(picture);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#colours = colours();
      this.update();
    });
  }

  /** How many seconds are in view; null for all of the session. */
  set range(seconds) {
    this.#range = seconds;
    this.#centre = null;
    this.update();
  }

  /** Draw soon: something changed. */
  update() {
    this.#frame ||= requestAnimationFrame((time) => this.#draw(time / 1000));
  }

  /** Show for a moment which turns were corrected. */
  flash(ids) {
    for (const id of ids) this.#flashes.set(id, performance.now() / 1000);
    this.update();
  }

  /** Bring an instant into view. */
  show(seconds) {
    const { start, end } = this.#view();
    if (seconds < start || seconds > end) this.#go(seconds);
  }

  /** The stretch of time in view, in seconds. */
  #view() {
    const lead = LEAD * Math.min(this.#range ?? this.#now, this.#now);
    const total = Math.max(this.#now + lead, LEAST_SECONDS);
    if (this.#range === null || this.#range >= total) return { start: 0, end: total };
    const last = total - this.#range;
    const start = this.#centre === null ? last : Math.min(last, Math.max(0, this.#centre - this.#range / 2));
    return { start, end: start + this.#range };
  }

  #go(seconds) {
    const isNewest = this.#range === null || seconds + this.#range / 2 >= this.#replay.now - 0.5;
    this.#centre = isNewest ? null : seconds;
    this.update();
  }

  #wheel(event) {
    const sideways = event.deltaX || (event.shiftKey ? event.deltaY : 0);
    if (!sideways || this.#range === null) return;
    event.preventDefault();
    const { start } = this.#view();
    this.#go(start + this.#range / 2 + (sideways / this.#picture.clientWidth) * this.#range);
  }

  #turnAt({ offsetX, offsetY }) {
    const found = this.#boxes.find(([, [x, y, width, height]]) => {
      return offsetX >= x && offsetX <= x + width && offsetY >= y && offsetY <= y + height;
    });
    return found?.[0];
  }

  #draw(time) {
    this.#frame = 0;
    this.#follow(Math.min(0.1, time - this.#drawnAt));
    this.#drawnAt = time;
    const rows = new Map(this.#replay.speakers.map((speaker, row) => [speaker, row]));
    const turns = [...this.#replay.turns.values()].filter((turn) => rows.has(this.#replay.resolve(turn.speaker)));
    this.#drawPicture(rows, turns, time);
    this.#drawOverview(rows, turns);
    this.#describe(time);
    for (const [id, since] of this.#flashes) if (time - since > FLASH_SECONDS) this.#flashes.delete(id);
    if (this.#flashes.size || this.#now !== this.#replay.now) this.update();
  }

  /** Come nearer to the newest event, which arrives in steps. */
  #follow(elapsed) {
    const behind = this.#replay.now - this.#now;
    const jumps = this.#still.matches || Math.abs(behind) > JUMP_SECONDS || Math.abs(behind) < 0.005;
    this.#now += jumps ? behind : behind * (1 - Math.exp(-elapsed / EASE_SECONDS));
  }

  #drawPicture(rows, turns, time) {
    const lane = Number.parseFloat(getComputedStyle(this.#picture).getPropertyValue("--lane"));
    const height = Math.max(1, rows.size) * lane;
    this.#picture.style.height = `${height + AXIS}px`;
    const [brush, width] = fitted(this.#picture, height + AXIS);
    const view = this.#view();
    const x = (seconds) => ((seconds - view.start) / (view.end - view.start)) * width;
    const { ink, muted, line, red } = this.#colours;

    this.#drawAxis(brush, view, x, width, height);
    brush.fillStyle = line;
    for (let row = 0; row <= rows.size; row += 1) brush.fillRect(0, Math.round(row * lane), width, 1);
    for (const gap of this.#replay.gaps) hatch(brush, x(gap.start), 0, x(gap.end) - x(gap.start), height, muted);
    this.#boxes = [];
    for (const turn of turns) {
      const end = Math.min(turn.end, this.#now); // of the newest, the picture comes to show more and more
      if (end < view.start || turn.start > Math.min(view.end, this.#now)) continue;
      const speaker = this.#replay.resolve(turn.speaker);
      const y = (rows.get(speaker) + (1 - BAR) / 2) * lane;
      const box = [x(turn.start), y, Math.max(2, x(end) - x(turn.start)), lane * BAR];
      this.#boxes.push([turn, box]);
      bar(brush, box, this.#replay.colour(speaker), turn.state === "final");
      const since = this.#flashes.get(turn.id);
      if (since !== undefined) halo(brush, box, ink, 1 - (time - since) / FLASH_SECONDS);
    }
    if (!this.#replay.isOver) mark(brush, x(this.#now), height, red);
    if (this.playhead !== null) mark(brush, x(this.playhead), height, ink);
  }

  #drawAxis(brush, view, x, width, height) {
    const { muted, line } = this.#colours;
    const seconds = view.end - view.start;
    const step = TICKS.find((tick) => (tick / seconds) * width >= TICK_WIDTH) ?? TICKS.at(-1);
    brush.font = "12px system-ui, sans-serif";
    brush.textBaseline = "middle";
    for (let tick = Math.ceil(view.start / step) * step; tick <= view.end; tick += step) {
      const at = Math.round(x(tick));
      brush.fillStyle = line;
      brush.fillRect(at, 0, 1, height + 5);
      brush.fillStyle = muted;
      brush.textAlign = at < 16 ? "left" : at > width - 24 ? "right" : "center";
      brush.fillText(clock(tick), at, height + AXIS / 2 + 3);
    }
  }

  #drawOverview(rows, turns) {
    const total = Math.max(this.#now, 1);
    this.#overview.parentElement.hidden = this.#range === null || total <= this.#range;
    if (this.#overview.parentElement.hidden) return;
    const [brush, width, height] = fitted(this.#overview);
    const { hover, card, edge } = this.#colours;
    const x = (seconds) => (seconds / total) * width;
    brush.fillStyle = hover;
    brush.fillRect(0, 0, width, height);
    const view = this.#view();
    const window = [x(view.start), 0, Math.min(width, x(view.end)) - x(view.start), height];
    brush.fillStyle = card;
    brush.fillRect(...window);
    const lane = (height - 8) / rows.size;
    for (const turn of turns) {
      const speaker = this.#replay.resolve(turn.speaker);
      brush.fillStyle = this.#replay.colour(speaker);
      const left = x(turn.start);
      brush.fillRect(left, 4 + rows.get(speaker) * lane, Math.max(1, x(turn.end) - left), Math.max(1, lane - 1));
    }
    brush.strokeStyle = edge;
    brush.lineWidth = 2;
    brush.strokeRect(window[0] + 1, 1, window[2] - 2, height - 2);
    this.#place.max = total;
    this.#place.step = this.#range / KEYS;
    this.#place.value = (view.start + view.end) / 2;
    this.#place.setAttribute("aria-valuetext", `${clock(view.start)} to ${clock(Math.min(total, view.end))}`);
  }

  /** The picture in words, now and then: nobody wants to hear it twice a second. */
  #describe(time) {
    if (time - this.#describedAt < 5) return;
    this.#describedAt = time;
    const parts = [...this.#replay.seconds].map(([who, seconds]) => `${this.#replay.name(who)} ${spoken(seconds)}`);
    this.#picture.setAttribute("aria-label", `Timeline. ${parts.join(", ") || "Nobody has spoken yet"}.`);
  }
}

/** A canvas's brush, after its pixels were made those of the screen; with its width and height. */
function fitted(canvas, height = canvas.clientHeight) {
  const width = canvas.clientWidth;
  const scale = devicePixelRatio;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const brush = canvas.getContext("2d");
  brush.setTransform(scale, 0, 0, scale, 0, 0);
  brush.clearRect(0, 0, width, height);
  return [brush, width, height];
}

function bar(brush, [x, y, width, height], fill, isFinal) {
  brush.fillStyle = brush.strokeStyle = fill;
  brush.beginPath();
  if (isFinal) {
    brush.roundRect(x, y, width, height, RADIUS);
    brush.fill();
    return;
  }
  brush.roundRect(x + 0.75, y + 0.75, Math.max(0.5, width - 1.5), height - 1.5, RADIUS);
  brush.globalAlpha = 0.28;
  brush.fill();
  brush.globalAlpha = 1;
  brush.lineWidth = 1.5;
  brush.stroke();
}

function halo(brush, [x, y, width, height], ink, strength) {
  brush.globalAlpha = Math.max(0, strength);
  brush.strokeStyle = ink;
  brush.lineWidth = 2;
  brush.beginPath();
  brush.roundRect(x - 3, y - 3, width + 6, height + 6, RADIUS + 3);
  brush.stroke();
  brush.globalAlpha = 1;
}

function hatch(brush, x, y, width, height, ink) {
  brush.save();
  brush.beginPath();
  brush.rect(x, y, width, height);
  brush.clip();
  brush.strokeStyle = ink;
  brush.globalAlpha = 0.5;
  brush.lineWidth = 1;
  brush.beginPath();
  for (let at = x - height; at < x + width; at += 7) {
    brush.moveTo(at, y + height);
    brush.lineTo(at + height, y);
  }
  brush.stroke();
  brush.restore();
}

function mark(brush, x, height, ink) {
  brush.fillStyle = ink;
  brush.fillRect(Math.round(x) - 1, 0, 2, height);
}

/** The page's colours as a canvas takes them: for light or for dark, whichever it is now. */
function colours() {
  const probe = document.body.appendChild(document.createElement("span"));
  const names = ["ink", "muted", "line", "red", "hover", "card", "edge"];
  const found = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(found);
}
