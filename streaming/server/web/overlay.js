/**
 * What a broadcast lays over its picture: who speaks, and their words where there are some.
 *
 * `/overlay?session=NAME`, and in the query: `size` of the type in pixels, `lines` of captions or of turns,
 * `position` top or bottom, `align` left, center or right. A token goes behind the `#`, as `#token=…`.
 */

import { sentence } from "./controls.js";
import { Follower } from "./follower.js";
import { Replay } from "./replay.js";
import { takeTokenFromAddress } from "./tokens.js";

const STALE = 8; // seconds after which what nobody adds to goes away
const PATIENCE = 3; // seconds of an outage that need not be mentioned

const query = new URLSearchParams(location.search);
const session = query.get("session");
const numLines = number("lines", 2, 1, 12);
const shown = document.getElementById("shown");
const notice = document.getElementById("notice");
const replay = new Replay();
let changedAt = Date.now();
let outage = 0;
let frame = 0;

document.documentElement.style.setProperty("--size", `${number("size", 40, 8, 400)}px`);
document.body.dataset.position = query.get("position") ?? "bottom";
document.body.dataset.align = query.get("align") ?? "left";
takeTokenFromAddress();

if (session) {
  new Follower(session, { event: take, heartbeat: () => {}, state: showState });
  setInterval(draw, 1000);
} else {
  say("Which session? Say so in the address: /overlay?session=NAME");
}

function take(event) {
  const touched = replay.add(event);
  if (touched.turns.length || touched.captions.length || event.type === "change") changedAt = Date.now();
  frame ||= requestAnimationFrame(draw);
}

function draw() {
  frame = 0;
  const isStale = Date.now() - changedAt > STALE * 1000 || replay.isOver;
  const hasWords = replay.captions.size > 0;
  const lines = hasWords ? latest(replay.captions).map(captionLine) : latestSpeakers().map(speakerLine);
  const next = shown.cloneNode();
  next.className = hasWords ? "captions" : "speakers";
  next.append(...(isStale ? [] : lines));
  if (next.isEqualNode(shown)) return; // or screen readers would say it again
  shown.className = next.className;
  shown.replaceChildren(...next.children);
}

/** The last few captions or turns, by start. */
function latest(spoken) {
  return [...spoken.values()].sort((a, b) => a.start - b.start).slice(-numLines);
}

/** Who spoke last, each once, up to and with those who speak now. */
function latestSpeakers() {
  const before = latest(replay.turns).map((turn) => replay.resolve(turn.speaker));
  return [...new Set([...before, ...replay.speaking])].slice(-Math.max(numLines, replay.speaking.length));
}

/** A caption; who says it only where it was not the one before. */
function captionLine({ speaker, text, state }, place, captions) {
  const line = document.createElement("li");
  line.dataset.state = state;
  if (speaker !== undefined) {
    line.style.setProperty("--colour", replay.colour(speaker));
    const before = captions[place - 1]?.speaker;
    const goesOn = before !== undefined && replay.resolve(before) === replay.resolve(speaker);
    if (!goesOn) line.append(span("who", `${replay.name(speaker)}: `));
  }
  line.append(span("text", text));
  return line;
}

function speakerLine(speaker) {
  const line = document.createElement("li");
  line.style.setProperty("--colour", replay.colour(speaker));
  if (!replay.speaking.includes(speaker)) line.className = "past";
  line.append(span("who", replay.name(speaker)));
  return line;
}

function span(className, text) {
  const made = document.createElement("span");
  made.className = className;
  made.textContent = text;
  return made;
}

/** Say what keeps the overlay from showing anything: whoever directs the broadcast has to know. */
function showState(state) {
  clearTimeout(outage);
  if (state.kind === "refused") say(sentence(state.message || "the server refuses"));
  else if (state.kind === "open" || state.kind === "done") notice.hidden = true;
  else outage = setTimeout(() => say("The server is gone: trying again."), PATIENCE * 1000);
}

function say(text) {
  notice.textContent = text;
  notice.hidden = false;
}

function number(name, usual, least, most) {
  const given = Number.parseFloat(query.get(name));
  return Number.isFinite(given) ? Math.min(most, Math.max(least, given)) : usual;
}
