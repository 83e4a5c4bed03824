/** Reads the part of the Dockerfile language that ours uses; anything else is an error, not a step left out. */

export interface Stage {
  readonly name: string | null;
  readonly image: string;
  readonly steps: readonly Step[];
}

export type Step =
  | { readonly kind: "workdir"; readonly path: string }
  | {
      readonly kind: "copy";
      readonly from: string | null;
      readonly sources: readonly string[];
      readonly to: string;
    }
  | { readonly kind: "run"; readonly command: string }
  | { readonly kind: "env"; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: "label"; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: "user"; readonly uid: number; readonly gid: number }
  | { readonly kind: "volume" | "entrypoint" | "cmd" | "healthcheck"; readonly words: readonly string[] }
  | { readonly kind: "expose" | "stopsignal"; readonly value: string };

/** Throws on an instruction, a flag or a form that is not known here. */
export function parseDockerfile(text: string): Stage[] {
  const stages: { name: string | null; image: string; steps: Step[] }[] = [];
  for (const { keyword, rest } of instructionsOf(text)) {
    if (keyword === "FROM") {
      const [, image = "", name = null] = match(/^(\S+)(?:\s+AS\s+(\S+))?$/i, rest);
      stages.push({ image, name, steps: [] });
      continue;
    }
    const read = READERS[keyword];
    if (read === undefined) throw new Error(`unknown instruction ${keyword}`);
    const stage = stages.at(-1);
    if (stage === undefined) throw new Error(`${keyword} before FROM`);
    stage.steps.push(read(rest));
  }
  return stages;
}

/** The last step of a kind in a stage: for ENTRYPOINT and its like the last one counts. */
export function lastStep<K extends Step["kind"]>(stage: Stage, kind: K): Step & { readonly kind: K } {
  const found = stage.steps.findLast((step) => step.kind === kind);
  if (found === undefined) throw new Error(`no ${kind} in the stage of ${stage.image}`);
  return found as Step & { readonly kind: K };
}

const READERS: Readonly<Record<string, (rest: string) => Step>> = {
  WORKDIR: (path) => ({ kind: "workdir", path }),
  RUN: (command) => ({ kind: "run", command }),
  COPY: readCopy,
  ENV: (rest) => ({ kind: "env", values: readPairs(rest) }),
  LABEL: (rest) => ({ kind: "label", values: readPairs(rest) }),
  USER: (rest) => {
    const [, uid, gid] = match(/^(\d+):(\d+)$/, rest);
    return { kind: "user", uid: Number(uid), gid: Number(gid) };
  },
  VOLUME: (rest) => ({ kind: "volume", words: readWords(rest) }),
  ENTRYPOINT: (rest) => ({ kind: "entrypoint", words: readWords(rest) }),
  CMD: (rest) => ({ kind: "cmd", words: readWords(rest) }),
  HEALTHCHECK: (rest) => {
    const [, words = ""] = match(/^(?:--\S+\s+)*CMD\s+(\[.*\])$/, rest);
    return { kind: "healthcheck", words: readWords(words) };
  },
  EXPOSE: (value) => ({ kind: "expose", value }),
  STOPSIGNAL: (value) => ({ kind: "stopsignal", value }),
};

function readCopy(rest: string): Step {
  const words = rest.split(/\s+/);
  const flags = words.filter((word) => word.startsWith("--"));
  const paths = words.filter((word) => !word.startsWith("--"));
  const strange = flags.find((flag) => !/^--(from|chown)=/.test(flag));
  if (strange !== undefined) throw new Error(`unknown flag ${strange} of COPY`);
  const from = flags.find((flag) => flag.startsWith("--from="))?.slice("--from=".length) ?? null;
  return { kind: "copy", from, sources: paths.slice(0, -1), to: paths.at(-1) ?? "" };
}

function readPairs(rest: string): Record<string, string> {
  const pairs = [...rest.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))\s*/g)];
  if (pairs.map((pair) => pair[0]).join("") !== rest) throw new Error(`cannot read the pairs ${rest}`);
  return Object.fromEntries(pairs.map(([, key, quoted, plain]) => [key, quoted ?? plain ?? ""]));
}

/** The exec form only: the shell form would put a shell between the signals and the daemon. */
function readWords(rest: string): string[] {
  const words: unknown = JSON.parse(rest);
  if (!Array.isArray(words) || !words.every((word) => typeof word === "string")) {
    throw new Error(`not the exec form: ${rest}`);
  }
  return words;
}

function* instructionsOf(text: string): Generator<{ readonly keyword: string; readonly rest: string }> {
  const logical = text.replace(/^\s*#.*\n/gm, "").replace(/\\\n\s*/g, "");
  for (const line of logical.split("\n")) {
    if (line.trim() === "") continue;
    const [, keyword = "", rest = ""] = match(/^([A-Z]+)\s+(.*?)\s*$/, line);
    yield { keyword, rest };
  }
}

function match(pattern: RegExp, text: string): RegExpMatchArray {
  const found = text.match(pattern);
  if (found === null) throw new Error(`cannot read ${text}`);
  return found;
}
