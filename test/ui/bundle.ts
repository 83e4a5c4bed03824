import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const DIST = fileURLToPath(new URL("../../dist/ui", import.meta.url));

export interface BundleSize {
  readonly file: string;
  /** Compressed with gzip as most servers do. */
  readonly gzipBytes: number;
}

/** What a browser fetches before the first screen: the scripts and styles that the built page names. */
export function firstScreenFiles(): readonly BundleSize[] {
  const page = join(DIST, "index.html");
  if (!existsSync(page)) throw new Error("the dashboard is not built: npm run build:ui");
  const named = readFileSync(page, "utf8").matchAll(
    /<(?:script|link)\b[^>]*?\b(?:src|href)="([^"]+\.(?:js|css))"/g,
  );
  return [...named].map(([, address = ""]) => ({
    file: address,
    gzipBytes: gzipSync(readFileSync(join(DIST, address))).length,
  }));
}
