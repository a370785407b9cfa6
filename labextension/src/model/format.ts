/** Times and sizes as people read them. */

/** Milliseconds between two ISO times; up to `now` while something goes on. */
export function elapsed(started: string | null, ended: string | null, now: number): number | null {
  if (started === null) {
    return null;
  }
  const from = timeOf(started);
  const until = ended === null ? now : timeOf(ended);
  return Number.isFinite(from) && Number.isFinite(until) ? Math.max(0, until - from) : null;
}

/** As `Date.parse`, with the microseconds that it drops: else the static form would say 47 ms where we say 48. */
function timeOf(iso: string): number {
  const beyond = /\.\d{3}(\d+)/.exec(iso)?.[1];
  return Date.parse(iso) + (beyond ? Number(`0.${beyond}`) : 0);
}

/** `48 ms`, `0.3 s`, `42.0 s`, `3:07`, `2:03:07`: what `jupyter_gov/service/words.py` writes, here and there alike. */
export function duration(milliseconds: number | null): string {
  if (milliseconds === null) {
    return '';
  }
  const whole = Math.floor(milliseconds + 0.5);
  if (whole < 100) {
    return `${whole} ms`;
  }
  const tenths = Math.floor((milliseconds + 50) / 100);
  if (tenths < 600) {
    return `${Math.floor(tenths / 10)}.${tenths % 10} s`;
  }
  const seconds = Math.max(60, Math.floor(milliseconds / 1000));
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  if (days > 0) {
    return `${days} d ${hours}:${rest}`;
  }
  return hours > 0 ? `${hours}:${rest}` : rest.replace(/^0/, '');
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** A moment in the reader's own zone and manner; the raw text if it is no time. */
export function moment(iso: string, locale?: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime())
    ? iso
    : new Intl.DateTimeFormat(locale, {
        dateStyle: 'medium',
        timeStyle: 'medium'
      }).format(at);
}

/** Time of day, for lines of a log. */
export function clock(iso: string, locale?: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime())
    ? iso
    : new Intl.DateTimeFormat(locale, {
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
        hour12: false
      }).format(at);
}

/** `sha256:0123456789ab…`: enough to compare by eye. */
export function shortDigest(digest: string): string {
  const [kind, hex] = digest.includes(':')
    ? [`${digest.split(':')[0]}:`, digest.split(':')[1] ?? '']
    : ['', digest];
  return hex.length > 12 ? `${kind}${hex.slice(0, 12)}…` : digest;
}

/** The longest beginning that is not wider than `room`, the cut marked. */
export function fitted(text: string, room: number, measure: (text: string) => number): string {
  if (measure(text) <= room) {
    return text;
  }
  let [fits, tooMany] = [0, text.length];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (measure(`${text.slice(0, middle)}…`) <= room) {
      fits = middle;
    } else {
      tooMany = middle;
    }
  }
  return `${text.slice(0, fits)}…`;
}
