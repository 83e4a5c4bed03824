/* What a sample without replacement says about the rate of failures among all. */

/** Of the interval, both sides together. */
export const CONFIDENCE = 0.95;
/** The standard normal distribution leaves 2.5 % above it. */
const Z = 1.959963984540054;

/** A sample of devices, and how many there are. */
export interface Drawn {
  readonly devices: number;
  readonly ofDevices: number;
}

/**
 * The highest rate of failing devices that the sample does not exclude, 0..1: the upper limit of Wilson's score interval
 * (E. B. Wilson, JASA 22, 1927, 209–212), its variance less what sampling without replacement saves (W. G. Cochran,
 * Sampling Techniques, 1977, section 2.6), rounded up to whole devices. Where all were drawn: the rate itself.
 *
 * @param failed of `devices`; need not be whole, where a device stands for several checks
 */
export function failureRateBound(failed: number, { devices, ofDevices }: Drawn): number {
  if (devices <= 0) return 1;
  if (devices >= ofDevices) return failed / devices;
  const rate = failed / devices;
  const n = (devices * (ofDevices - 1)) / (ofDevices - devices);
  const upper = wilsonUpper(rate, n);
  // A whole number that arithmetic pushed up by a hair stays what it is.
  return Math.min(1, Math.ceil(upper * ofDevices - 1e-9) / ofDevices);
}

/** The fewest of `ofDevices` that, should none fail, exclude a failure rate of `rate` or more. */
export function devicesToExclude(rate: number, ofDevices: number): number {
  let [least, most] = [1, ofDevices];
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    if (failureRateBound(0, { devices: middle, ofDevices }) < rate) most = middle;
    else least = middle + 1;
  }
  return most;
}

/** Wilson's upper limit; `n` may be any positive number. */
export function wilsonUpper(rate: number, n: number): number {
  const z2 = Z * Z;
  const centre = rate + z2 / (2 * n);
  const spread = Z * Math.sqrt((rate * (1 - rate)) / n + z2 / (4 * n * n));
  return Math.min(1, (centre + spread) / (1 + z2 / n));
}

/** As people read it, with three digits; never less than `rate`: `4.97 %`, `33.4 %`. */
export function ratePercent(rate: number): string {
  if (rate <= 0) return "0 %";
  const places = Math.max(0, 2 - Math.floor(Math.log10(rate * 100)));
  const scale = 10 ** places;
  return `${Math.ceil(Number((rate * 100 * scale).toFixed(6))) / scale} %`;
}
