import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { expect, onTestFinished } from "vitest";
import type { ProfileSource } from "../../src/model/config.ts";
import type { Problem } from "../../src/model/problem.ts";
import type { Profile } from "../../src/model/profile.ts";
import { type Fleet, type FleetOptions, openFleet } from "../../src/profiles/fleet.ts";
import type { Scan } from "../../src/profiles/scanner.ts";

export const never = new AbortController().signal;

/** A temporary folder with these files; gone after the test. */
export async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "profiles-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

export function sourceOf(baseFolder: string, path: string, more: Partial<ProfileSource> = {}): ProfileSource {
  return { path, baseFolder, identity: null, clientIdSuffix: "", exec: null, ...more };
}

export function optionsWith(more: Partial<FleetOptions> = {}): FleetOptions {
  return { targets: ["eu"], env: {}, stdin: null, tempFolder: tmpdir(), ...more };
}

/** Opens sources that are there. The fleet is closed after the test. */
export async function opened(
  sources: readonly ProfileSource[],
  options: Partial<FleetOptions> = {},
): Promise<Fleet> {
  const answer = await openFleet(sources, optionsWith(options));
  if (answer.kind === "invalid") expect.fail(JSON.stringify(answer.problems));
  onTestFinished(() => answer.fleet.close());
  return answer.fleet;
}

export interface ReadFleet {
  readonly profiles: readonly Profile[];
  readonly problems: readonly Problem[];
  readonly scan: Scan;
}

/** Both passes. */
export async function readFleet(fleet: Fleet): Promise<ReadFleet> {
  const problems: Problem[] = [];
  const scan = await fleet.scan((problem) => problems.push(problem), never);
  const profiles = await collect(fleet.profiles(never));
  expect(scan.profiles).toBe(profiles.length);
  return { profiles, problems, scan };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Both passes over one file with this content. */
export async function readFile(
  name: string,
  content: string | Uint8Array,
  options: Partial<FleetOptions> = {},
  source: Partial<ProfileSource> = {},
): Promise<ReadFleet> {
  const folder = await folderWith({ [name]: content });
  return readFleet(await opened([sourceOf(folder, name, source)], options));
}

/** `file:line: field: message`, as it would be shown. */
export function shown({ file, line, field, message }: Problem): string {
  return [file, line ?? "-", field ?? "-", message].join(" | ");
}

/** The smallest valid profile. */
export function minimal(id: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { id, protocol: "mqtt", clientId: id, identity: "dedicated", ...more };
}

export function ndjson(profiles: readonly unknown[]): string {
  return profiles.map((profile) => `${JSON.stringify(profile)}\n`).join("");
}

/** A profile as plain data, credentials included, without what says where it came from. */
export function plain(profile: Profile): unknown {
  const { origin: _, baseFolder: __, ...rest } = profile;
  return exposed(rest);
}

function exposed(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("exposeText" in value && typeof value.exposeText === "function") return `secret:${value.exposeText()}`;
  if (Array.isArray(value)) return value.map(exposed);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, exposed(each)]));
}

export function readableOf(...chunks: readonly (string | Uint8Array)[]): Readable {
  return Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
}
