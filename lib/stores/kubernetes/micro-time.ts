const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/i;

/** The last instant that RFC 3339, with its four digits of year, can name. */
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59);

/**
 * `MicroTime`: exactly six fractional digits. The API server refuses the three that `toISOString()` writes.
 * A time that the wire cannot say (one second past a hand-edited year 9999) becomes the present, so that renewals stay visible.
 */
export function formatMicroTime(epochMs: number): string {
  const ms = epochMs >= 0 && epochMs <= LAST ? epochMs : Date.now();
  const micros = Math.round(ms * 1000);
  const seconds = Math.floor(micros / 1e6);
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(micros - seconds * 1e6).padStart(6, '0')}Z`;
}

/** Milliseconds since the epoch, microseconds as the fraction; `null` for anything that is not a time. */
export function parseMicroTime(value: unknown): number | null {
  const parts = typeof value === 'string' ? RFC3339.exec(value) : null;
  if (!parts) return null;
  const whole = Date.parse(`${parts[1]}${parts[3]}`.toUpperCase());
  if (Number.isNaN(whole)) return null;
  const micros = Number((parts[2] ?? '').padEnd(6, '0').slice(0, 6));
  return (whole * 1000 + micros) / 1000;
}
