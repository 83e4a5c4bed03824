import { Cron } from "croner";

/** Why a cron expression cannot drive a schedule; null where it can. The words do not repeat the expression. */
export function cronFault(expression: string): string | null {
  const form = "expected a cron expression of five fields such as */15 * * * * (or six, seconds first)";
  // The library also takes a single date and a field of years: neither is a schedule.
  const fields = expression.trim().split(/\s+/).length;
  if (fields !== 5 && fields !== 6 && !/^@(hourly|daily|weekly|monthly|yearly|annually)$/i.test(expression))
    return form;
  try {
    const next = new Cron(expression, { paused: true, timezone: "UTC" }).nextRun();
    return next === null ? "this cron expression never comes due" : null;
  } catch {
    return form;
  }
}

/** A name from the IANA database, as Intl knows it. */
export function isTimezone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
