/** Names one cohort × target. */
export function groupKey(target: string, cohort: string): string {
  return `${target}\n${cohort}`;
}
