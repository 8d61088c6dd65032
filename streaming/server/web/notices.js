/** What stands in the way, said above everything, with buttons for what can be done; and the dialog for a token. */

import { sentence } from "./controls.js";
import { rememberToken } from "./tokens.js";

export class Notices {
  #elements;

  /** @param {Object<string, HTMLElement>} elements  By their ids. */
  constructor(elements) {
    this.#elements = elements;
  }

  /**
   * Say something that matters, in place of what was said before.
   * @param {string} text
   * @param {Object<string, () => void>} actions  What can be done about it, by what its button says.
   */
  say(text, actions = {}) {
    this.#elements["notice-text"].textContent = text;
    const buttons = Object.entries({ ...actions, Close: () => {} }).map(([label, act]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet";
      button.textContent = label;
      button.onclick = () => {
        this.hide();
        act();
      };
      return button;
    });
    this.#elements["notice-actions"].replaceChildren(...buttons);
    this.#elements.notice.hidden = false;
  }

  hide() {
    this.#elements.notice.hidden = true;
  }

  /**
   * Ask for the token that a role needs.
   * @param {"produce" | "subscribe" | "admin"} role
   * @param {string} why  As the server says it.
   * @param {() => void} retry  What to do once it is remembered.
   */
  askForToken(role, why, retry) {
    const { "token-dialog": dialog, "token-why": reason, token } = this.#elements;
    reason.textContent = sentence(why);
    token.value = "";
    dialog.returnValue = "";
    dialog.onclose = () => {
      if (dialog.returnValue === "token" && token.value) {
        rememberToken(role, token.value.trim());
        this.hide();
        retry();
      } else {
        this.say(sentence(why), { "Give a token": () => this.askForToken(role, why, retry) });
      }
    };
    dialog.showModal();
  }
}
