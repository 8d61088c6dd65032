/** Says what happens to people who listen to the page: the important in a sentence, and not all the time. */

const PAUSE = 3000; // milliseconds between two announcements

export class Announcer {
  #element;
  #waiting = [];
  #timer = 0;

  /** @param {HTMLElement} element  With the role `status`. */
  constructor(element) {
    this.#element = element;
  }

  /** Say this soon, together with what else there is to say. */
  say(text) {
    if (this.#waiting.includes(text)) return;
    this.#waiting.push(text);
    this.#timer ||= setTimeout(() => this.#flush(), PAUSE);
  }

  #flush() {
    this.#timer = 0;
    this.#element.textContent = this.#waiting.join(" ");
    this.#waiting = [];
  }
}
