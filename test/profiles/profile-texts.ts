import fc from "fast-check";

export type RawObject = Readonly<Record<string, unknown>>;

/** Fields that have a column of their own below these. */
const NESTED = ["token", "tls", "connect", "headers"];

/** A fleet as CSV: dotted columns, JSON for lists and other objects. Empty texts cannot be written. */
export function csv(fleet: readonly RawObject[]): string {
  const rows = fleet.map(cellsOf);
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const lines = rows.map((row) => columns.map((column) => quote(row.get(column) ?? "")).join(","));
  return [columns.map(quote).join(","), ...lines, ""].join("\r\n");
}

function cellsOf(profile: RawObject): ReadonlyMap<string, string> {
  const cells = new Map<string, string>();
  for (const [key, value] of Object.entries(profile)) {
    const isNested = NESTED.includes(key) && typeof value === "object" && value !== null;
    if (!isNested) cells.set(key, cell(value));
    else for (const [inner, each] of Object.entries(value)) cells.set(`${key}.${inner}`, cell(each));
  }
  return cells;
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const printable = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
  .filter((text) => !/\p{Cc}/u.test(text) && !text.includes("${"));
const oneLine = printable;
const anyText = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  // CSV rows end with any line break, so a cell's own breaks are told as LF; a reference would need a file.
  .filter((text) => !/[\0\r]/.test(text) && !text.includes("${"));
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,10}$/);
const topic = fc.stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9 é]{1,8}){0,3}$/);

/** Any profile that every format can hold. */
export const anyProfile: fc.Arbitrary<RawObject & { readonly id: string }> = fc.record(
  {
    id: printable,
    protocol: fc.oneof(
      fc.constantFrom("mqtt", "wss"),
      fc.constantFrom(["mqtt"], ["wss", "mqtt"], ["https", "wss", "mqtt"]),
    ),
    clientId: anyText,
    identity: fc.constantFrom("dedicated", "device"),
    topic,
    cohort: fc.stringMatching(/^[A-Za-z0-9_.:-]{1,20}$/),
    mqttVersion: fc.constantFrom(4, 5),
    password: anyText,
    queryString: fc.stringMatching(/^[a-z=&"%,]{1,20}$/),
    headers: fc.dictionary(fc.stringMatching(/^x-[a-z0-9.]{1,8}$/), oneLine, { minKeys: 1, maxKeys: 3 }),
    token: fc.oneof(
      fc.record({ key: name, value: oneLine, signature: oneLine }),
      fc.record({ key: name, jwt: oneLine }),
      fc.record({ key: name, value: oneLine }),
    ),
    connect: fc.record(
      {
        cleanSession: fc.boolean(),
        keepAliveSeconds: fc.integer({ min: 0, max: 65_535 }),
        will: fc.record({ topic, payload: anyText }),
      },
      { requiredKeys: ["cleanSession"] },
    ),
    tls: fc.record(
      {
        alpn: fc.array(
          printable.filter((text) => Buffer.byteLength(text) < 255),
          { maxLength: 3 },
        ),
        serverName: fc.stringMatching(/^[a-z0-9.-]{1,20}$/),
        maxVersion: fc.constantFrom("TLSv1.2", "TLSv1.3"),
      },
      { requiredKeys: ["alpn"] },
    ),
    expect: fc.oneof(
      fc.constantFrom("allow", "deny"),
      fc.record({ access: fc.constantFrom("allow", "deny"), receive: fc.record({ deny: fc.array(topic) }) }),
    ),
    labels: fc.dictionary(
      printable.filter((key) => key !== "__proto__"),
      printable,
      { maxKeys: 3 },
    ),
  },
  { requiredKeys: ["id", "protocol", "clientId", "identity", "topic"] },
) as fc.Arbitrary<RawObject & { readonly id: string }>;
