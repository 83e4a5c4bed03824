/** Longer ones may not survive as a JavaScript number. */
const MAX_DIGITS = 15;

/** Integer or decimal; null: not a number, or more digits than can be compared exactly. */
export function parseNumber(text: string): number | null {
  if (!/^[+-]?\d+(\.\d+)?$/.test(text)) return null;
  return text.replace(/\D/g, "").replace(/^0+/, "").length > MAX_DIGITS ? null : Number(text);
}

/** `true` or `false` in any case; null: neither. */
export function parseBoolean(text: string): boolean | null {
  const folded = text.toLowerCase();
  if (folded === "true") return true;
  return folded === "false" ? false : null;
}

const DATE =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):(\d\d)))?)?)?$/;
const EPOCH_SECONDS = /^\d{5,11}$/;

/**
 * A W3C profile of ISO 8601 (year, month, day, minute, second, fraction) or epoch seconds, the two forms IAM
 * takes (reference_policies_elements_condition_operators, date operators). Milliseconds since the epoch;
 * null: neither, or a day or time that does not exist.
 */
export function parseDate(text: string): number | null {
  // Four digits are a year: as epoch seconds they would mean the first hours of 1970.
  if (EPOCH_SECONDS.test(text)) return Number(text) * 1000;
  const found = DATE.exec(text);
  if (found === null) return null;
  const [, year, month = "01", day = "01", hour = "00", minute = "00", second = "00", fraction = ""] = found;
  const local = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Date.parse takes 31 February for a day in March.
  if (Number.isNaN(local) || new Date(local).getUTCDate() !== Number(day)) return null;
  const offsetMinutes = Number(found[9] ?? 0) * 60 + Number(found[10] ?? 0);
  const offsetMs = (found[8] === "-" ? -offsetMinutes : offsetMinutes) * 60_000;
  return local - offsetMs + Number(`0.${fraction || "0"}`) * 1000;
}
