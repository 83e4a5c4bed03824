import { isIP } from "node:net";
import { z } from "zod";
import { DURATION_PATTERN, formatDuration, parseDuration } from "../lib/duration.ts";
import { cronFault, isTimezone } from "./cron.ts";
import { parseListen } from "./listen.ts";
import { expected } from "./words.ts";

/** The kinds of values a configuration is made of; each says in words what it expects. */

// Spelled out instead of `\p{Cc}`, because the patterns go into the JSON Schema, whose readers know less.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it keeps out
const NO_CONTROL_CHARACTERS = /^[^\u0000-\u001f\u007f-\u009f]+$/;
const HOST =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$/;

/** One line of text. */
export function line(phrase: string) {
  return z.string({ error: expected(phrase) }).regex(NO_CONTROL_CHARACTERS, { error: `expected ${phrase}` });
}

function matching(pattern: RegExp, phrase: string) {
  return z.string({ error: expected(phrase) }).regex(pattern, { error: `expected ${phrase}` });
}

function satisfying(phrase: string, accepts: (text: string) => boolean) {
  return line(phrase).refine(accepts, { error: `expected ${phrase}` });
}

/** Names become metric labels and parts of URLs. */
export const name = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  "a name: letters, digits, `.`, `_` and `-`, at most 64, a letter or digit first",
);

export const cohort = line("the name of a cohort").max(128, { error: "expected at most 128 characters" });

/** May be empty. */
export const shortLine = matching(
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it keeps out
  /^[^\u0000-\u001f\u007f-\u009f]{0,128}$/,
  "one line of at most 128 characters",
);

/** May hold line breaks (a script), but the operating system ends it at a NUL. */
export const argument = matching(
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what it keeps out
  /^[^\u0000]*$/,
  "text without NUL characters",
);

export const filePath = line("the path of a file");

export const region = matching(/^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/, "an AWS Region such as eu-west-1").refine(
  (each) => partitionOf(each) !== null,
  { error: "expected a Region of the partitions aws, aws-cn or aws-us-gov" },
);

/** Names of Regions begin alike within a partition (AWS General Reference, "Amazon Resource Names"). */
export function partitionOf(regionName: string): "aws" | "aws-cn" | "aws-us-gov" | null {
  if (regionName.startsWith("cn-")) return "aws-cn";
  if (regionName.startsWith("us-gov-")) return "aws-us-gov";
  return /^(us-iso|eu-iso|eusc-)/.test(regionName) ? null : "aws";
}

const TWELVE_DIGITS = 'the 12 digits of an AWS account in quotes, such as "123456789012"';

export const accountId = z
  .string({
    error: (issue) =>
      typeof issue.input === "number"
        ? `expected ${TWELVE_DIGITS}: without quotes YAML reads a number, which loses leading zeros`
        : expected(TWELVE_DIGITS)(issue),
  })
  .regex(/^\d{12}$/, { error: `expected ${TWELVE_DIGITS}` });

export const endpoint = satisfying(
  "a host name (it is sent as SNI), without scheme, port and path; an IP address belongs into `address`",
  (text) => HOST.test(text) && isIP(text) === 0,
);

export const address = satisfying(
  "an IP address or a host name, without scheme and port",
  (text) => isIP(text) !== 0 || HOST.test(text),
);

export const ipAddress = satisfying(
  "an IP address such as 203.0.113.7 or 2001:db8::7",
  (text) => isIP(text) !== 0 && !text.includes("%"),
);

export const controlPlaneEndpoint = satisfying(
  "a URL such as http://127.0.0.1:8080, without user, query and fragment",
  (text) => isPlainHttpUrl(text) && URL.parse(text)?.search === "",
);

export const webhookUrl = satisfying(
  "a URL that starts with https:// or http://, without user and fragment",
  isPlainHttpUrl,
);

function isPlainHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol)) return false;
  return url.username === "" && url.password === "" && url.hash === "";
}

export const redisUrl = satisfying("a URL that starts with redis:// or rediss://", (text) =>
  ["redis:", "rediss:"].includes(URL.parse(text)?.protocol ?? ""),
);

export const allowedHost = satisfying(
  "a host name or an IP address, without scheme and port",
  (text) => isIP(text.replace(/^\[(.*)\]$/, "$1")) !== 0 || HOST.test(text),
);

export const listen = satisfying(
  "an address to listen on such as 127.0.0.1:9464 or [::1]:9464",
  (text) => parseListen(text) !== null,
);

export const cron = line("a cron expression").superRefine((text, context) => {
  const fault = cronFault(text);
  if (fault !== null) context.addIssue({ code: "custom", message: fault });
});

export const timezone = satisfying("a time zone such as UTC or Europe/Berlin", isTimezone);

export const flag = z.boolean({ error: expected("true or false") });

export function wholeNumber(min: number, max: number, meaning = "a whole number") {
  const phrase = `${meaning} from ${min} to ${max}`;
  const bound = { error: `expected ${phrase}` };
  return z
    .int({ error: expected(phrase) })
    .min(min, bound)
    .max(max, bound);
}

export const ratio = numberUpTo(0, 1, "a ratio from 0 to 1 (1 is 100 %)");

export const perSecond = numberUpTo(0.01, 100_000, "a number a second from 0.01 to 100000");

function numberUpTo(min: number, max: number, phrase: string) {
  const bound = { error: `expected ${phrase}` };
  return z
    .number({ error: expected(phrase) })
    .min(min, bound)
    .max(max, bound);
}

/** Written as in `10s`; comes out in milliseconds. */
export function duration(minMs: number, maxMs: number) {
  const phrase = `a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}, such as 250ms, 5s, 10m, 2h or 1d`;
  const toMs = (text: string) => parseDuration(text) ?? Number.NaN;
  return matching(DURATION_PATTERN, phrase)
    .refine((text) => toMs(text) >= minMs && toMs(text) <= maxMs, { error: `expected ${phrase}` })
    .transform(toMs);
}
