import { NotYetAvailableError } from "../lib/errors.ts";
import type { Command } from "./command.ts";

/** Commands that the contract names and a later version brings: any use of them is a clear error. */
export const UNAVAILABLE_COMMANDS: readonly Command<object>[] = (
  [["worker", "Take shards from the queue"]] as const
).map(([command, describe]) => ({
  command,
  describe: `${describe} (not yet available)`,
  options: (argv) => argv.strict(false),
  run: async () => {
    throw new NotYetAvailableError(`the command \`${command}\``);
  },
}));
