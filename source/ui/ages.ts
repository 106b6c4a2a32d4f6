/**
 * How long it is from `since` to `now` (both ISO 8601), in words short enough for a header: `4 s`, `2 min`, `3 h 05 min`,
 * `2 d`. A moment that lies ahead is `0 s`: the clocks of two machines differ. Undefined when one is not a time.
 */
export function age(since: string | undefined, now: string): string | undefined {
  if (since === undefined) return undefined;
  const ms = Date.parse(now) - Date.parse(since);
  return Number.isNaN(ms) ? undefined : duration(ms);
}

/** @param ms milliseconds */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes < 10 ? `${minutes} min ${two(seconds % 60)} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${two(minutes % 60)} min` : `${Math.floor(hours / 24)} d`;
}

/** Position in a recording: `0:41`, `1:02:07`. @param ms milliseconds */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Time of day of an ISO 8601 moment, as written in it: `12:03:04`. */
export function timeOfDay(at: string): string {
  return /T(\d\d:\d\d:\d\d)/.exec(at)?.[1] ?? at;
}

/** Bytes in binary units, as `ls -h` writes them: `12K`, `1.4M`. */
export function size(bytes: number): string {
  const units = ['B', 'K', 'M', 'G', 'T'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)}${units[unit]}`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}
