const FIFTY_YEARS_MS = 50 * 365.25 * 86_400_000;
/** `Sunday, 06-Nov-94 08:49:37 GMT` */
const RFC_850 = /^[A-Z][a-z]+day, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d:\d\d:\d\d) GMT$/;
/** `Sun Nov  6 08:49:37 1994` */
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/**
 * Reads an HTTP date in any of its three forms (RFC 9110, 5.6.7). JavaScript misreads two of them: it takes two digits for
 * a year of the last century, and a time without a zone for local time. NaN if the text is no date.
 */
export function parseHttpDate(text: string | undefined, nowMs: number): number {
  if (text === undefined) return Number.NaN;
  if (ASCTIME.test(text)) return Date.parse(`${text} GMT`);
  const [, day, month, year, time] = RFC_850.exec(text) ?? [];
  if (day === undefined) return Date.parse(text);
  const century = Math.floor(new Date(nowMs).getUTCFullYear() / 100);
  const thisCentury = Date.parse(`${day} ${month} ${century}${year} ${time} GMT`);
  return thisCentury > nowMs + FIFTY_YEARS_MS
    ? Date.parse(`${day} ${month} ${century - 1}${year} ${time} GMT`)
    : thisCentury;
}
