import { test, vi } from "vitest";

test("leaves the clock faked", () => {
  vi.useFakeTimers();
});
