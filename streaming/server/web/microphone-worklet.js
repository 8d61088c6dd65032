/** In the audio thread: the microphone's channels as one, in blocks of a tenth of a second. */

const BLOCK_SECONDS = 0.1;
const FULL_SCALE = 32768;

class Capture extends AudioWorkletProcessor {
  #block = new Int16Array(Math.round(BLOCK_SECONDS * sampleRate));
  #filled = 0;
  #peak = 0;

  process([channels]) {
    const length = channels.length ? channels[0].length : 0; // none while the source is not connected yet
    for (let at = 0; at < length; at += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[at];
      this.#push(sum / channels.length);
    }
    return true;
  }

  #push(value) {
    this.#peak = Math.max(this.#peak, Math.abs(value));
    this.#block[this.#filled] = Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, Math.round(value * FULL_SCALE)));
    this.#filled += 1;
    if (this.#filled < this.#block.length) return;
    this.port.postMessage({ samples: this.#block, peak: this.#peak }, [this.#block.buffer]);
    this.#block = new Int16Array(Math.round(BLOCK_SECONDS * sampleRate));
    this.#filled = this.#peak = 0;
  }
}

registerProcessor("capture", Capture);
