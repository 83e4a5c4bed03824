import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { Stage, Step } from "./dockerfile.ts";

/** What a container of the image would be: a folder for its `/`, and what to start in it. */
export interface Image {
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Performs the stages' steps below `into`, one folder a stage, as no container engine is at hand. `context` is the
 * checkout; only what git tracks and `.dockerignore` lets through is copied. Throws when a step fails.
 */
export function buildImage(stages: readonly Stage[], context: string, into: string): Image {
  const files = contextFiles(context);
  const built = new Map<string, Image>();
  let image: Image | null = null;
  for (const [index, stage] of stages.entries()) {
    const name = stage.name ?? String(index);
    image = buildStage(stage, join(into, name), (step, to) => {
      if (step.from === null) copyFromContext(context, files, step.sources, to);
      else copyFromStage(built.get(step.from), step.sources, to);
    });
    built.set(name, image);
  }
  if (image === null) throw new Error("the Dockerfile has no stage");
  return image;
}

type Copy = (step: Extract<Step, { kind: "copy" }>, to: string) => void;

function buildStage(stage: Stage, root: string, copy: Copy): Image {
  mkdirSync(root, { recursive: true });
  const env: Record<string, string> = {};
  let workdir = root;
  for (const step of stage.steps) {
    if (step.kind === "workdir") {
      workdir = inside(root, root, step.path);
      mkdirSync(workdir, { recursive: true });
    } else if (step.kind === "env") {
      Object.assign(env, step.values);
    } else if (step.kind === "copy") {
      copy(step, inside(root, workdir, step.to));
    } else if (step.kind === "run") {
      runStep(step.command, workdir, env);
    }
  }
  return { root, workdir, env };
}

/** A path of the image as a path of this machine. */
export function inside(root: string, workdir: string, path: string): string {
  return path.startsWith("/") ? join(root, path) : join(workdir, path);
}

/** The environment of a step or of the daemon: this Node stands in for the base image's, nothing else is passed on. */
export function imageEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const { PATH = "", HOME = "/tmp" } = process.env;
  const own = Object.entries(process.env).filter(([key]) =>
    /^npm_config_|_proxy$|^NODE_EXTRA_CA_CERTS$/i.test(key),
  );
  const settings = Object.fromEntries(own.map(([key, value]) => [key, value ?? ""]));
  return { ...settings, HOME, PATH: `${dirname(process.execPath)}${delimiter}${PATH}`, ...env };
}

function runStep(command: string, cwd: string, env: Readonly<Record<string, string>>): void {
  if (/(?:^|[\s=])\//.test(command))
    throw new Error(`an absolute path in RUN cannot be performed here: ${command}`);
  const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", command], {
    cwd,
    env: imageEnvironment(env),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`RUN ${command} ended with ${status}:\n${stdout}${stderr}`);
}

function copyFromContext(
  context: string,
  files: readonly string[],
  sources: readonly string[],
  to: string,
): void {
  for (const source of sources.map((each) => each.replace(/^\.\//, ""))) {
    const found = files.filter((file) => file === source || file.startsWith(`${source}/`));
    if (found.length === 0) throw new Error(`COPY ${source}: not in the build context`);
    for (const file of found) {
      // A folder's content goes into the destination; a file keeps its name when the destination is a folder.
      const isFile = file === source;
      const below = isFile ? (file.split("/").at(-1) ?? file) : file.slice(source.length + 1);
      copyReadable(join(context, file), join(to, below));
    }
  }
}

function copyFromStage(stage: Image | undefined, sources: readonly string[], to: string): void {
  if (stage === undefined) throw new Error("COPY --from names no earlier stage");
  for (const source of sources) cpSync(inside(stage.root, "/", source), to, { recursive: true });
}

/** As in the build context of a container: everybody may read it. */
function copyReadable(from: string, to: string): void {
  cpSync(from, to);
  chmodSync(to, 0o644);
}

/** A clean copy's files: tracked by git, present, let through by `.dockerignore`. */
function contextFiles(context: string): string[] {
  const listed = execFileSync("git", ["ls-files", "-z"], { cwd: context, encoding: "utf8" });
  const letsThrough = readIgnore(readFileSync(join(context, ".dockerignore"), "utf8"));
  return listed
    .split("\0")
    .filter((file) => file !== "" && letsThrough(file) && existsSync(join(context, file)));
}

/** Ours denies everything (`*`) and lets single paths through (`!path`): the safe form, and easy to read. */
function readIgnore(text: string): (file: string) => boolean {
  const [first, ...others] = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const strange = others.find((line) => !/^!\w[\w./-]*$/.test(line));
  if (first !== "*" || strange !== undefined)
    throw new Error(`.dockerignore: cannot read ${strange ?? first}`);
  const paths = others.map((line) => line.slice(1));
  return (file) => paths.some((path) => file === path || file.startsWith(`${path}/`));
}
