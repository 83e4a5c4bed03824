import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const documents = execFileSync(
  "git",
  ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
  {
    cwd: ROOT,
    encoding: "utf8",
  },
)
  .split("\0")
  .filter((file) => file !== "" && existsSync(join(ROOT, file)));

describe("the documentation", () => {
  test("has a README and notes for contributors", () => {
    expect(documents).toEqual(
      expect.arrayContaining(["README.md", "CONTRIBUTING.md", "docs/decisions/README.md"]),
    );
  });

  for (const file of documents) {
    test(`${file}: every relative link leads somewhere`, () => {
      expect(brokenLinks(file, readFileSync(join(ROOT, file), "utf8"))).toEqual([]);
    });
  }

  test("finds a link that leads nowhere", () => {
    const text = "# A b\n[ok](#a-b) [web](https://example.com) `[code](gone)`\n```\n[code](gone)\n```\n";
    expect(brokenLinks("docs/x.md", text)).toEqual([]);
    expect(brokenLinks("docs/x.md", `${text}[file](gone.md)`)).toEqual(["gone.md"]);
    expect(brokenLinks("docs/x.md", `${text}![image](../gone.png "title")`)).toEqual(["../gone.png"]);
    expect(brokenLinks("docs/x.md", `${text}[anchor](#c)`)).toEqual(["#c"]);
    expect(brokenLinks("docs/x.md", `${text}\n[reference]: gone.md`)).toEqual(["gone.md"]);
    expect(
      brokenLinks("docs/x.md", "[file](../package.json) [folder](../src) [line](../package.json#L1)"),
    ).toEqual([]);
  });
});

describe("the README", () => {
  let readme = "";
  beforeAll(() => {
    readme = readFileSync(join(ROOT, "README.md"), "utf8");
  });

  test("opens with one sentence that says what it is", () => {
    const [title, sentence = ""] = readme.split(/\n\n+/);
    expect(title).toMatch(/^# \S[^\n]*$/);
    expect(sentence).toMatch(/^[^\n].*\.$/s);
    expect(sentence.match(/[.!?](?=\s|$)/g)).toHaveLength(1);
  });

  test("then gives exactly the two commands that a newcomer needs", () => {
    const commands = [...readme.matchAll(/npm ci\b[^`\n]*/g)].map((match) =>
      match[0].replace(/\s*#.*/, "").trim(),
    );
    expect(commands.slice(0, 2)).toEqual(["npm ci && npm run demo", "npm ci && npm test"]);
    const firstBlocks = [...readme.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? "");
    const inBlocks = firstBlocks
      .join("")
      .split("\n")
      .filter((line) => line.startsWith("npm ci"));
    expect(inBlocks.map((line) => line.replace(/\s+#.*/, ""))).toEqual(commands.slice(0, inBlocks.length));
  });

  test("names scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const named = [...readme.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map((match) => match[1] ?? "");
    expect(named).toContain("demo");
    for (const name of [...named, "test"]) expect.soft(Object.keys(scripts)).toContain(name);
  });
});

/** Relative link targets of a Markdown text that lead to no file or heading. */
function brokenLinks(file: string, markdown: string): string[] {
  const prose = markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, "").replace(/`[^`\n]*`/g, "");
  const inline = [...prose.matchAll(/\]\(\s*<?([^\s)>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const references = [...prose.matchAll(/^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)/gm)];
  return [...inline, ...references]
    .map((match) => match[1] ?? "")
    .filter((target) => !/^[a-z][a-z+.-]*:/i.test(target))
    .filter((target) => !leadsSomewhere(file, markdown, target));
}

function leadsSomewhere(file: string, markdown: string, target: string): boolean {
  const [path = "", anchor = ""] = decodeURIComponent(target).split("#");
  const place = path === "" ? join(ROOT, file) : join(ROOT, dirname(file), path);
  if (path !== "" && !existsSync(place)) return false;
  if (anchor === "" || (path !== "" && !path.endsWith(".md"))) return true;
  return anchorsOf(path === "" ? markdown : readFileSync(place, "utf8")).includes(anchor);
}

/** Headings as GitHub turns them into anchors, and anchors set by hand. */
function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, "").matchAll(/^#{1,6}\s+(.*?)\s*#*$/gm)];
  const byHand = [...markdown.matchAll(/<a (?:id|name)="([^"]+)"/g)].map((match) => match[1] ?? "");
  const slugs = headings.map((match) =>
    (match[1] ?? "")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-"),
  );
  return [...slugs, ...byHand];
}
