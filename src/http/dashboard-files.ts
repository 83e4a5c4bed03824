import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { errorCode } from "../lib/errors.ts";

/** The dashboard as Vite has built it. Beside the sources and in the package it is at the same place. */
const BUILT = new URL("../../dist/ui/", import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

export interface StaticFile {
  readonly type: string;
  readonly body: Buffer;
}

export interface DashboardFiles {
  /** null: it was not built. */
  readonly page: Buffer | null;
  /** Scripts and styles by name; what is not in here is not served, whatever a path says. */
  readonly assets: ReadonlyMap<string, StaticFile>;
}

/** Reads it once: a few small files. */
export function readDashboard(folder: URL = BUILT): DashboardFiles {
  try {
    const assets = readdirSync(new URL("assets/", folder)).flatMap((name): [string, StaticFile][] => {
      const type = TYPES[extname(name)];
      const body = readFileSync(new URL(`assets/${encodeURIComponent(name)}`, folder));
      return type === undefined ? [] : [[name, { type, body }]];
    });
    return { page: readFileSync(new URL("index.html", folder)), assets: new Map(assets) };
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    return { page: null, assets: new Map() };
  }
}
