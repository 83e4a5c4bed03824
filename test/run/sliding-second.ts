/** The most that fell into any second, its end left out. */
export function busiestSecond(atMs: readonly number[]): number {
  const sorted = [...atMs].sort((a, b) => a - b);
  let most = 0;
  for (let first = 0, next = 0; next < sorted.length; next++) {
    while ((sorted[next] ?? 0) - (sorted[first] ?? 0) >= 1000) first++;
    most = Math.max(most, next - first + 1);
  }
  return most;
}
