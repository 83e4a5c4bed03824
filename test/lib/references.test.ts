import { Buffer } from "node:buffer";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { hasReferences, resolveReferences } from "../../src/lib/references.ts";

async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "references-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

async function resolved(text: string, baseFolder: string, env: Record<string, string> = {}) {
  const answer = await resolveReferences(text, { baseFolder, env });
  return answer.kind === "resolved" ? answer.bytes.toString("latin1") : answer;
}

test("several references and plain text join as bytes", async () => {
  const folder = await folderWith({ binary: Buffer.from([0xff, 0x00, 0x0a]) });
  expect(await resolved(`a-\${env:NAME}-\${file:binary}-z`, folder, { NAME: "n" })).toBe("a-n-\xff\x00-z");
});

test.each([
  ["secret", "secret"],
  ["secret\n", "secret"],
  ["secret\r\n", "secret"],
  ["secret\n\n", "secret\n"],
  ["secret\r", "secret\r"],
  ["\nsecret", "\nsecret"],
])("a file gives its bytes less one trailing newline: %j", async (content, expected) => {
  expect(await resolved(`\${file:f}`, await folderWith({ f: content }))).toBe(expected);
});

test.each([
  [`$\${env:A}`, `\${env:A}`],
  [`$$\${env:A}`, `$\${env:A}`],
  [`$\${file:x`, `\${file:x`],
  [
    `\${other:A} \${} \${env:} $ {env:A} \${iot:ClientId}`,
    `\${other:A} \${} \${env:} $ {env:A} \${iot:ClientId}`,
  ],
])("escapes are undone and other text is left alone: %s", async (text, expected) => {
  expect(hasReferences(text)).toBe(false);
  expect(await resolved(text, "/", { A: "wrong" })).toBe(expected);
});

test("a value is never read for references again", async () => {
  expect(await resolved(`\${env:A}`, "/", { A: `\${env:B}`, B: "wrong" })).toBe(`\${env:B}`);
});

test("what is missing, empty or unreadable is named, and no value with it", async () => {
  const folder = await folderWith({ empty: "", newline: "\n", big: Buffer.alloc(1024 * 1024 + 1, "x") });
  const reason = async (text: string) =>
    resolveReferences(`planted-secret${text}`, { baseFolder: folder, env: { EMPTY: "" } });
  const unavailable = (why: string) => ({ kind: "unavailable", reason: why });
  expect(await reason(`\${env:GONE}`)).toEqual(unavailable("the variable GONE is not set"));
  expect(await reason(`\${env:toString}`)).toEqual(unavailable("the variable toString is not set"));
  expect(await reason(`\${env:EMPTY}`)).toEqual(unavailable("the variable EMPTY is empty"));
  expect(await reason(`\${file:gone}`)).toEqual(unavailable("the file gone does not exist"));
  expect(await reason(`\${file:empty}`)).toEqual(unavailable("the file empty is empty"));
  expect(await reason(`\${file:newline}`)).toEqual(unavailable("the file newline is empty"));
  expect(await reason(`\${file:big}`)).toEqual(unavailable("the file big is larger than 1 MiB"));
  expect(await reason(`\${file:.}`)).toEqual(unavailable("the file . is a folder"));
  expect(await reason(`\${file:/dev/zero}`)).toEqual(unavailable("the file /dev/zero is not a regular file"));
});

test("property: escaped text comes back as it was, whatever it holds", async () => {
  const pieces = fc.constantFrom("$", "{", "}", `\${`, `$\${`, "env:A", "file:/etc/passwd", "é", "a", "\n");
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 12 }), async (list) => {
      const text = list.join("");
      // A lone `$` before an escape would join it, so text that ends such a run is outside the grammar's promise.
      fc.pre(!text.includes(`$\${`));
      const escaped = text.replaceAll(`\${`, () => `$\${`);
      expect(hasReferences(escaped)).toBe(false);
      expect(await resolved(escaped, "/", { A: "wrong" })).toBe(Buffer.from(text).toString("latin1"));
    }),
  );
});

test("property: text around a reference is kept byte for byte", async () => {
  const plain = fc.string({ unit: "binary" }).filter((text) => !text.includes("$"));
  await fc.assert(
    fc.asyncProperty(plain, plain, fc.string({ minLength: 1 }), async (before, after, value) => {
      const text = `${before}\${env:V}${after}`;
      expect(hasReferences(text)).toBe(true);
      const expected = Buffer.from(before + value + after).toString("latin1");
      expect(await resolved(text, "/", { V: value })).toBe(expected);
    }),
  );
});
