/** Numbers as people read them. All are pure and take what an answer has: bytes, milliseconds, seconds. */

const STEPS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `1.2 MB`: powers of 1000, as ifconfig prints them. */
export function bytes(count: number): string {
  let [value, step] = [count, 0];
  while (value >= 999.5 && step < STEPS.length - 1) {
    value /= 1000;
    step += 1;
  }
  return `${step === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${STEPS[step]}`;
}

/** `1.2 MB/s`; nothing when it is not known. */
export function byteRate(perSecond: number | undefined): string {
  return perSecond === undefined ? '' : `${bytes(perSecond)}/s`;
}

export function rate(perSecond: number | undefined): string {
  if (perSecond === undefined) return '';
  return `${perSecond >= 10 || perSecond === 0 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`;
}

/** `0.08 ms`, `1.2 ms`, `340 ms`. */
export function ms(value: number | undefined): string {
  if (value === undefined) return '';
  return `${value >= 100 ? Math.round(value) : value >= 1 ? value.toFixed(1) : value.toFixed(2)} ms`;
}

/** `12s`, `3m20s`, `5h12m`, `15d`: as kubectl prints ages. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 120) return `${whole}s`;
  if (whole < 600) return `${Math.floor(whole / 60)}m${whole % 60 === 0 ? '' : `${whole % 60}s`}`;
  if (whole < 7200) return `${Math.floor(whole / 60)}m`;
  if (whole < 172_800) {
    const minutes = Math.floor((whole % 3600) / 60);
    return `${Math.floor(whole / 3600)}h${whole < 36_000 && minutes > 0 ? `${minutes}m` : ''}`;
  }
  return `${Math.floor(whole / 86_400)}d`;
}

/** Time between two ISO 8601 moments; nothing when either is no moment. */
export function age(at: string | undefined, now: string): string {
  const passed = (Date.parse(now) - Date.parse(at ?? '')) / 1000;
  return Number.isNaN(passed) ? '' : span(passed);
}

export function count(value: number, one: string, many = `${one}s`): string {
  return `${value} ${value === 1 ? one : many}`;
}
