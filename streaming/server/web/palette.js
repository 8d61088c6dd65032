/** The colours of speakers: those of the terminal, of pictures and of captions, in the same order. */

export const SPEAKER_COLOURS = [
  "#2d78c3", // blue
  "#d25a00", // vermilion
  "#009e8e", // teal
  "#8a3ffc", // violet
  "#c3007f", // magenta
  "#3a9bd9", // sky
  "#8a4a3c", // brown
  "#e8607a", // rose
  "#a07800", // ochre
  "#4e9a06", // green
  "#9b6fb0", // mauve
  "#6b7f99", // slate
];

/** The colour of a speaker's place; after twelve they start over. */
export function speakerColour(place) {
  return SPEAKER_COLOURS[place % SPEAKER_COLOURS.length];
}
