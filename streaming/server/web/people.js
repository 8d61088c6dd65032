/** The speakers beside their lanes, and the dialog in which they are named, merged, split and corrected. */

import { clock, counted, spoken } from "./times.js";

const MANY = 5; // speakers beyond which lanes are lower
const NEW = ""; // the value of "somebody new" in a list of speakers

export class People {
  #replay;
  #elements;
  #tell;
  #buttons = new Map(); // speaker -> their button
  #speaker = null; // whom the dialog is about
  #said = null; // the turn or caption that it was opened from

  /**
   * @param {import("./replay.js").Replay} replay
   * @param {Object<string, HTMLElement>} elements  By their ids, as in the page.
   * @param {(control: Object) => Promise<void>} tell  Sends a control to the session.
   */
  constructor(replay, elements, tell) {
    this.#replay = replay;
    this.#elements = elements;
    this.#tell = tell;
    const dialog = elements["person-dialog"];
    dialog.addEventListener("close", () => this.#act(dialog.returnValue));
  }

  /** Show who there is, how long they spoke, and who speaks now. */
  update() {
    const { seconds, speaking } = this.#replay;
    const total = [...seconds.values()].reduce((sum, each) => sum + each, 0);
    const shown = [...seconds].map(([speaker, long]) => {
      const button = this.#button(speaker);
      const share = total > 0 ? Math.round((100 * long) / total) : 0;
      const name = this.#replay.name(speaker);
      setText(button.querySelector(".who"), name);
      setText(button.querySelector("small"), `${clock(long)} · ${share} %`);
      button.style.setProperty("--colour", this.#replay.colour(speaker));
      button.toggleAttribute("data-speaking", speaking.includes(speaker));
      button.ariaLabel = `${name}, ${spoken(long)}, ${share} percent`;
      return button.parentElement;
    });
    const list = this.#elements.people;
    const isSame = shown.length === list.children.length && shown.every((item, at) => item === list.children[at]);
    if (!isSame) list.replaceChildren(...shown);
    this.#elements.lanes.toggleAttribute("data-dense", shown.length > MANY);
    this.#showSpeaking(speaking);
  }

  /** Ask what a speaker is called and who else they are; or whose a turn or caption is. */
  open(speaker, said = null) {
    this.#speaker = this.#replay.resolve(speaker);
    this.#said = said;
    const name = this.#replay.name(speaker);
    const at = this.#elements;
    at["person-title"].textContent = said ? `${name}, ${clock(said.start)} to ${clock(said.end)}` : name;
    at["person-title"].style.setProperty("--colour", this.#replay.colour(speaker));
    at["person-name"].value = this.#replay.names.get(this.#speaker) ?? "";
    at["person-name"].placeholder = this.#speaker;
    const others = this.#replay.speakers.filter((each) => each !== this.#speaker);
    const options = others.map((each) => new Option(this.#replay.name(each), each));
    at["person-into"].replaceChildren(...options.map((option) => option.cloneNode(true)));
    at["person-merge"].hidden = others.length === 0;
    at["turn-speaker"].replaceChildren(...options, new Option("somebody new", NEW));
    at["turn-fields"].hidden = said === null;
    at["person-over"].hidden = !this.#replay.isOver;
    at["person-fields"].hidden = this.#replay.isOver;
    at["person-dialog"].returnValue = "";
    at["person-dialog"].showModal();
    at["person-name"].select();
  }

  #act(what) {
    const [speaker, said, at] = [this.#speaker, this.#said, this.#elements];
    const name = at["person-name"].value.trim();
    switch (what) {
      case "name":
        if (name) this.#tell({ type: "name", speaker, name });
        break;
      case "merge":
        this.#tell({ type: "merge", speaker, into: at["person-into"].value });
        break;
      case "correct": {
        const isTurn = this.#replay.turns.has(said.id); // or a caption, which may hold a part of one
        const where = isTurn ? { turn: said.id } : { start: said.start, end: said.end };
        const whose = at["turn-speaker"].value;
        this.#tell({ type: "correct", ...where, ...(whose === NEW ? {} : { speaker: whose }) });
        break;
      }
      case "split":
        this.#tell({ type: "split", speaker, at: said.start });
        break;
    }
  }

  #button(speaker) {
    let button = this.#buttons.get(speaker);
    if (button) return button;
    button = document.createElement("button");
    button.type = "button";
    button.className = "person";
    button.ariaHasPopup = "dialog";
    button.title = "Name, merge or correct";
    const who = document.createElement("span");
    who.className = "who";
    button.append(who, document.createElement("small"));
    button.onclick = () => this.open(speaker);
    document.createElement("li").append(button);
    this.#buttons.set(speaker, button);
    return button;
  }

  #showSpeaking(speaking) {
    const shown = speaking.map((speaker) => {
      const who = document.createElement("span");
      who.className = "who";
      who.textContent = this.#replay.name(speaker);
      who.style.setProperty("--colour", this.#replay.colour(speaker));
      return who;
    });
    const title = this.#elements.speaking;
    const next = title.cloneNode();
    next.append(...(shown.length ? shown : [this.#silence()]));
    if (!next.isEqualNode(title)) title.replaceChildren(...next.childNodes);
  }

  #silence() {
    if (this.#replay.turns.size === 0) return "Nobody has spoken yet";
    if (!this.#replay.isOver) return "Silence";
    return `${counted(this.#replay.speakers.length, "speaker")} in ${clock(this.#replay.now)}`;
  }
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
