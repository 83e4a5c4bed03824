/**
 * Who may import what, one row a folder or package, each with the sentence to read when it fires.
 * Type imports count: a type shared across a boundary ties the two sides as surely as a function.
 */

export interface FolderRule {
  /** Folders of `src/`, or files directly in it, besides the folder itself. */
  readonly may: readonly string[];
  /** Nothing that could make it answer differently tomorrow: no clock, chance, timer, network, file. */
  readonly pure?: true;
  readonly why: string;
}

const DATA = ["model", "lib"];
const STAGE = "stages meet only in the model's types: each is tested, replaced and read by itself";
const PURE = "a pure stage: data in, data out, so that every cell of its tables can be tested";

export const FOLDER_RULES: Readonly<Record<string, FolderRule>> = {
  model: { may: [], pure: true, why: "everything depends on the data's types, so they depend on nothing" },
  lib: { may: ["model"], why: "helpers that any folder may use must not pull a stage in" },

  context: { may: DATA, pure: true, why: PURE },
  plan: { may: DATA, pure: true, why: PURE },
  policy: { may: DATA, pure: true, why: PURE },
  gate: { may: DATA, pure: true, why: PURE },
  lint: { may: DATA, pure: true, why: `${PURE}; what is written is not explained by what happened` },
  verdict: { may: DATA, pure: true, why: PURE },

  settings: { may: DATA, why: STAGE },
  profiles: { may: DATA, why: STAGE },
  aws: { may: DATA, why: STAGE },
  gateway: { may: DATA, why: STAGE },
  store: { may: DATA, why: STAGE },
  metrics: { may: DATA, why: STAGE },
  report: { may: DATA, why: STAGE },
  run: { may: DATA, why: STAGE },
  http: { may: DATA, why: STAGE },
  notify: { may: DATA, why: STAGE },
  ui: { may: ["model"], why: "the dashboard runs in a browser: it shares types with the daemon, no code" },

  emulator: {
    may: [...DATA, "policy"],
    why: "it plays AWS: sharing code with the prober would let one mistake cancel another out",
  },

  connection: { may: DATA, why: `${STAGE}; the gateway and AWS come in as ports` },

  "pipeline.ts": {
    may: [...DATA, "context", "connection", "plan", "policy", "gate", "verdict"],
    why: "it tells the story with the stages; whatever touches the world comes in as a port",
  },
  app: {
    may: [...DATA, "plan", "profiles", "aws", "gateway", "metrics", "run", "pipeline.ts"],
    why: "parts of the composition root, which alone knows them all",
  },
  "app.ts": {
    may: [
      ...DATA,
      ...["context", "plan", "policy", "gate", "verdict", "settings", "profiles", "aws", "gateway"],
      ...["store", "metrics", "report", "run", "http", "notify", "pipeline.ts", "app"],
    ],
    why: "it wires the daemon; the emulator is another process, started by the cli",
  },
  cli: {
    may: [
      ...DATA,
      ...["context", "plan", "policy", "gate", "verdict", "lint", "settings", "profiles", "aws", "gateway"],
      ...["store", "metrics", "report", "run", "http", "notify", "emulator", "pipeline.ts", "app", "app.ts"],
    ],
    why: "commands wire the parts; nothing may depend on main.ts",
  },
  "main.ts": {
    may: ["cli", "lib", "model"],
    why: "argv, signals and exit codes only: the commands do the rest",
  },
};

export interface PackageRule {
  readonly packages: RegExp;
  /** Folders or files of `src/`; none: forbidden everywhere. */
  readonly only: readonly string[];
  /** These names may be imported anywhere: they compute and touch nothing. */
  readonly harmless?: readonly string[];
  readonly why: string;
}

/** A package without a row is free for all but pure folders. */
export const PACKAGE_RULES: readonly PackageRule[] = [
  {
    packages: /^(@aws-sdk|@smithy)\//,
    only: ["aws"],
    why: "one owner for the AWS SDK, its retries and its errors",
  },
  { packages: /^mqtt$/, only: ["gateway"], why: "one owner for MQTT.js: its defaults reconnect and retry" },
  {
    packages: /^mqtt-packet$/,
    only: ["gateway", "emulator"],
    why: "the codec belongs to the two ends of the wire",
  },
  {
    packages: /^ws$/,
    only: ["gateway", "emulator"],
    why: "client sockets are the gateway's; the emulator serves",
  },
  {
    packages: /^undici$/,
    only: ["gateway", "notify", "cli/gate/client.ts", "aws/http-handler.ts"],
    why: "client sockets have one owner; webhooks, the remote gate and what is below the SDK are not probes",
  },
  { packages: /^prom-client$/, only: ["metrics"], why: "every metric stands in one catalogue" },
  { packages: /^@?fastify(\/|$)/, only: ["http"], why: "one HTTP server, one place for its authentication" },
  { packages: /^node:sqlite$/, only: ["store"], why: "one owner for the database and its lock" },
  { packages: /^(bullmq|i?o?redis)$/, only: ["run"], why: "queues are an implementation of run's port" },
  {
    packages: /^p-limit$/,
    only: ["run", "profiles"],
    why: "a worker decides how many checks are in flight, profiles how many credential programs",
  },
  { packages: /^croner$/, only: ["run", "settings"], why: "settings checks a schedule, run follows it" },
  { packages: /^yargs(\/|$)/, only: ["cli", "main.ts"], why: "argv is read by commands, never by parts" },
  {
    packages: /^(zod|yaml|csv-parse)(\/|$)/,
    only: ["settings", "profiles", "report", "emulator", "http", "cli/policy.ts"],
    why: "input is parsed where it comes in; behind that, the model's types hold",
  },
  { packages: /^pino$/, only: ["lib"], why: "lib/log.ts decides where log lines go" },
  {
    packages: /^node:(net|tls)$/,
    only: ["gateway", "emulator"],
    harmless: ["isIP", "isIPv4", "isIPv6", "BlockList", "rootCertificates"],
    why: "a connection to the outside is a probe, and probes live in gateway/",
  },
  {
    packages: /^node:(https?|http2)$/,
    only: ["gateway", "emulator", "http"],
    why: "a connection to the outside is a probe; the daemon's server lives in http/",
  },
  {
    packages: /^node:(dns|dns\/promises|dgram)$/,
    only: ["gateway"],
    why: "a probe dials one resolved address",
  },
  {
    packages: /^node:child_process$/,
    only: ["profiles", "cli", "run"],
    why: "credentials by exec, the demo's emulator and local workers are the only children",
  },
  {
    packages: /^node:(cluster|worker_threads)$/,
    only: ["run"],
    why: "parallel work is shards taken by workers",
  },
  { packages: /^node:process$/, only: ["main.ts"], why: "env, argv and exit are arguments, not globals" },
  { packages: /^node:(module|vm|repl|inspector)(\/|$)/, only: [], why: "no way around the import rule" },
];

/** What pure folders may use besides the model and lib. */
export const PURE_PACKAGES = /^node:(buffer|crypto|util|net|punycode|querystring|url)$/;

export interface GlobalRule {
  readonly use: RegExp;
  readonly allowed: (place: string) => boolean;
  readonly why: string;
}

/** Things that need no import; `place` is the folder, or the file directly in `src/`. */
export const GLOBAL_RULES: readonly GlobalRule[] = [
  {
    use: /(?:\bglobalThis\s*\.\s*|(?<![.\w$#]))process\b(?!\s*\??:)/g,
    allowed: (place) => place === "main.ts",
    why: "only main.ts touches the process: env, argv, streams and exit are arguments elsewhere",
  },
  {
    use: /(?:\bglobalThis\s*\.\s*|(?<![.\w$#]))(?:fetch\s*\(|(?:WebSocket|EventSource)\b)/g,
    allowed: (place) => ["gateway", "notify", "cli", "emulator", "ui"].includes(place),
    why: "a connection to the outside is a probe, and probes live in gateway/",
  },
  {
    use: /(?<![.\w$#])(?:Date\.now\s*\(|new Date\(\s*\)|Math\.random\b|performance\.|(?:setTimeout|setInterval|setImmediate)\s*\()/g,
    allowed: (place) => FOLDER_RULES[place]?.pure !== true,
    why: "a pure folder gives the same answer tomorrow: time and chance are arguments",
  },
  {
    use: /(?<![.\w$#])require\s*\(|\bcreateRequire\b|\bgetBuiltinModule\b/g,
    allowed: () => false,
    why: "no way around the import rule",
  },
];
