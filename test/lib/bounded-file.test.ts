import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readBoundedFile } from "../../src/lib/bounded-file.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "bounded-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test("a file is read up to its limit and refused beyond it", async () => {
  const path = join(await folder(), "file");
  await writeFile(path, "x".repeat(1024 * 1024));
  expect(await readBoundedFile(path, 1024 * 1024)).toMatchObject({ kind: "read" });
  await writeFile(path, "x".repeat(1024 * 1024 + 1));
  const reason = "is larger than 1 MiB";
  expect(await readBoundedFile(path, 1024 * 1024)).toEqual({ kind: "unreadable", reason });
});

test("what is no file is refused; a pipe nobody writes to does not keep us waiting", async () => {
  const base = await folder();
  await mkdir(join(base, "folder"));
  execFileSync("mkfifo", [join(base, "pipe")]);
  const reasonOf = async (name: string) => {
    const answer = await readBoundedFile(join(base, name), 10);
    return answer.kind === "unreadable" ? answer.reason : null;
  };
  expect(await reasonOf("folder")).toBe("is a folder");
  expect(await reasonOf("pipe")).toBe("is not a regular file");
  expect(await reasonOf("nothing")).toBe("does not exist");
  expect(await readBoundedFile("/dev/zero", 10)).toMatchObject({ reason: "is not a regular file" });
});
