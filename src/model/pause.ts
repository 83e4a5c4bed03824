/** Nothing new is connected or asked until somebody resumes. */
export interface Pause {
  /** Who asked for it: a token's name. */
  readonly actor: string;
  /** Empty where none was given. */
  readonly reason: string;
  /** ISO 8601. */
  readonly since: string;
}
