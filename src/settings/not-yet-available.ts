import type { ConfigSection, SuiteSection } from "./schema.ts";

/**
 * Names, as written in the file, of what asks for a part that is promised and not built yet. A key that asks for
 * nothing (an empty list) is not among them.
 */
export function notYetAvailable(config: ConfigSection): readonly string[] {
  return (config.suites ?? []).flatMap(ofSuite);
}

function ofSuite(suite: SuiteSection, index: number): readonly string[] {
  return suite.locations.length === 0 ? [] : [`suites[${index}].locations`];
}
