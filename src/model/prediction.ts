/**
 * What the returned policy documents permit, evaluated locally. `document` and `statement` (zero-based) name
 * what decided; both null where nothing matched (implicit deny) or nothing could be decided.
 */
export interface Prediction {
  readonly decision: "allow" | "deny" | "unknown";
  readonly by: "explicit-deny" | "implicit-deny" | "allow" | null;
  readonly document: number | null;
  readonly statement: number | null;
  /** Why it is unknown; null otherwise. */
  readonly undecided: string | null;
}

/** The same question with less in it, to see what a decision hangs on; null: not asked. */
export interface LesserPredictions {
  /** As a clean session without a will. */
  readonly willAndSession: Prediction | null;
  /** With every Allow's condition taken for met, and every Deny's for not met. */
  readonly conditions: Prediction | null;
}
