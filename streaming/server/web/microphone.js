/** The microphone as blocks of 16-bit samples, at whatever rate the browser has. */

// The browser's three processors are made for one near voice; they blur who of several speaks.
const WANTED = {
  audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
};

/** Why there is no sound, in words for whoever speaks. */
export class NoMicrophone extends Error {}

export class Microphone {
  /** Samples a second. */
  rate;
  #stream;
  #context;
  #awake = navigator.wakeLock?.request("screen").catch(() => null); // or a phone goes to sleep, and deaf

  /**
   * Ask for the microphone; to be called from a click, or browsers keep it silent.
   * @param {Object} on
   * @param {(samples: Int16Array, peak: number) => void} on.block  A tenth of a second; peak from 0 to 1.
   * @param {(why: string) => void} on.lost  Unplugged, or taken back.
   * @throws {NoMicrophone}
   */
  static async open(on) {
    if (!isSecureContext) {
      throw new NoMicrophone(
        "Browsers give the microphone only to pages from https, or from this machine: " +
          "open this page as https://… or as http://127.0.0.1:…",
      );
    }
    const stream = await navigator.mediaDevices.getUserMedia(WANTED).catch((error) => {
      throw new NoMicrophone(REASONS[error.name] ?? `The microphone cannot be used: ${error.message}`);
    });
    const context = new AudioContext();
    await context.audioWorklet.addModule("microphone-worklet.js");
    await context.resume();
    return new Microphone(stream, context, on);
  }

  constructor(stream, context, on) {
    this.rate = context.sampleRate;
    this.#stream = stream;
    this.#context = context;
    const capture = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
    capture.port.onmessage = ({ data }) => on.block(data.samples, data.peak);
    context.createMediaStreamSource(stream).connect(capture);
    context.onstatechange = () => context.state === "interrupted" && context.resume(); // after a phone call
    for (const track of stream.getAudioTracks()) track.onended = () => on.lost("The microphone is gone.");
  }

  close() {
    for (const track of this.#stream.getTracks()) track.stop();
    this.#awake?.then((lock) => lock?.release());
    if (this.#context.state !== "closed") this.#context.close();
  }
}

const REASONS = {
  NotAllowedError:
    "The browser was told not to let this page hear the microphone: allow it beside the page's address, and try again.",
  NotFoundError: "This machine has no microphone, or it is switched off.",
  NotReadableError: "Another program holds the microphone: close that, and try again.",
};
