import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Peer } from "./gateway-peers.ts";
import type { Pki } from "./gateway-pki.ts";

/** `openssl s_server` on a free port of 127.0.0.1: a TLS stack whose alerts Node's server does not give. */
export async function startOpensslServer(pki: Pki, options: readonly string[]): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), "fleet-smoke-openssl-"));
  writeFileSync(join(folder, "server.pem"), pki.good.cert + pki.good.key);
  writeFileSync(join(folder, "ca.pem"), pki.ca);
  const files = ["-cert", "server.pem", "-CAfile", "ca.pem"];
  const child = spawn("openssl", ["s_server", "-accept", "127.0.0.1:0", ...files, ...options], {
    cwd: folder,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const port = await acceptedPort(child.stdout);
  return {
    port,
    connections: [],
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, "close");
      child.kill("SIGKILL");
      await gone;
      rmSync(folder, { recursive: true });
    },
  };
}

async function acceptedPort(output: AsyncIterable<Buffer>): Promise<number> {
  let text = "";
  for await (const chunk of output) {
    text += chunk.toString();
    const port = /^ACCEPT .*:(\d+)$/m.exec(text)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`openssl s_server did not start: ${text}`);
}
