/** One thing wrong with a configuration or a profile. Never holds a value that may be a secret. */
export interface Problem {
  /** File as the user named it; `-` is standard input. */
  readonly file: string;
  /** 1-based; null where the format has no lines. */
  readonly line: number | null;
  /** Path of the field, for example `tls.alpn[0]`; null: the whole line or file. */
  readonly field: string | null;
  /** What is wrong and what was expected. */
  readonly message: string;
}
