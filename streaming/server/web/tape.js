/** Audio from the first sample that the server may ask for again, by its place in the session. */

export class Tape {
  /** No more will come. */
  isOver = false;
  /** The first sample that can still be read, and the one after the last. */
  first = 0;
  end = 0;
  #blocks = []; // {start, samples: Int16Array}, one after the other
  #keep;

  /**
   * @param {number} rate  Samples a second.
   * @param {number} keep  Seconds that are kept of what nobody takes; the oldest go first.
   */
  constructor(rate, keep = Infinity) {
    this.rate = rate;
    this.#keep = keep * rate;
  }

  /** Take in what was recorded. @param {Int16Array} samples */
  push(samples) {
    this.#blocks.push({ start: this.end, samples });
    this.end += samples.length;
    while (this.end - this.first > this.#keep && this.#blocks.length > 1) this.#drop();
  }

  /** Samples from a place on, as far as they lie together and `most` at most; a view, empty at the end. */
  read(from, most) {
    const block = this.#blocks.find(({ start, samples }) => from < start + samples.length);
    if (!block || from < block.start) return new Int16Array(0);
    const stop = Math.min(from + most, this.end);
    return block.samples.subarray(from - block.start, stop - block.start);
  }

  /** Nobody will ask for what lies before this sample. */
  forget(before) {
    while (this.#blocks.length && this.#blocks[0].start + this.#blocks[0].samples.length <= before) this.#drop();
  }

  /** Number all of it as if so many samples had been there before. */
  shift(samples) {
    for (const block of this.#blocks) block.start += samples;
    this.first += samples;
    this.end += samples;
  }

  /** No more will come, and nothing from sample `end` on is wanted. */
  close(end = this.end) {
    this.isOver = true;
    this.end = end;
  }

  #drop() {
    this.#blocks.shift();
    this.first = this.#blocks.length ? this.#blocks[0].start : this.end;
  }
}
