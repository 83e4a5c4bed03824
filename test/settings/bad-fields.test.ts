import { expect, test } from "vitest";
import { configText, type Parts } from "./folder.ts";
import { type Said, saidOf } from "./said.ts";

const TARGET_KEYS =
  "name, region, accountId, endpoint, address, addressFamily, port, caFile, controlPlaneEndpoint, queryStringMark, sourceIp, budgets, serviceQuotas, concurrency, timeouts";
const GATE_KEYS =
  "minChecks, minPassRatio, maxUnexpectedAccepts, maxInconclusiveRatio, minCoverage, maxAge, maxFailures, maxConnectP95, maxAuthorizerP95, maxNewFailures, requirePolicyUnchanged";
const NAME = "a name: letters, digits, `.`, `_` and `-`, at most 64, a letter or digit first";
const ENDPOINT =
  "expected a host name (it is sent as SNI), without scheme, port and path; an IP address belongs into `address`";
const PROBE = "a duration from 10ms to 10m, such as 250ms, 5s, 10m, 2h or 1d";
const CRON = "expected a cron expression of five fields such as */15 * * * * (or six, seconds first)";

const wrongFields: readonly (readonly [string, Parts, ...Said[]])[] = [
  [
    "an unknown key",
    { target: "prot: 443" },
    [5, "targets[0].prot", `unknown key; expected one of: ${TARGET_KEYS}`],
  ],
  [
    "an unknown key whose value starts on the next line",
    { target: "prot:\n      tls: 443" },
    [5, "targets[0].prot", `unknown key; expected one of: ${TARGET_KEYS}`],
  ],
  [
    "an unknown section",
    { rest: "metrics: {}" },
    [
      9,
      "metrics",
      "unknown key; expected one of: targets, profiles, suites, schedule, http, store, queue, notify",
    ],
  ],
  [
    "an unknown key deep inside, on its own line",
    { rest: "suites:\n  - name: a\n    gate:\n      minChecks: 1\n      minPass: 1" },
    [13, "suites[0].gate.minPass", `unknown key; expected one of: ${GATE_KEYS}`],
  ],
  [
    "a value where a key should be",
    { target: "budgets: { burst:5 }" },
    [5, "targets[0].budgets", "expected `key: value`"],
  ],
  [
    "a key that looks like a value",
    { target: "budgets: { 'burst:5': 1 }" },
    [5, "targets[0].budgets", "unknown key; expected one of: invokesPerSecond, connectsPerSecond, burst"],
  ],
  [
    "a port that is text",
    { target: 'port: "443"' },
    [5, "targets[0].port", "expected a port from 1 to 65535, found text"],
  ],
  ["a port out of range", { target: "port: 0" }, [5, "targets[0].port", "expected a port from 1 to 65535"]],
  [
    "a port with a fraction",
    { target: "port: 1.5" },
    [5, "targets[0].port", "expected a port from 1 to 65535"],
  ],
  [
    "a port left empty",
    { target: "port:" },
    [5, "targets[0].port", "empty; expected a port from 1 to 65535"],
  ],
  [
    "an address family that is none",
    { target: "addressFamily: 5" },
    [5, "targets[0].addressFamily", "expected one of 4, 6, any"],
  ],
  [
    "an endpoint with scheme",
    { target: "endpoint: https://a.example.com" },
    [5, "targets[0].endpoint", ENDPOINT],
  ],
  [
    "an endpoint with port",
    { target: 'endpoint: "a.example.com:443"' },
    [5, "targets[0].endpoint", ENDPOINT],
  ],
  [
    "an endpoint that is an IP address",
    { target: "endpoint: 127.0.0.1" },
    [5, "targets[0].endpoint", ENDPOINT],
  ],
  [
    "an address with port",
    { target: 'address: "127.0.0.1:8443"' },
    [5, "targets[0].address", "expected an IP address or a host name, without scheme and port"],
  ],
  [
    "an address of another family",
    { target: 'address: "::1"\n    addressFamily: 4' },
    [6, "targets[0].addressFamily", "`address` is an IPv6 address"],
  ],
  [
    "a network where the address the gateway sees is due",
    { target: "sourceIp: 203.0.113.0/24" },
    [5, "targets[0].sourceIp", "expected an IP address such as 203.0.113.7 or 2001:db8::7"],
  ],
  [
    "a control plane that is no URL",
    { target: 'controlPlaneEndpoint: "127.0.0.1:8080"' },
    [
      5,
      "targets[0].controlPlaneEndpoint",
      "expected a URL such as http://127.0.0.1:8080, without user, query and fragment",
    ],
  ],
  [
    "a budget of nothing",
    { target: "budgets: { invokesPerSecond: 0 }" },
    [5, "targets[0].budgets.invokesPerSecond", "expected a number a second from 0.01 to 100000"],
  ],
  [
    "a budget without end",
    { target: "budgets: { invokesPerSecond: .inf }" },
    [
      5,
      "targets[0].budgets.invokesPerSecond",
      "expected a number a second from 0.01 to 100000, found a number",
    ],
  ],
  [
    "a duration without unit",
    { target: "timeouts: { probe: 10 }" },
    [5, "targets[0].timeouts.probe", `expected ${PROBE}, found a number: put it in quotes`],
  ],
  [
    "a duration out of bounds",
    { target: "timeouts: { probe: 11m }" },
    [5, "targets[0].timeouts.probe", `expected ${PROBE}`],
  ],
  [
    "a list instead of a section",
    { target: "timeouts: [10s]" },
    [5, "targets[0].timeouts", "expected a section (`key: value`), found a list"],
  ],
  [
    "a CA file that is not there",
    { target: "caFile: no.pem" },
    [5, "targets[0].caFile", "the file does not exist"],
  ],
  [
    "a CA file without certificates",
    { target: "caFile: here.txt" },
    [5, "targets[0].caFile", "expected a file of PEM certificates (-----BEGIN CERTIFICATE-----)"],
  ],
  ["a CA file that is a folder", { target: "caFile: ." }, [5, "targets[0].caFile", "the file is a folder"]],
  [
    "an identity that is none",
    { profile: "identity: live" },
    [8, "profiles[0].identity", "expected one of dedicated, device"],
  ],
  [
    "a command that is text",
    { profile: "credentials: { exec: run me }" },
    [8, "profiles[0].credentials.exec", "expected a list: a command and its arguments, found text"],
  ],
  [
    "a command that is empty",
    { profile: "credentials: { exec: [] }" },
    [8, "profiles[0].credentials.exec[0]", "missing; expected a command"],
  ],
  [
    "an argument that is a number",
    { profile: "credentials: { exec: [a, 5] }" },
    [
      8,
      "profiles[0].credentials.exec[1]",
      "expected text without NUL characters, found a number: put it in quotes",
    ],
  ],
  [
    "standard input twice",
    { profile: "identity: device\n  - path: '-'\n  - path: '-'" },
    [10, "profiles[2].path", "standard input can be read only once"],
  ],
  [
    "no suite",
    { rest: "suites: []" },
    [9, "suites", "expected at least 1 entry; leave the key out for one suite `all`"],
  ],
  [
    "a suite without name",
    { rest: "suites:\n  - deadline: 1h" },
    [10, "suites[0].name", `missing; expected ${NAME}`],
  ],
  [
    "a suite's name with a slash",
    { rest: "suites: [{ name: a/b }]" },
    [9, "suites[0].name", `expected ${NAME}`],
  ],
  [
    "two suites of one name",
    { rest: "suites:\n  - name: a\n  - name: a" },
    [11, "suites[1].name", "another suite has this name"],
  ],
  [
    "no cohort",
    { rest: "suites: [{ name: a, cohorts: [] }]" },
    [9, "suites[0].cohorts", "an empty list selects nothing; leave the key out for all"],
  ],
  [
    "a cohort twice",
    { rest: "suites: [{ name: a, cohorts: [b, b] }]" },
    [9, "suites[0].cohorts[1]", "the cohort stands here twice"],
  ],
  [
    "a ratio in percent",
    { rest: "suites: [{ name: a, gate: { minPassRatio: 99 } }]" },
    [9, "suites[0].gate.minPassRatio", "expected a ratio from 0 to 1 (1 is 100 %)"],
  ],
  [
    "rules and expectations for cohorts that are left out",
    {
      rest: "suites:\n  - name: a\n    cohorts: [p]\n    expected: { v: 1 }\n    cohortGates:\n      p: {}\n      w x: {}",
    },
    [12, "suites[0].expected.v", "expected one of this suite's `cohorts`"],
    [15, "suites[0].cohortGates", "expected one of this suite's `cohorts`"],
  ],
  [
    "an expectation that is no count",
    { rest: "suites: [{ name: a, expected: { p: 0.5 } }]" },
    [9, "suites[0].expected.p", "expected a number of checks from 1 to 100000000"],
  ],
  [
    "a flag that is text",
    { rest: "suites: [{ name: a, failFast: yes }]" },
    [9, "suites[0].failFast", "expected true or false, found text"],
  ],
  [
    "an authorizer mode that is none",
    { rest: "suites: [{ name: a, authorizer: never }]" },
    [9, "suites[0].authorizer", "expected one of every, sample, on-disagreement"],
  ],
  [
    "a schedule of no suite",
    { rest: 'schedule: [{ suite: nightly, cron: "0 3 * * *" }]' },
    [9, "schedule[0].suite", "expected the name of a suite of this file"],
  ],
  [
    "a cron expression out of range",
    { rest: 'schedule: [{ suite: all, cron: "61 * * * *" }]' },
    [9, "schedule[0].cron", CRON],
  ],
  [
    "a cron expression of four fields",
    { rest: 'schedule: [{ suite: all, cron: "* * * *" }]' },
    [9, "schedule[0].cron", CRON],
  ],
  [
    "a date instead of a cron expression",
    { rest: 'schedule: [{ suite: all, cron: "2030-01-01T00:00:00" }]' },
    [9, "schedule[0].cron", CRON],
  ],
  [
    "a cron expression that never comes due",
    { rest: 'schedule: [{ suite: all, cron: "0 0 30 2 *" }]' },
    [9, "schedule[0].cron", "this cron expression never comes due"],
  ],
  [
    "a time zone that is none",
    { rest: 'schedule: [{ suite: all, cron: "0 3 * * *", timezone: Mars/Base }]' },
    [9, "schedule[0].timezone", "expected a time zone such as UTC or Europe/Berlin"],
  ],
  [
    "a listen address without host",
    { rest: 'http: { listen: ":9464" }' },
    [9, "http.listen", "expected an address to listen on such as 127.0.0.1:9464 or [::1]:9464"],
  ],
  [
    "TLS without key",
    { rest: "http: { tls: { certFile: here.txt } }" },
    [9, "http.tls.keyFile", "missing; expected the path of a file"],
  ],
  [
    "a key file that is not there",
    { rest: "http: { tls: { certFile: here.txt, keyFile: no.key } }" },
    [9, "http.tls.keyFile", "the file does not exist"],
  ],
  [
    "an allowed host with port",
    { rest: 'http: { allowedHosts: ["a:1"] }' },
    [9, "http.allowedHosts[0]", "expected a host name or an IP address, without scheme and port"],
  ],
  [
    "a token file that is not there",
    { rest: "http: { tokens: [{ name: a, tokenFile: no, scopes: [read] }] }" },
    [9, "http.tokens[0].tokenFile", "the file does not exist"],
  ],
  [
    "a token that may nothing",
    { rest: "http: { tokens: [{ name: a, tokenFile: here.txt, scopes: [] }] }" },
    [9, "http.tokens[0].scopes", "expected at least one of read, trigger, admin"],
  ],
  [
    "a scope that is none",
    { rest: "http: { tokens: [{ name: a, tokenFile: here.txt, scopes: [write] }] }" },
    [9, "http.tokens[0].scopes[0]", "expected one of read, trigger, admin"],
  ],
  [
    "two tokens of one name",
    {
      rest: "http:\n  tokens:\n    - { name: a, tokenFile: here.txt, scopes: [read] }\n    - { name: a, tokenFile: here.txt, scopes: [read] }",
    },
    [12, "http.tokens[1].name", "another token has this name"],
  ],
  [
    "a store that keeps nothing",
    { rest: "store: { keepRuns: 0 }" },
    [9, "store.keepRuns", "expected a whole number from 1 to 1000000"],
  ],
  [
    "a queue that is none",
    { rest: "queue: { kind: kafka }" },
    [9, "queue.kind", "expected `kind` to be one of local, bullmq"],
  ],
  [
    "a queue without kind",
    { rest: "queue: { workers: 1 }" },
    [9, "queue.kind", "expected `kind` to be one of local, bullmq"],
  ],
  [
    "workers that are no number",
    { rest: "queue: { kind: local, workers: many }" },
    [9, "queue.workers", "expected a whole number from 1 to 256, or auto"],
  ],
  [
    "a queue that is no Redis",
    { rest: 'queue: { kind: bullmq, redis: "http://a" }' },
    [9, "queue.redis", "expected a URL that starts with redis:// or rediss://"],
  ],
  [
    "limits read that workers elsewhere would not know",
    { target: "serviceQuotas: true", rest: 'queue: { kind: bullmq, redis: "redis://a" }' },
    [5, "targets[0].serviceQuotas", "not with `queue.kind: bullmq`: state the limits in `budgets`"],
  ],
  [
    "a webhook for no decision",
    { rest: "notify: [{ url: https://a, secretFile: here.txt, on: [] }]" },
    [9, "notify[0].on", "expected at least one of go, no-go, inconclusive"],
  ],
  [
    "a webhook with a user",
    { rest: "notify: [{ url: https://a:b@c, secretFile: here.txt }]" },
    [9, "notify[0].url", "expected a URL that starts with https:// or http://, without user and fragment"],
  ],
  [
    "a key that stands twice",
    { target: "port: 1\n    port: 2" },
    [6, "targets[0].port", "the key stands here twice"],
  ],
  ["a key that is no word", { rest: "? [a, b]\n: 1" }, [9, null, "expected a word as key"]],
  ["a prototype as key", { rest: "__proto__: { port: 1 }" }, [9, null, "expected a word as key"]],
  ["an unknown tag", { target: "port: !port 443" }, [5, null, "unknown tag (`!…`)"]],
  [
    "an alias of nothing",
    { target: "port: *p" },
    [5, "targets[0].port", "this alias (`*name`) has no anchor (`&name`) before it"],
  ],
  [
    "an anchor that stands twice",
    { target: "port: &p 443\n    concurrency: &p 5" },
    [6, "targets[0].concurrency", "this anchor (`&name`) stands here twice"],
  ],
  [
    "an alias of itself",
    { rest: "suites: &s [{ name: a, cohorts: *s }]" },
    [9, "suites[0].cohorts[0].cohorts", "this alias stands for itself"],
  ],
  [
    "a tab as indentation",
    { target: "budgets:\n\tburst: 1" },
    [6, null, "not YAML: a tab is used for indentation; use spaces"],
  ],
  [
    "an unquoted colon",
    { target: "endpoint: a: b" },
    [5, null, "not YAML: a second `key:` on the line (a text that holds `: ` needs quotes)"],
  ],
];

for (const [name, parts, ...said] of wrongFields) {
  test(`${name} is reported`, async () => {
    expect(await saidOf(configText(parts))).toEqual(said);
  });
}

test("the table holds enough rows to mean something", () => {
  expect(wrongFields.length).toBeGreaterThan(60);
});
