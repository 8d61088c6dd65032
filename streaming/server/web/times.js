/** Times as people and files read them. */

/** 0:05, 12:34, 1:02:03: whole seconds, rounded down. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A length for people who listen to the page rather than look at it: "1 minute 5 seconds". */
export function spoken(seconds) {
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 3600), "hour"],
    [Math.floor(whole / 60) % 60, "minute"],
    [whole % 60, "second"],
  ];
  const said = parts.filter(([count]) => count).map(([count, unit]) => counted(count, unit));
  return said.join(" ") || "0 seconds";
}

/** HH:MM:SS.mmm, with more digits of hours where there are as many. */
export function stamp(seconds) {
  const milliseconds = Math.round(seconds * 1000);
  const minutes = Math.floor(milliseconds / 60_000);
  const rest = milliseconds % 60_000;
  const thousandths = String(rest % 1000).padStart(3, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(Math.floor(rest / 1000))}.${thousandths}`;
}

/** "1 speaker", "3 speakers". */
export function counted(count, what) {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function two(number) {
  return String(number).padStart(2, "0");
}
