/** A recording that somebody chose or dropped, as 16-bit samples: whatever the browser can play. */

const RATE = 16_000; // the browser resamples while it decodes, and less has to be sent
const FULL_SCALE = 32768;

/**
 * All of a file, its channels as one.
 * @param {File} file
 * @returns {Promise<{rate: number, samples: Int16Array}>}
 * @throws {Error} With a message for whoever chose it.
 */
export async function decode(file) {
  const context = new OfflineAudioContext({ numberOfChannels: 1, length: 1, sampleRate: RATE });
  let audio;
  try {
    audio = await context.decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new Error(`This browser finds no sound in ${file.name} that it could play.`);
  }
  const channels = Array.from({ length: audio.numberOfChannels }, (_, number) => audio.getChannelData(number));
  const samples = new Int16Array(audio.length);
  for (let at = 0; at < samples.length; at += 1) {
    let sum = 0;
    for (const channel of channels) sum += channel[at];
    const value = Math.round((sum / channels.length) * FULL_SCALE);
    samples[at] = Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, value));
  }
  return { rate: RATE, samples };
}
