import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CONFIG = join(import.meta.dirname, "../../deploy/kubernetes/config");
/** Where the manifests mount the Secret. */
export const SECRETS = "/run/secrets/fleet-smoke";

export interface Mounted {
  /** The folder that stands for /etc/fleet-smoke. */
  readonly config: string;
  readonly remove: () => Promise<void>;
}

/**
 * The shipped configuration as the kubelet mounts a ConfigMap: each file a link into `..data`, itself a link to a
 * folder named after the time, so that all change at once. Secrets lie in a folder of their own.
 */
export async function mountConfig(): Promise<Mounted> {
  const folder = await mkdtemp(join(tmpdir(), "mounted-"));
  const [config, secrets] = [join(folder, "config"), join(folder, "secrets")];
  await mkdir(join(config, "..2026_11_23"), { recursive: true });
  await mkdir(secrets);
  await symlink("..2026_11_23", join(config, "..data"));
  for (const file of await readdir(CONFIG)) {
    const text = await readFile(join(CONFIG, file), "utf8");
    for (const [, secret = ""] of text.matchAll(new RegExp(`${SECRETS}/([\\w.-]+)`, "g"))) {
      await writeFile(join(secrets, secret), "a-secret-of-a-test\n");
    }
    await writeFile(join(config, "..data", file), text.replaceAll(SECRETS, secrets));
    await symlink(join("..data", file), join(config, file));
  }
  return { config, remove: () => rm(folder, { recursive: true, force: true }) };
}
