/** Every duration and limit of the alerts; durations as Prometheus writes them, `…Seconds` as numbers. */
export interface Thresholds {
  /** How long a decision may be out of date, or a suite be without one. */
  readonly staleFor: string;
  readonly inconclusiveFor: string;
  readonly goWithinSeconds: number;
  /** A run that finishes no check for so long is stuck. */
  readonly stuckSeconds: number;
  /** Above the default `deadline` of 2 h. */
  readonly overdueAfter: string;
  /** How long a device that got in and must not keeps its alert. */
  readonly acceptWindow: string;
  readonly throttledWindow: string;
  /** Share of calls that AWS may throttle: retries hide a little of it. */
  readonly throttledRatio: number;
  readonly authorizerWindow: string;
  readonly authorizerFor: string;
  /** Half of the 5 seconds that AWS IoT gives an authorizer (config-custom-auth). */
  readonly authorizerSeconds: number;
  /** Fewer calls within the window have no 95th percentile to speak of. */
  readonly authorizerCalls: number;
  readonly faultWindow: string;
  readonly downFor: string;
  readonly restartWindow: string;
  readonly restarts: number;
  readonly reloadFor: string;
  readonly pausedFor: string;
  readonly invalidFor: string;
  readonly overriddenWindow: string;
  readonly certificateSeconds: number;
  readonly credentialSeconds: number;
  /** A credential that was renewed within this time renews itself. */
  readonly credentialUnchangedFor: string;
}

const DAY_SECONDS = 86_400;

/** What `alerts.yaml` is made with. */
export const SHIPPED: Thresholds = {
  staleFor: "30m",
  inconclusiveFor: "30m",
  goWithinSeconds: DAY_SECONDS,
  stuckSeconds: 900,
  overdueAfter: "3h",
  acceptWindow: "1h",
  throttledWindow: "15m",
  throttledRatio: 0.05,
  authorizerWindow: "30m",
  authorizerFor: "5m",
  authorizerSeconds: 2.5,
  authorizerCalls: 20,
  faultWindow: "30m",
  downFor: "5m",
  restartWindow: "1h",
  restarts: 3,
  reloadFor: "5m",
  pausedFor: "4h",
  invalidFor: "15m",
  overriddenWindow: "1h",
  certificateSeconds: 21 * DAY_SECONDS,
  credentialSeconds: 7 * DAY_SECONDS,
  credentialUnchangedFor: "1d",
};
