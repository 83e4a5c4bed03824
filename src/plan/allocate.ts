/**
 * Shares `total` devices out over strata in proportion to their sizes, by largest remainder; each gets at least one, so
 * that none goes unseen, and where that takes more than `total`, more are drawn. A share differs from the exact
 * proportion by less than one, or is one.
 */
export function allocate(sizes: readonly number[], total: number): number[] {
  const all = sizes.reduce((sum, size) => sum + size, 0);
  if (total >= all) return [...sizes];
  const exact = sizes.map((size) => (total * size) / all);
  const shares = exact.map((share, at) => Math.min(sizes[at] ?? 0, Math.max(1, Math.floor(share))));
  let left = total - shares.reduce((sum, share) => sum + share, 0);
  const remainder = (at: number) => (exact[at] ?? 0) - (shares[at] ?? 0);
  const byRemainder = sizes.map((_size, at) => at).toSorted((a, b) => remainder(b) - remainder(a) || a - b);
  for (const at of byRemainder) {
    if (left <= 0 || remainder(at) <= 0) break;
    shares[at] = (shares[at] ?? 0) + 1;
    left -= 1;
  }
  return shares;
}
