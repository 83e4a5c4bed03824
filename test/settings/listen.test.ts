import { expect, test } from "vitest";
import { parseListen } from "../../src/settings/listen.ts";

test.each([
  ["127.0.0.1:9464", { host: "127.0.0.1", port: 9464 }],
  ["localhost:0", { host: "localhost", port: 0 }],
  ["0.0.0.0:65535", { host: "0.0.0.0", port: 65_535 }],
  ["[::1]:9464", { host: "::1", port: 9464 }],
  ["[::]:80", { host: "::", port: 80 }],
])("%s is split into host and port", (text, address) => {
  expect(parseListen(text)).toEqual(address);
});

test.each([
  "",
  ":9464",
  "9464",
  "127.0.0.1",
  "127.0.0.1:",
  "::1:9464",
  "[127.0.0.1]:1",
  "[::1]",
  "a:65536",
  "http://a:1",
])("%j is refused", (text) => {
  expect(parseListen(text)).toBeNull();
});
