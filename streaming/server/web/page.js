/** The page at `/`: begin a session with a microphone or a recording, or watch one from another browser. */

import { Admin, sentence } from "./controls.js";
import { Follower } from "./follower.js";
import { Notices } from "./notices.js";
import { Sound } from "./sound.js";
import { Stage } from "./stage.js";
import { rememberResume, resumeFor, takeTokenFromAddress } from "./tokens.js";

const elements = Object.fromEntries([...document.querySelectorAll("[id]")].map((each) => [each.id, each]));
const notices = new Notices(elements);
const SIGHTS = ["amber", "birch", "cedar", "clover", "dawn", "fern", "harbour", "heron", "linden", "meadow", "willow"];
const SONGS = ["alto", "bass", "canon", "chorale", "descant", "fugue", "madrigal", "motet", "round", "tenor", "treble"];

let session = null;
let stage = null;
let follower = null;
let admin = null;
let sound = null;

// Where things begin.

takeTokenFromAddress();
elements.host.textContent = location.host;
const asked = new URLSearchParams(location.search).get("session");
if (asked) {
  watch(asked);
  offerToGoOn();
} else {
  showStart();
}
addEventListener("popstate", () => location.reload());
addEventListener("beforeunload", (event) => sound?.isGoing && event.preventDefault());

function showStart() {
  elements.start.hidden = false;
  elements["new-name"].value = newName();
}

/** Follow a session, whether or not it has begun. */
function watch(name) {
  session = name;
  document.title = `${name} · hocket`;
  elements["session-name"].textContent = name;
  for (const id of ["stage", "session-head", "session-actions"]) elements[id].hidden = false;
  elements.start.hidden = true;
  stage = new Stage(name, elements, tell, (seconds) => sound?.play(seconds));
  follower = new Follower(name, {
    event: (event, text) => {
      stage.take(event, text);
      if (event.seq === 1 || event.type === "session.end") showState({ kind: "open" });
      if (event.type === "session.end") end();
    },
    heartbeat: (load) => stage.heartbeat(load),
    state: showState,
  });
}

/** A session of this page's own, as the form says it; `open` gives it its sound. */
async function begin(open) {
  if (!elements["new-name"].reportValidity()) return;
  const people = elements["num-speakers"].value;
  elements["start-form"].inert = true;
  await give(elements["new-name"].value, people ? { num_speakers: Number(people) } : {}, open);
  elements["start-form"].inert = sound !== null;
}

/** Give a session sound: a new one, or with its token one that goes on. */
async function give(name, options, open, token = null) {
  const on = {
    session: name,
    options,
    token,
    started: (resume) => {
      notices.hide();
      rememberResume(name, resume);
      if (!session) go(name);
    },
    lost: (why) => session || notices.say(why ? sentence(why) : "The server is not there: trying again."),
    refused: (state) => {
      elements["start-form"].inert = false;
      if (state.code !== "unauthorized") sound = null;
      showRefusal(state, () => sound.retry());
    },
    position: (seconds) => (stage.playhead = seconds),
  };
  try {
    sound = await open(elements, on);
  } catch (error) {
    notices.say(error.message);
  }
}

/** Where this tab spoke before it was loaded again: let it go on. */
function offerToGoOn() {
  const token = resumeFor(session);
  if (!token) return;
  notices.say("This tab was speaking in this session.", {
    "Go on with the microphone": () => give(session, {}, Sound.fromMicrophone, token),
  });
}

function go(name) {
  history.pushState(null, "", linkTo(name));
  watch(name);
  elements.main.focus();
}

/** The address at which others watch a session. */
function linkTo(name) {
  return new URL(`?session=${encodeURIComponent(name)}`, document.baseURI).href;
}

/** The session has ended, for whatever reason. */
function end() {
  if (!sound && resumeFor(session)) notices.hide(); // the offer to go on
  sound?.close();
}

/** Send a control to the session: along with the sound, or on a line of its own. */
async function tell(control) {
  try {
    if (sound?.isOpen) {
      await sound.tell(control);
    } else {
      admin ??= new Admin(session, (state) => state.kind === "refused" && refuseAdmin(state));
      await admin.tell(control);
    }
  } catch (error) {
    notices.say(error.message);
  }
}

function refuseAdmin(state) {
  showRefusal({ ...state, role: "admin" }, () => admin.retry());
}

// What people see of the connection.

function showState(state) {
  const { replay } = stage;
  const [kind, text] = {
    connecting: ["waiting", "connecting"],
    open: replay.isOver ? ["over", "ended"] : replay.seq ? ["live", "live"] : ["waiting", "nobody speaks yet"],
    done: ["over", "ended"],
    lost: ["lost", "server gone, trying again"],
    refused: ["lost", "refused"],
  }[state.kind];
  if (state.kind === "connecting" && elements.pill.dataset.kind === "lost") return; // the same outage still
  elements.pill.dataset.kind = kind;
  if (elements.pill.textContent !== text) elements.pill.textContent = text;
  elements.empty.textContent = replay.seq
    ? "Turns appear here as people speak."
    : `Nothing has come from ${session} yet. This page shows it as soon as somebody speaks there.`;
  if (state.kind === "refused") showRefusal({ ...state, role: "subscribe" }, () => follower.retry());
}

/** Say why the server refuses, and what can be done about it. */
function showRefusal(state, retry) {
  switch (state.code) {
    case "unauthorized":
      notices.askForToken(state.role, state.message, retry);
      break;
    case "taken":
      notices.say("A session of that name exists already.", {
        "Watch it": () => go(elements["new-name"].value),
        "Another name": () => {
          elements["new-name"].value = newName();
          notices.hide();
        },
      });
      break;
    default:
      notices.say(sentence(state.message || "the server refuses"));
  }
}

/** A name that is easy to say and unlikely to be taken. */
function newName() {
  const pick = (words) => words[Math.floor(Math.random() * words.length)];
  return `${pick(SIGHTS)}-${pick(SONGS)}-${Math.floor(100 + Math.random() * 900)}`;
}

// What people press.

elements["start-form"].onsubmit = (event) => {
  event.preventDefault();
  begin(Sound.fromMicrophone);
};

elements.file.onchange = () => {
  const [file] = elements.file.files;
  if (file) begin((...rest) => Sound.fromFile(file, ...rest));
  elements.file.value = "";
};

elements["watch-form"].onsubmit = (event) => {
  event.preventDefault();
  go(elements["watch-name"].value);
};

addEventListener("dragover", (event) => {
  event.preventDefault();
  elements.drop.classList.add("over");
});
addEventListener("dragleave", () => elements.drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  elements.drop.classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file && !session) begin((...rest) => Sound.fromFile(file, ...rest));
});

elements.share.onclick = async () => {
  try {
    await navigator.clipboard.writeText(linkTo(session));
  } catch {
    notices.say(`The link for others: ${linkTo(session)}`); // browsers copy only for pages from https or this machine
    return;
  }
  elements.share.textContent = "Link copied";
  setTimeout(() => (elements.share.textContent = "Copy link"), 2000);
};

elements.downloads.addEventListener("beforetoggle", () => {
  const { right, bottom } = elements.download.getBoundingClientRect();
  elements.downloads.style.top = `${bottom + 6}px`;
  elements.downloads.style.right = `${innerWidth - right}px`;
});
for (const button of elements.downloads.querySelectorAll("button")) {
  button.onclick = () => {
    elements.downloads.hidePopover();
    stage.download(button.dataset.format);
  };
}

for (const button of document.querySelectorAll("[data-close]")) {
  button.onclick = () => button.closest("dialog").close();
}
