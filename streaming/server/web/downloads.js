/** A session as files: what `hocket sessions export` writes, made of what this page has replayed. */

import { SPEAKER_COLOURS } from "./palette.js";
import { inOrder } from "./replay.js";
import { stamp } from "./times.js";

const SIDES = [" position:25% size:50%", " position:75% size:50%"];

/** Turns as RTTM, one a line, under names where they are known; white space in a name becomes `_`. */
export function formatRttm(session, replay) {
  const lines = [];
  for (const { start, end, speaker } of replay.annotation()) {
    const [from, to] = [Math.round(start * 1000), Math.round(end * 1000)];
    if (to <= from) continue;
    const [onset, duration] = [(from / 1000).toFixed(3), ((to - from) / 1000).toFixed(3)];
    const name = field(replay.name(speaker));
    lines.push(`SPEAKER ${field(session)} 1 ${onset} ${duration} <NA> <NA> ${name} <NA> <NA>\n`);
  }
  return lines.join("");
}

/**
 * WebVTT: captions where the session has words, else a cue a turn that says who speaks.
 * A voice a cue, a colour a voice; cues of two people at once stand side by side.
 */
export function formatVtt(replay) {
  const cues = cuesOf(replay);
  const voices = [...new Set(cues.filter((cue) => cue.speaker !== null).map((cue) => cue.speaker))];
  const blocks = ["WEBVTT\n"];
  if (voices.length) {
    const rules = voices.map((_, place) => {
      return `::cue(.v${place}) { color: ${SPEAKER_COLOURS[place % SPEAKER_COLOURS.length]} }\n`;
    });
    blocks.push(`STYLE\n::cue { background-color: rgba(0, 0, 0, 0.85) }\n${rules.join("")}`);
  }
  const sides = sidesOf(cues);
  cues.forEach((cue, number) => {
    const voice = cue.speaker === null ? "" : `<v.v${voices.indexOf(cue.speaker)} ${escaped(cue.speaker)}>`;
    const times = `${stamp(cue.start)} --> ${stamp(Math.max(cue.end, cue.start + 0.001))}`;
    blocks.push(`${cue.id}\n${times}${sides[number]}\n${voice}${escaped(cue.text)}\n`);
  });
  return blocks.join("\n");
}

/** Offer text as a file. */
export function download(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers begin to read late
}

function cuesOf(replay) {
  const spoken = replay.captions.size ? replay.captions : replay.turns;
  const cues = [...spoken.values()].map(({ id, start, end, speaker, text }) => {
    const name = speaker === undefined ? null : replay.name(speaker);
    return { id, start, end, speaker: name, text: text ?? name };
  });
  return cues.sort((a, b) => a.start - b.start || a.end - b.end || inOrder(a.id, b.id));
}

/** Left and right for cues of two people who speak at once, nothing for those alone. */
function sidesOf(cues) {
  const sides = cues.map(() => "");
  cues.forEach((cue, place) => {
    for (let other = place + 1; other < cues.length && cues[other].start < cue.end; other += 1) {
      if (cues[other].speaker === cue.speaker) continue;
      sides[place] ||= SIDES[0];
      sides[other] = SIDES[sides[place] === SIDES[0] ? 1 : 0];
    }
  });
  return sides;
}

function field(text) {
  return words(text).join("_") || "<NA>";
}

function escaped(text) {
  return words(text).join(" ").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function words(text) {
  return text.split(/\s+/).filter(Boolean);
}
