export interface Query {
  readonly expr: string;
  /** Grafana's template for the series' name. */
  readonly legend: string;
}

export interface PanelSpec {
  readonly title: string;
  readonly description: string;
  readonly kind: "stat" | "lines" | "bars" | "timeline" | "table" | "matrix";
  readonly queries: readonly Query[];
  readonly unit: "short" | "s" | "percentunit" | "bytes" | "ops";
  /** Of 24 columns. */
  readonly width: number;
  /** How values are coloured and named. */
  readonly look?: "decision" | "verdict" | "expiry" | "alarm" | "authorizer-limit";
}

export interface RowSpec {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}
