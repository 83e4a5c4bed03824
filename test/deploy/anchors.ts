/** Headings of a Markdown text as GitHub turns them into anchors. */
export function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#{1,6}\s+(.*?)\s*$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-"),
  );
}
