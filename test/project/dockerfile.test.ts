import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lastStep, parseDockerfile, type Stage } from "./dockerfile.ts";

const ROOT = join(import.meta.dirname, "../..");
const stages = parseDockerfile(readFileSync(join(ROOT, "Dockerfile"), "utf8"));

function final(): Stage {
  const stage = stages.at(-1);
  if (stage === undefined) throw new Error("no stage");
  return stage;
}

describe("the Dockerfile", () => {
  test("builds in stages, all on the Node the product asks for", () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      engines: { node: string };
    };
    expect(engines.node).toBe(">=24");
    expect(stages.length).toBeGreaterThan(1);
    expect(stages.map((stage) => stage.image)).toEqual(stages.map(() => "node:24-bookworm-slim"));
    expect(process.version).toMatch(/^v24\./);
  });

  test("runs as nobody special, takes SIGTERM itself and is asked for its health", () => {
    expect(lastStep(final(), "user")).toMatchObject({ uid: 1000, gid: 1000 });
    expect(lastStep(final(), "stopsignal").value).toBe("SIGTERM");
    expect(lastStep(final(), "entrypoint").words).toEqual([
      "node",
      "--max-semi-space-size=8",
      "--heap-growing-percent=50",
      "dist/main.js",
    ]);
    expect(lastStep(final(), "cmd").words).toEqual([
      "daemon",
      "--config",
      "/etc/fleet-smoke/fleet-smoke.yaml",
    ]);
    expect(lastStep(final(), "healthcheck").words[0]).toBe("node");
    expect(lastStep(final(), "env").values).toMatchObject({
      FLEET_SMOKE_HEALTH_URL: "http://127.0.0.1:9464/-/healthy",
      NODE_ENV: "production",
    });
  });

  test("ships no development package", () => {
    const installed = final().steps.filter((step) => step.kind === "copy" && step.from === "dependencies");
    expect(installed).toHaveLength(1);
    const dependencies = stages.find((stage) => stage.name === "dependencies");
    const commands = dependencies?.steps.flatMap((step) => (step.kind === "run" ? [step.command] : []));
    expect(commands?.every((command) => command.startsWith("npm ci --omit=dev"))).toBe(true);
  });
});

describe("its reader refuses what it would get wrong", () => {
  const bad: Readonly<Record<string, RegExp>> = {
    "RUN true": /before FROM/,
    "FROM a\nADD x y": /unknown instruction ADD/,
    "FROM a\nCOPY --chmod=755 x y": /unknown flag/,
    "FROM a\nUSER node": /cannot read node/,
    "FROM a\nENTRYPOINT node dist/main.js": /JSON|not valid/,
    "FROM a\nHEALTHCHECK NONE": /cannot read NONE/,
    "FROM a\nENV A": /cannot read the pairs/,
  };
  for (const [text, expected] of Object.entries(bad)) {
    test(JSON.stringify(text), () => {
      expect(() => parseDockerfile(text)).toThrow(expected);
    });
  }

  test("continued lines, comments and quoted values are read", () => {
    const text = 'FROM a AS b\n# note\nENV A="x y" \\\n  # inside\n  B=2\nRUN one && \\\n  two\n';
    expect(parseDockerfile(text)).toEqual([
      {
        image: "a",
        name: "b",
        steps: [
          { kind: "env", values: { A: "x y", B: "2" } },
          { kind: "run", command: "one && two" },
        ],
      },
    ]);
  });
});
