/** Times and sizes as people read them. */

/** Milliseconds between two ISO times; up to `now` while something goes on. */
export function elapsed(started: string | null, ended: string | null, now: number): number | null {
  if (started === null) {
    return null;
  }
  const from = Date.parse(started);
  const until = ended === null ? now : Date.parse(ended);
  return Number.isFinite(from) && Number.isFinite(until) ? Math.max(0, until - from) : null;
}

/** `0.4 s`, `12 s`, `1 m 04 s`, `2 h 03 m`, `3 d 04 h`. */
export function duration(milliseconds: number | null): string {
  if (milliseconds === null) {
    return '';
  }
  const seconds = milliseconds / 1000;
  if (seconds < 0.1) {
    return `${Math.round(milliseconds)} ms`;
  }
  if (seconds < 10) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  if (whole < 60) {
    return `${whole} s`;
  }
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  }
  const minutes = Math.round(whole / 60);
  if (minutes < 24 * 60) {
    return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  }
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
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

/** At most `limit` characters, the cut marked. */
export function clip(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
